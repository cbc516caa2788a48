"""What drives the answer, in the report of a run: what to measure first, and what rival estimates mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldshift.results.drives import Drives, Telling, drives_of
from fieldshift.results.report_data import policy_titles, quoted
from fieldshift.results.report_page import Block, Cell, Prose, Section, Table
from fieldshift.results.report_words import joined, rough, share, unit
from fieldshift.results.result import Result
from fieldshift.results.variance import split
from fieldshift.results.worth import Worth
from fieldshift.scenario.schema import Estimate

__all__ = ["drives_section"]

_SHOWN = 8
_NAMED = 3


def drives_section(result: Result) -> Section | None:
    """Return what drives the answer, as far as the run's own groups of futures can tell."""
    drives = drives_of(result)
    if not drives:
        return None
    found = drives[0]
    telling = found.telling(found.policy)
    rivals = [path for path in found.points if found.axes[path].unknown.amount.estimates]
    said = " ".join(_paragraph(result, drives, telling, rivals))
    if result.scenario is not None and result.scenario.tested:
        said += f" How well it did where the truth is known: {result.scenario.tested.strip()}"
    blocks: list[Block] = [Prose((said,), "lead")]
    blocks += [_rivals(result, found, path) for path in rivals[:_NAMED]]
    blocks += [_table(found, telling), Prose((_note(result, found),), "note")]
    return Section("drives", "What drives the answer, and what to measure first", tuple(blocks), "What drives it")


def _what(found: Drives) -> str:
    title = found.headline.title or found.entry.title
    return f"{title[:1].lower()}{title[1:]}" if title[1:2].islower() else title


def _paragraph(result: Result, drives: list[Drives], telling: list[Telling], rivals: list[str]) -> Iterator[str]:
    titles, found = policy_titles(result), drives[0]
    values = np.asarray(result.part(found.policy).draws[found.entry.key], np.float64)
    parts = split(np.nanmean(values, axis=0), result.group_of)
    part = float(parts.share[0])
    if np.isfinite(part):
        yield (
            f"Of the spread of {_what(found)} under {quoted(titles[found.policy])}, averaged over the horizon, "
            f"{share(part)} is ignorance and {share(1.0 - part)} luck."
        )
    sure = [one for one in telling if one.sure][:_NAMED]
    if sure:
        said = joined([f"{o.title} ({share(o.share)}, 80 % interval {share(o.low)} to {share(o.high)})" for o in sure])
        yield f"Most of the ignorance goes along with {said}."
    else:
        yield "No single unknown stands out from what chance would show."
    for path in rivals[:1]:
        yield from _rival_sentence(result, found, path)
    yield _first(result, drives, sure)


def _rival_sentence(result: Result, found: Drives, path: str) -> Iterator[str]:
    rivals = found.rivals(path)
    if len(rivals) < 2:
        return
    titles, mine = policy_titles(result), found.policies.index(found.policy)
    said = [f"{rough(float(answers[mine]))} if it is {_written(one)}" for one, answers in rivals]
    best = [found.policies[int((found.sign * answers).argmin())] for _, answers in rivals]
    yield (
        f"Sources disagree on {found.titles[path]}: {_what(found)} under {quoted(titles[found.policy])} would be "
        f"{joined(said)}."
    )
    if len(set(best)) == 1:
        yield f"Whichever it is, {quoted(titles[best[0]])} makes it best."
    else:
        chosen = [f"{quoted(titles[p])} if {_written(one)}" for p, (one, _) in zip(best, rivals, strict=True)]
        yield f"Which policy makes it best changes with it: {joined(chosen)}."


def _first(result: Result, drives: list[Drives], sure: list[Telling]) -> str:
    """Return what to measure first: what changes the choice by the first measure that has any such unknown."""
    for found in drives:
        worth = {path: found.worth(path) for path in sorted(found.apart())}
        path = max(worth, key=lambda p: (worth[p].value, p), default="")
        if path and worth[path].low > 0:
            one, months = worth[path], _months(result, found)
            band = f"80 % interval {rough(one.low * months)} to {rough(one.high * months)}"
            return (
                f"What to measure first: {found.titles[path]}. Knowing it would change which policy makes "
                f"{_what(found)} best in {share(one.changes)} of futures, and is worth "
                f"{_quantity(result, found, one.value)} ({band})."
            )
    if sure:
        best = joined([_what(found) for found in drives])
        narrow = f"to narrow the forecast, measure {sure[0].title} first"
        return f"No single unknown surely changes which policy is best by {best}; {narrow}."
    return "What to measure first cannot be told from this run; ask `fieldshift explore`."


def _months(result: Result, found: Drives) -> float:
    """Return by what an average over the horizon is multiplied to be told: months, where it is people."""
    days = (result.axes.instants[-1] - result.axes.instants[0]).days
    return days / 30.4375 if found.entry.unit == "person" else 1.0


def _quantity(result: Result, found: Drives, value: float) -> str:
    months = _months(result, found)
    if months != 1.0:
        return f"{rough(value * months)} person-months"
    each = "" if found.entry.instant else f" a {result.axes.step}"
    return f"{rough(value)} {unit(found.entry.unit)}{each}, on average over the horizon"


def _written(estimate: Estimate) -> str:
    """Return a rival estimate as it is written: its range, else its value."""
    given = estimate.range if estimate.range is not None else estimate.value
    return f"{given[0]:g} to {given[1]:g}" if isinstance(given, tuple) else str(given).replace("..", " to ")


def _rivals(result: Result, found: Drives, path: str) -> Table:
    titles = policy_titles(result)
    rows = []
    for estimate, answers in found.rivals(path):
        best = int((found.sign * answers).argmin())
        source = estimate.source or estimate.note or ""
        cells = [Cell(rough(float(a)), float(a)) for a in answers]
        rows.append((Cell(_written(estimate), small=source), *cells, Cell(titles[found.policies[best]])))
    heads = ("Estimate", *(titles[p] for p in found.policies), "Best")
    title = f"If {found.titles[path]} is …: {_what(found)}, mean over the horizon"
    return Table(f"rivals-{path.replace('.', '-')}", title, heads, tuple(rows), frozenset(range(1, len(heads) - 1)))


def _table(found: Drives, telling: list[Telling]) -> Table:
    rows = []
    for one in telling[:_SHOWN]:
        worth: Worth = found.worth(one.path)
        way = "rises with it" if one.up else "falls with it"
        part = Cell(share(one.share), one.share, f"{share(one.low)} to {share(one.high)}")
        rows.append(
            (
                Cell(one.title, small=one.path),
                part,
                Cell(way if one.sure else "may be chance"),
                Cell(share(worth.changes)),
            )
        )
    heads = ("Unknown", "Share of the ignorance", "How", "Changes the best policy in")
    return Table("drives-table", "The unknowns that tell most", heads, tuple(rows), frozenset({1, 3}))


def _note(result: Result, found: Drives) -> str:
    groups = result.facts.groups
    return (
        f"A first look: from the {groups} points of the unknowns that this run believed, by straight lines, with 80 % "
        "intervals; of rival estimates it is counted which policy is best where each is believed. "
        f"An unknown that does nothing shows {share(1.0 / (groups - 1))} on average. "
        "“Best” is by this one measure. `fieldshift explore` looks closer: more points, curves, pairs of unknowns, and "
        "a measure of your choice. The share of an unknown is its squared correlation with the answer (Fisher 1921); "
        "the worth of knowing follows Raiffa and Schlaifer (1961) and Strong, Oakley and Brennan (2014)."
    )
