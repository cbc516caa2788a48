"""Observed series: is each of something the model has, and are its rows sound?"""

from __future__ import annotations

from collections.abc import Iterator

from fieldshift.errors import Problem
from fieldshift.network.checks_names import each
from fieldshift.scenario.marked import Path, dotted
from fieldshift.scenario.observed import OBSERVABLE, Span, kind_of, spans, spelled
from fieldshift.scenario.paths import amounts, nearest, problem_at
from fieldshift.scenario.schema import Row, Scenario, Series

__all__ = ["CHECKS"]

_HEADS = (
    *("on_board", "field", "desk", "support", "leave", "training", "hiring", "transit", "detail", "hosted", "present"),
    *("hires", "losses", "people", "duty", "started", "passed", "under_way"),
)


def check_measures(scenario: Scenario) -> Iterator[Problem]:
    """Is each series of a measure that the model has, in its unit?"""
    for name, series in scenario.history.items():
        for path, of in each(series.of, ("history", name, "of")):
            measure, _, part = of.partition(".")
            if measure not in OBSERVABLE:
                yield problem_at(
                    scenario,
                    path,
                    f"there is no measure '{measure}' to observe",
                    nearest(measure, OBSERVABLE, "measures"),
                )
                continue
            collection = OBSERVABLE[measure]
            known = getattr(scenario, collection, None)
            if part and known is not None and part not in known:
                what = f"there is no '{part}' in {collection}"
                yield problem_at(scenario, path, what, nearest(part, known, collection))
            wrong = series.counts == ("headcount" if measure == "fte" else "fte")
            if wrong and measure in ("fte", *_HEADS):
                what = f"counts {series.counts}, and '{measure}' does not: FTE and headcount are never mixed"
                hint = "observe `fte`" if series.counts == "fte" else "observe `on_board` or `people`"
                yield problem_at(scenario, ("history", name, "counts"), what, hint)


def check_rows(scenario: Scenario) -> Iterator[Problem]:
    """Has every row a date and a site that exist, a number that can be, and does it stand there once?"""
    sites = {site.id for site in scenario.sites}
    for name, series in scenario.history.items():
        path: Path = ("history", name)
        if series.source is None and not series.assumption:
            what = "states numbers without saying where from"
            yield problem_at(scenario, path, what, "give `source`, or `assumption: true`", "warning")
        if series.site is not None and series.site not in sites:
            what = f"there is no site '{series.site}'"
            yield problem_at(scenario, (*path, "site"), what, nearest(series.site, sites, "sites"))
        first: dict[tuple[object, ...], int] = {}
        for i, (row, span) in enumerate(zip(series.rows, spans(series), strict=True)):
            place: Path = (*path, "rows", i)
            yield from _row(scenario, series, place, row, sites)
            key = (span, row.site, row.published)
            if spelled(row.date) is not None and key in first:
                what = f"{row.date}{f' of {row.site}' if row.site else ''} stands here twice"
                yield problem_at(scenario, (*place, "date"), what, f"first as {series.rows[first[key]].date}")
            first.setdefault(key, i)
        yield from _whole_and_parts(scenario, series, path)
        yield from _one_length(scenario, series, path, spans(series))


def _row(scenario: Scenario, series: Series, place: Path, row: Row, sites: set[str]) -> Iterator[Problem]:
    if spelled(row.date) is None:
        yield problem_at(
            scenario, (*place, "date"), f"expected a date, got '{row.date}'", "such as 2021-03-31 or 2021-03"
        )
    if row.value is not None and not 0 <= row.value < float("inf"):
        yield problem_at(scenario, (*place, "value"), f"must be at least 0 and finite, got {row.value:g}")
    if row.site is not None and series.site is not None:
        yield problem_at(scenario, (*place, "site"), "names a site, and so does the series", "keep one")
    elif row.site is not None and row.site not in sites:
        what = f"there is no site '{row.site}'"
        yield problem_at(scenario, (*place, "site"), what, nearest(row.site, sites, "sites"))
    if row.published is not None and scenario.as_of is not None and row.published > scenario.as_of:
        what = f"published on {row.published}, in a scenario that knows nothing after {scenario.as_of}"
        yield problem_at(scenario, (*place, "published"), what, "a calibration with `until` leaves it out", "warning")


def _whole_and_parts(scenario: Scenario, series: Series, path: Path) -> Iterator[Problem]:
    """Yield a problem where some rows are by site and some of the whole: a sum of both would count twice."""
    whole = [i for i, row in enumerate(series.rows) if row.site is None]
    if whole and len(whole) < len(series.rows):
        what = f"{len(whole)} of {len(series.rows)} rows name no site, the others do"
        yield problem_at(scenario, (*path, "rows", whole[0]), what, "put the whole into a series of its own")


def _one_length(scenario: Scenario, series: Series, path: Path, found: tuple[Span, ...]) -> Iterator[Problem]:
    """Yield a problem where the intervals of one site overlap: one sum would count some days twice."""
    if kind_of(series) == "stock":
        return
    at: dict[str | None, tuple[Span, Row]] = {}
    order = sorted(
        zip(found, series.rows, range(len(found)), strict=True), key=lambda one: (one[0].first, one[0].after)
    )
    for span, row, i in order:
        before = at.get(row.site)
        if before is not None and span.first < before[0].after and span != before[0]:
            what = f"the interval of {row.date} overlaps that of {before[1].date}"
            hint = "say `every`, or `kind: stock` for counts at an instant"
            yield problem_at(scenario, (*path, "rows", i, "date"), what, hint)
            return
        at[row.site] = (span, row)


def check_drives(scenario: Scenario) -> Iterator[Problem]:
    """Does a series that drives a number drive one that there is, and no two the same?"""
    known = {dotted(found.path) for found in amounts(scenario)}
    taken: dict[str, str] = {}
    for name, series in scenario.history.items():
        if series.drives is None:
            continue
        path: Path = ("history", name, "drives")
        if series.drives not in known:
            what = f"there is no number at '{series.drives}'"
            yield problem_at(scenario, path, what, nearest(series.drives, known))
        elif series.drives in taken:
            yield problem_at(scenario, path, f"'{series.drives}' is driven by '{taken[series.drives]}' already")
        taken.setdefault(series.drives, name)


def check_fit(scenario: Scenario) -> Iterator[Problem]:
    """Is everything that is to be fitted an unknown, to series that there are, under a policy that there is?"""
    given = scenario.calibrate
    if given is None:
        return
    if not scenario.history:
        yield problem_at(scenario, ("calibrate",), "there is no series to fit to", "write one under `history`")
    found = {dotted(one.path): one.amount for one in amounts(scenario)}
    for key in ("fit", "by_site"):
        for i, text in enumerate(getattr(given, key)):
            place: Path = ("calibrate", key, i)
            if text not in found:
                yield problem_at(scenario, place, f"there is no number at '{text}'", nearest(text, found))
            elif found[text].range is None:
                yield problem_at(
                    scenario, place, f"'{text}' has no range: there is nothing to fit", "give it a `range`"
                )
    if given.by_site and not scenario.sites:
        yield problem_at(scenario, ("calibrate", "by_site"), "there are no sites", "give `sites`")
    for i, name in enumerate(given.to):
        if name not in scenario.history:
            what = f"there is no series '{name}'"
            yield problem_at(scenario, ("calibrate", "to", i), what, nearest(name, scenario.history, "series"))
    if given.policy is not None and given.policy not in scenario.policies:
        what = f"there is no policy '{given.policy}'"
        yield problem_at(scenario, ("calibrate", "policy"), what, nearest(given.policy, scenario.policies, "policies"))


CHECKS = (check_measures, check_rows, check_drives, check_fit)
