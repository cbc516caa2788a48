"""The ten-second summary as plain data: where policies lead, what binds first, what differs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldshift.results.axes import Entry
from fieldshift.results.result import Result
from fieldshift.results.variance import Split, split_of
from fieldshift.scenario.schema import Headline

__all__ = ["Band", "Binding", "Change", "Outlook", "Summary", "as_json", "summary", "told"]


@dataclass(frozen=True)
class Band:
    """Mean, and 10 %, 50 % and 90 % quantiles over all futures; None where there is no value."""

    mean: float | None
    low: float | None
    middle: float | None
    high: float | None


@dataclass(frozen=True)
class Outlook:
    """One headline measure under one policy at one time, with its 80 % band.

    Attributes:
        policy: The policy.
        measure, of: The measure, and the part that it is of.
        title, unit: Its name for a reader, and its unit.
        better: `more`, `less`, or None where neither is better.
        when: `now`, `in 3 months`, ...
        date: The date, ISO; of a measure of a period, its first day.
        band: Its values.
        ignorance: Share of the variance that comes from what is not known; the rest is luck. None where nothing varies,
            or where the futures were not kept.
        ignorance_of_band: Its share of the band's width; see `variance.Split.share_of_band`.
    """

    policy: str
    measure: str
    of: str
    title: str
    unit: str
    better: str | None
    when: str
    date: str
    band: Band
    ignorance: float | None = None
    ignorance_of_band: float | None = None


@dataclass(frozen=True)
class Change:
    """How a policy differs from the base on the same futures.

    Attributes:
        policy: The policy.
        measure, of: The measure, and the part that it is of.
        title, unit: Its name for a reader, and its unit.
        when, date: As in `Outlook`.
        band: The differences.
        more, less: Shares of futures in which it is above and below 0.
        for_the_better: Share of futures in which it is on the better side, or None where neither side is.
    """

    policy: str
    measure: str
    of: str
    title: str
    unit: str
    when: str
    date: str
    band: Band
    more: float
    less: float
    for_the_better: float | None


@dataclass(frozen=True)
class Binding:
    """A limit or line of money that cut requests under a policy.

    Attributes:
        policy: The policy.
        limit, title, part: Its name, its name for a reader, and the planner's part.
        place: The site where it led most often, or `nation`.
        date: The middle one of the dates on which it bound for the first time, ISO.
        ever: Share of futures in which it ever cut a request.
        led: Share of futures in which nothing cut a request before it.
    """

    policy: str
    limit: str
    title: str
    part: str
    place: str
    date: str
    ever: float
    led: float


@dataclass(frozen=True)
class Summary:
    """What a reader should see first.

    Attributes:
        name: The scenario's name.
        policies: The policies, the base first, with their names for a reader.
        draws, seed: Futures, and the seed of all draws.
        outlooks: The headlines, by measure, policy and time.
        bindings: What bound under each policy, first what led in most futures.
        changes: Differences of every other policy from the base.
    """

    name: str
    policies: tuple[tuple[str, str], ...]
    draws: int
    seed: int
    outlooks: tuple[Outlook, ...]
    bindings: tuple[Binding, ...]
    changes: tuple[Change, ...]


def summary(result: Result, headlines: Sequence[Headline] = (), most: int = 5) -> Summary:
    """Return the summary of a run.

    Args:
        result: The run.
        headlines: What stands on top; the scenario's headlines by default, or a sensible choice.
        most: How many things that bound are told of each policy.

    Raises:
        UsageError: A headline was not kept.
    """
    policies = tuple((p, result.titles[p]) for p in result.policies)
    chosen = result.chosen_headlines(headlines)
    outlooks = tuple(_outlooks(result, chosen))
    changes = tuple(_changes(result, chosen))
    bindings = tuple(_bindings(result, most))
    return Summary(result.name, policies, result.draws, result.seed, outlooks, bindings, changes)


def told(result: Result, headlines: Sequence[Headline] = ()) -> dict[str, Any]:
    """Return the summary of a run as plain data: `outlooks` and `changes` with their bands flat, `bindings`, facts."""
    data = dataclasses.asdict(summary(result, headlines))
    flat = {name: [_flat(row) for row in data[name]] for name in ("outlooks", "changes")}
    facts = {name: getattr(result.facts, name) for name in ("groups", "engine", "digest")}
    return data | facts | {"policies": dict(result.titles)} | flat


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with the values of its band beside its other ones."""
    return {key: value for key, value in row.items() if key != "band"} | dict(row["band"])


def as_json(told: Summary, indent: int | None = 2) -> str:
    """Return a summary as JSON text; what has no value is null."""
    return json.dumps(dataclasses.asdict(told), indent=indent, ensure_ascii=False, allow_nan=False)


def _band(row: Mapping[Any, Any]) -> Band:
    numbers = (float(row[name]) for name in ("mean", "q10", "q50", "q90"))
    return Band(*(number if math.isfinite(number) else None for number in numbers))


def _outlooks(result: Result, chosen: Sequence[tuple[Entry, Headline]]) -> Iterator[Outlook]:
    table = result.headlines([headline for _, headline in chosen])
    splits: dict[tuple[str, str, str], Split | None] = {}
    for row in table.to_dict("records"):
        key = row["policy"], row["measure"], row["of"]
        better = row["better"] if isinstance(row["better"], str) else None
        day = row["date"].date().isoformat()
        if key not in splits:
            splits[key] = split_of(result, key[0], key[1:])
        parts = splits[key]
        at = [one.isoformat() for one in result.dates(key[1])].index(day)
        shares = (None, None) if parts is None else (_share(parts.share[at]), _share(parts.share_of_band[at]))
        yield Outlook(*key, row["title"], row["unit"], better, row["when"], day, _band(row), *shares)


def _share(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None


def _changes(result: Result, chosen: Sequence[tuple[Entry, Headline]]) -> Iterator[Change]:
    for entry, headline in chosen:
        dates = result.dates(entry.key[0])
        for policy in result.policies[1:]:
            if not all(entry.key in result.parts[p].draws for p in (policy, result.base)):
                continue
            paired = result.paired(policy, result.base, *entry.key)
            words = (policy, *entry.key, headline.title or entry.title, entry.unit)
            for when, i in result.points(entry):
                row = {str(name): float(value) for name, value in paired.iloc[i].items()}
                more, less = row["more"], row["less"]
                good = {"more": more, "less": less}.get(headline.better or "")
                yield Change(*words, when, dates[i].isoformat(), _band(row), more, less, good)


def _bindings(result: Result, most: int) -> Iterator[Binding]:
    for policy in result.policies:
        for row in result.bound_first([policy]).head(most).to_dict("records"):
            date = row["date"].date().isoformat()
            words = (policy, row["limit"], row["title"], row["part"], row["site"], date)
            yield Binding(*words, round(row["ever"], 6), round(row["led"], 6))
