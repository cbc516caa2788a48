"""A run as tables for others, with small counts hidden if asked.

With `suppress` n, of counts of people and cases:

1. A row in which any statistic lies between 0 and n is hidden: what is under n shows as `<n`, the rest as
`x`. 2. By site, what a total would give away is hidden too (`x`): of each measure, policy and date, rows are
hidden from the
   smallest up until at least two are, and their means add up to n or more.
3. Where a count of people at a site is hidden, so are there the sums it is part of (`on_board`, `tths`,
`present`, and
   of a stock's people those by duty), and where the cases served are, those served to date.
4. Rates, hours, posts and gaps by site are left out: with the posts known they would give counts away.

Differences from one date to the next are not guarded. Where a first day's counts are real and small, publish
fewer dates or coarser sites.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldshift.errors import UsageError
from fieldshift.results.measures import MEASURES
from fieldshift.results.quantiles import STATS
from fieldshift.results.result import Result
from fieldshift.results.tally import Array

__all__ = ["DIGITS", "tables"]

DIGITS = ".9g"
"""How many digits CSV has: values are kept as 32-bit floats, and nine tell any two of them apart."""

_COUNTED = ("person", "case")
_DERIVED = ("gap", "need", "new_share")
_SUMS = ("on_board", "tths", "present")
_BY_DUTY = ("field", "desk", "support", "leave", "training", "duty", *_SUMS)

Flags = npt.NDArray[np.bool_]


def tables(result: Result, suppress: int | None = None) -> dict[str, pd.DataFrame]:
    """Return the tables of a run by name: measures, headlines, national, sites, bound.

    Args:
        result: The run.
        suppress: Hide counts under this number, as described above.

    Raises:
        UsageError: `suppress` is below 2.
    """
    if suppress is not None and suppress < 2:
        raise UsageError(f"suppress is {suppress}: it hides counts under it, so it is at least 2")
    headlines = result.headlines() if result.entries else pd.DataFrame()
    national, sites = result.table(), result.table(by="site")
    if suppress is not None:
        columns = ["mean", "q10", "q50", "q90"]
        headlines = _hidden(headlines, _small(headlines, suppress, columns), (suppress, columns))
        national = _hidden(national, _small(national, suppress, list(STATS)), (suppress, list(STATS)))
        sites = _guarded(sites, suppress)
    found = {"measures": result.measures(), "headlines": headlines, "national": national}
    return found | {"sites": sites, "bound": result.bound_table()}


def _counted(name: str) -> bool:
    return MEASURES[name].unit in _COUNTED and name not in _DERIVED


def _small(frame: pd.DataFrame, under: int, columns: list[str]) -> Flags:
    """Return which rows count people or cases and have a statistic between 0 and the number."""
    if frame.empty:
        return np.zeros(0, np.bool_)
    values = np.abs(frame[columns].to_numpy(np.float64))
    counts = frame["measure"].map({name: _counted(name) for name in MEASURES}).to_numpy(np.bool_)
    return np.asarray(((values > 0) & (values < under)).any(axis=1) & counts)


def _hidden(frame: pd.DataFrame, hide: Flags, how: tuple[int, list[str]], plain: Flags | None = None) -> pd.DataFrame:
    """Return a table with the numbers of some rows hidden: `<n` where small, `x` else or where `plain`."""
    under, columns = how
    shown = frame.copy()
    always = np.zeros(len(frame), np.bool_) if plain is None else plain
    for name in columns if len(frame) else ():
        values = frame[name].to_numpy(np.float64)
        text = np.array(["" if np.isnan(v) else f"{v:{DIGITS}}" for v in values], object)
        text[hide] = "x"
        text[hide & ~always & (np.abs(values) < under)] = f"<{under}"
        shown[name] = text
    return shown


def _guarded(sites: pd.DataFrame, under: int) -> pd.DataFrame:
    """Return the table by site with small counts, and what would give them away, hidden."""
    if sites.empty:
        return sites
    kept = sites["measure"].map({name: _counted(name) for name in MEASURES}).to_numpy(np.bool_)
    frame = sites[kept].reset_index(drop=True)
    small = _small(frame, under, list(STATS))
    hide = small.copy()
    before = -1
    while int(hide.sum()) != before:
        before = int(hide.sum())
        _hide_sums(frame, hide)
        _hide_partners(frame, hide, under)
    return _hidden(frame, hide, (under, list(STATS)), hide & ~small)


def _hide_sums(frame: pd.DataFrame, hide: Flags) -> None:
    """Hide the sums that a hidden count is part of, at the same policy, site and date (rule 3)."""
    place = frame.groupby(["policy", "site", "date"], sort=False).ngroup().to_numpy()
    name = frame["measure"].to_numpy(object)
    unit = frame["measure"].map({m: MEASURES[m].unit for m in MEASURES}).to_numpy(object)
    for parts, sums in (
        ((unit == "person") & ~np.isin(name, _SUMS), np.isin(name, _SUMS)),
        (name == "people", np.isin(name, _BY_DUTY)),
        (name == "served", name == "served_to_date"),
    ):
        given = np.unique(place[hide & parts])
        hide |= sums & np.isin(place, given)


def _hide_partners(frame: pd.DataFrame, hide: Flags, under: int) -> None:
    """Hide more sites of a measure and date until those hidden cannot be worked out from a total (rule 2)."""
    means = np.abs(np.nan_to_num(frame["mean"].to_numpy(np.float64)))
    for rows in _groups(frame, hide):
        order = rows[np.lexsort((means[rows], means[rows] == 0, ~hide[rows]))]
        hidden = int(hide[rows].sum())
        enough = np.cumsum(means[order]) >= under
        count = max(hidden, 2)
        if not enough[min(count, len(order)) - 1]:
            count = int(np.argmax(enough)) + 1 if enough.any() else len(order)
        hide[order[:count]] = True


def _groups(frame: pd.DataFrame, hide: Flags) -> Iterator[Array]:
    """Return the rows of each policy, measure and date of which some are hidden."""
    group = frame.groupby(["policy", "measure", "of", "date"], sort=False).ngroup().to_numpy()
    wanted = np.unique(group[hide])
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], wanted, side="left")
    ends = np.searchsorted(group[order], wanted, side="right")
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield order[start:end]
