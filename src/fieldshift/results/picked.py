"""Any measure of a stored run, by policy and by site: only what is asked for is read from its tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fieldshift.errors import RunError, UsageError
from fieldshift.results import parquet
from fieldshift.results.axes import NATION, Entry
from fieldshift.results.charts import lines
from fieldshift.results.report_data import choose, named, thin
from fieldshift.results.report_html import Part, parts_of
from fieldshift.results.report_page import Block, Figure, Key, Section, View, column, span
from fieldshift.results.report_policies import lines_say
from fieldshift.results.report_words import scaled, unit
from fieldshift.results.runs import told_of

__all__ = ["Picked", "picked", "picked_part"]

_POINTS = 53
"""Dates of a line in a chart."""

_COLUMNS = [("date", "Date", "date"), ("policy", "Policy", "text"), ("q10", "10 %"), ("q50", "Median"), ("q90", "90 %")]


@dataclass(frozen=True)
class Picked:
    """Some measures of a stored run.

    Attributes:
        table: Mean and quantiles in long form, as `Result.table` has them: columns policy, measure, of, site, date,
            mean, q05, q10, q25, q50, q75, q90, q95.
        titles: Titles of all policies of the run, each of its own.
        policies: The policies that were picked.
        entries: The measures that were picked.
        sites: Names of the sites that were picked, by id; of the nation `nation`.
        step: How long a period is.
    """

    table: pd.DataFrame
    titles: Mapping[str, str]
    policies: tuple[str, ...]
    entries: tuple[Entry, ...]
    sites: Mapping[str, str]
    step: str


def picked(
    folder: str | Path, measures: Sequence[str], policies: Sequence[str] = (), sites: Sequence[str] = ()
) -> Picked:
    """Return some measures of a stored run without reading the rest of it.

    Args:
        folder: The run, as `save` wrote it.
        measures: Measures such as `field` or `backlog.docket`.
        policies: Policies; all if none is named.
        sites: Ids of sites, `nation` among them; the nation if none is named.

    Raises:
        RunError: There is no such run, or it is damaged.
        UsageError: A measure, policy or site is not in it, or a measure was not kept by site.
    """
    place = Path(folder)
    told = told_of(place)
    try:
        return _picked(place, told, (measures, policies, sites))
    except (KeyError, ValueError, TypeError, OSError, parquet.Damaged) as error:
        raise RunError(f"{place}: the run is damaged: {error}") from error


def picked_part(found: Picked) -> Part:
    """Return what was picked as a section for another page: a chart for each measure and site, with its table."""
    frame, names = _frame(found), [found.titles[p] for p in found.policies]
    banded = choose("banded", "80 % band of", names)
    blocks: list[Block] = [banded, Key(tuple(found.titles.values())), *_figures(found, frame, names)]
    return parts_of([Section("chosen", "What you chose", tuple(blocks))])[0]


def _picked(place: Path, told: Mapping[str, Any], asked: tuple[Sequence[str], Sequence[str], Sequence[str]]) -> Picked:
    titles = named((p["name"], p["title"]) for p in told["policies"])
    axes = told["axes"]
    ids, order = axes["site_ids"], axes["planner_order"]
    names = named(zip(ids, axes["site_names"], strict=True))
    kept = {".".join(k for k in e["key"] if k): e for e in told["measures"]}
    measures = _known("measure", asked[0], kept)
    policies = _known("policy", asked[1], titles) or list(titles)
    sites = _known("site", asked[2], {NATION: "the nation", **{ids[i]: names[ids[i]] for i in order}}) or [NATION]
    entries = tuple(Entry(**{**kept[m], "key": tuple(kept[m]["key"])}) for m in measures)
    days = pd.to_datetime([dt.date.fromisoformat(day) for day in axes["instants"]]).to_numpy()
    pieces = [_rows(place, entries, policies, site, ids) for site in sites]
    table = pd.concat(pieces, ignore_index=True)
    table.insert(4, "date", days[table.pop("time").to_numpy()])
    shown = {site: "the nation" if site == NATION else names[site] for site in sites}
    return Picked(table, titles, tuple(policies), entries, shown, str(axes["step"]))


def _known(kind: str, asked: Sequence[str], there: Mapping[str, object]) -> list[str]:
    """Return what is asked for, once each; raises UsageError for what is not there."""
    missing = [name for name in asked if name not in there]
    if missing:
        raise UsageError(f"there is no {kind} {missing[0]!r} in this run; there are {', '.join(there)}")
    return list(dict.fromkeys(asked))


def _rows(
    place: Path, entries: Sequence[Entry], policies: Sequence[str], site: str, ids: Sequence[str]
) -> pd.DataFrame:
    """Return the rows of one site, or of the nation: policy, measure, of, site, time, and the statistics."""
    where: dict[str, list[str] | list[int]] = {"policy": list(policies), "measure": [e.key[0] for e in entries]}
    if site != NATION:
        where["site"] = [list(ids).index(site)]
    found = parquet.read(place / ("national.parquet" if site == NATION else "sites.parquet"), where)
    found["site"] = site
    by = dict(list(found.groupby(["policy", "measure", "of"], sort=False)))
    wanted = [(policy, *entry.key) for policy in policies for entry in entries]
    absent = [e.title for e in entries if all((p, *e.key) not in by for p in policies)]
    if absent:
        raise UsageError(f"{absent[0]!r} was kept of the nation only")
    return pd.concat([by[key].sort_values("time") for key in wanted if key in by], ignore_index=True)


def _frame(found: Picked) -> pd.DataFrame:
    """Return the rows of the charts: fewer dates, numbers in the unit that a reader sees, titles instead of names."""
    factor = {entry.key: scaled(entry.unit) for entry in found.entries}
    pieces = []
    for words, rows in found.table.groupby(["policy", "measure", "of", "site"], sort=False):
        policy, measure, of, site = map(str, words)
        few = rows.iloc[thin(len(rows), _POINTS)]
        piece = few[["q10", "q50", "q90"]].astype(np.float64) * factor[measure, of]
        piece["date"] = few["date"]
        piece["policy"] = found.titles[policy]
        piece["series"] = _series((measure, of), site)
        pieces.append(piece)
    return pd.concat(pieces, ignore_index=True)


def _series(key: tuple[str, str], site: str) -> str:
    return "|".join((*key, site))


def _figures(found: Picked, frame: pd.DataFrame, names: list[str]) -> Iterator[Figure]:
    months = max(1, round((frame["date"].max() - frame["date"].min()).days / 30.44))
    for entry in found.entries:
        for site, place in found.sites.items():
            mine = frame[frame["series"] == _series(entry.key, site)]
            measured = unit(entry.unit) + ("" if entry.instant else f", per {found.step}")
            title = entry.title if site == NATION else f"{entry.title}: {place}"
            yield Figure(
                f"chosen-{len(found.sites) * found.entries.index(entry) + list(found.sites).index(site)}",
                title,
                lines(list(found.titles.values()), months),
                ("chosen", frame),
                column(_COLUMNS),  # type: ignore[arg-type]
                {"": View(lines_say(mine, names), measured, span(mine, "q10", "q90", zero=False))},
                (choose("banded", "80 % band of", names),),
                where={"series": _series(entry.key, site)},
                shared=frozenset({"banded"}),
                sets=frozenset({"banded"}),
                half=True,
            )
