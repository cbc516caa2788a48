"""Why a stock and its flows may disagree: each likely cause is a pattern that residuals have, tested one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from fieldshift.study.history import ENTERED, LEFT, Unit
from fieldshift.study.spelled import Period

__all__ = ["Cause", "causes_of", "scale_of"]

Float = npt.NDArray[np.float64]

_LARGE = 3.0
"""Residuals above so many robust standard deviations stand out."""


@dataclass(frozen=True)
class Cause:
    """A likely cause of residuals.

    Attributes:
        kind: `late`, `batch`, `timing`, `seasonal`, `drift`, `shift`, `running` or `parts`.
        org: The organisation.
        periods: The periods that show it.
        people: How many people it is about.
        says: What was seen and what it may mean, in one sentence.
    """

    kind: str
    org: str
    periods: tuple[str, ...]
    people: float
    says: str


def scale_of(residual: Float) -> float:
    """Return the usual size of a residual: 1.4826 times the median distance from the median, at least 1.

    Source:
        Hampel (1974), The influence curve and its role in robust estimation, JASA 69.
    """
    known = residual[~np.isnan(residual)]
    if not known.size:
        return 1.0
    return max(1.4826 * float(np.median(np.abs(known - np.median(known)))), 1.0)


def causes_of(unit: Unit, residual: Float) -> list[Cause]:
    """Return the likely causes of an organisation's residuals, the largest first.

    Args:
        unit: The organisation.
        residual: What entries and leavers do not explain of each period's change, shape (T,); NaN is not known.
    """
    pairs = _pairs(unit, residual)
    paired = {i for pair in pairs for i in pair[0]}
    found = [cause for _, cause in pairs]
    found += _timing(unit, residual)
    found += _seasonal(unit, residual)
    found += _drift(unit, residual, paired)
    found += _shifts(unit, residual, paired)
    found += _running(unit) + _cumulated(unit) + _parts(unit)
    return sorted(found, key=lambda cause: (-abs(cause.people), cause.kind))


def _pairs(unit: Unit, residual: Float) -> list[tuple[tuple[int, int], Cause]]:
    """Find residuals that the next period takes back: somebody was counted in one period and booked in another."""
    scale, found, taken = scale_of(residual), [], set()
    order = np.argsort(-np.abs(np.nan_to_num(residual)), kind="stable")
    for i in (int(i) for i in order):
        here = residual[i]
        if np.isnan(here) or abs(here) < _LARGE * scale or i in taken:
            continue
        near = [j for j in (i - 1, i + 1) if 0 <= j < residual.size and j not in taken and residual[j] * here < 0]
        if not near:
            continue
        j = max(near, key=lambda j: abs(residual[j]))
        if abs(residual[i] + residual[j]) > 0.6 * abs(here):
            continue
        taken |= {i, j}
        first, second = sorted((i, j))
        found.append(((first, second), _pair(unit, residual, first, second)))
    return found


def _pair(unit: Unit, residual: Float, first: int, second: int) -> Cause:
    periods = unit.periods[first], unit.periods[second]
    people = min(abs(residual[first]), abs(residual[second]))
    usual = float(np.nanmedian(unit.entered)) if np.any(~np.isnan(unit.entered)) else 0.0
    batch = max(unit.entered[first], unit.entered[second])
    short = residual[first] < 0
    if batch > 2 * usual and people > 0.15 * batch:
        kind = "batch"
        told = (
            f"a batch is dated otherwise than it was counted: about {people:,.0f} who entered by {periods[0]} are in "
            f"the stock of {periods[1]} only"
            if short
            else f"a batch is dated otherwise than it was counted: about {people:,.0f} are in the stock of "
            f"{periods[0]} and entered in {periods[1]} only"
        )
    else:
        kind = "late"
        told = f"about {people:,.0f} were booked late: " + (
            f"entries of {periods[0]} are in the stock of {periods[1]}, or its leavers left the flows a period late"
            if short
            else f"leavers of {periods[0]} are still in its stock and gone by {periods[1]}, as when they leave on the "
            "last day"
        )
    says = f"{unit.org}, {periods[0]} {residual[first]:+,.0f} and {periods[1]} {residual[second]:+,.0f}: {told}."
    return Cause(kind, unit.org, (str(periods[0]), str(periods[1])), people, says)


def _timing(unit: Unit, residual: Float) -> list[Cause]:
    """Find shares of those who enter and leave that reach the stock a period late, all along.

    Who leaves on a month's last day is often in that month's stock. The shares are those, in quarters, that leave the
    least unexplained; they are told where they explain 30 % of it or more.
    """
    into, out = np.diff(unit.entered, prepend=np.nan), np.diff(unit.left, prepend=np.nan)
    known = ~np.isnan(residual + into + out)
    if known.sum() < 6:
        return []
    shares = [(i / 4, o / 4) for i in range(5) for o in range(5)]

    def rest(late_in: float, late_out: float) -> Float:
        left = residual[known] + late_in * into[known] - late_out * out[known]
        return np.abs(left - np.median(left))

    best = min(shares, key=lambda pair: (float(rest(*pair).sum()), pair))
    sizes = rest(0.0, 0.0), rest(*best)
    before, after = (float(size.sum()) for size in sizes)
    # One batch can make the sum, not the middle one: what holds all along does both.
    if before < 1 or after > 0.7 * before or np.median(sizes[1]) > 0.7 * np.median(sizes[0]):
        return []
    who = [
        f"about {100 * share:.0f} % of those who {word}" for share, word in zip(best, ("enter", "leave"), strict=True)
    ]
    told = " and ".join(text for text, share in zip(who, best, strict=True) if share)
    says = (
        f"{unit.org}: {told} in a {_length(unit.periods)} reach the stock of the next one only, as when they go on "
        f"the last day; allowed for, {100 * (1 - after / before):.0f} % of the residuals' size is explained."
    )
    return [Cause("timing", unit.org, (), before - after, says)]


def _seasonal(unit: Unit, residual: Float) -> list[Cause]:
    """Find residuals of one sign in the same part of each year: people recalled, or sent home, without an action."""
    scale, found = scale_of(residual), []
    seasons = np.array([period.season for period in unit.periods])
    for season in sorted(set(seasons.tolist())) if len(set(seasons.tolist())) > 1 else []:
        at = np.flatnonzero((seasons == season) & ~np.isnan(residual))
        if at.size < 2:
            continue
        values = residual[at]
        apart = values - float(np.nanmedian(residual))
        same = bool(np.all(apart > 0) or np.all(apart < 0))
        if same and np.min(np.abs(apart)) > _LARGE * scale:
            word = "recalled" if apart[0] > 0 else "sent home"
            says = (
                f"{unit.org}, {' and '.join(str(unit.periods[i]) for i in at)}: {_listed(values)}, the same part of "
                f"each year: seasonal staff {word} without being booked as hires or leavers."
            )
            where = tuple(str(unit.periods[i]) for i in at)
            found.append(Cause("seasonal", unit.org, where, float(np.abs(values).sum()), says))
    return found


def _drift(unit: Unit, residual: Float, paired: set[int]) -> list[Cause]:
    """Find residuals that lean to one side: flows that are never recorded.

    Source:
        Dixon & Mood (1946), The statistical sign test, JASA 41.
    """
    alone = np.array([i not in paired for i in range(residual.size)]) & ~np.isnan(residual) & (residual != 0)
    count, up = int(alone.sum()), int((residual[alone] > 0).sum())
    extreme = max(up, count - up)
    if count < 5 or 2 * sum(comb(count, k) for k in range(extreme, count + 1)) / 2**count > 0.05:
        return []
    middle, total = float(np.median(residual[alone])), float(np.nansum(residual))
    kind = "entries" if middle > 0 else "leavers"
    says = (
        f"{unit.org}: {extreme} of {count} residuals have one sign, half of them beyond {middle:+,.0f} "
        f"a {_length(unit.periods)}: some {kind} are never recorded, and the sum will go on growing."
    )
    return [Cause("drift", unit.org, (), total, says)]


def _shifts(unit: Unit, residual: Float, paired: set[int]) -> list[Cause]:
    """Find single residuals that nothing takes back: a part that joined or left as a whole, or a new definition."""
    scale, found = scale_of(residual), []
    for i in (int(i) for i in np.flatnonzero(np.abs(np.nan_to_num(residual)) > 2 * _LARGE * scale)):
        before = unit.stock[i - 1] if i else float("nan")
        seasons = [j for j, p in enumerate(unit.periods) if j != i and p.season == unit.periods[i].season]
        again = any(residual[j] * residual[i] > 0 and abs(residual[j]) > _LARGE * scale for j in seasons)
        if i in paired or again or not abs(residual[i]) > 0.005 * before:
            continue
        says = (
            f"{unit.org}, {unit.periods[i]} {residual[i]:+,.0f} and never taken back: staff were reclassified, a part "
            f"{'joined' if residual[i] > 0 else 'left'} as a whole, or the count changed its definition."
        )
        found.append(Cause("shift", unit.org, (str(unit.periods[i]),), float(residual[i]), says))
    return found


def _running(unit: Unit) -> list[Cause]:
    """Find running totals that the periods' own figures do not add up to."""
    flows, found = {**unit.ins, **unit.outs, ENTERED: unit.in_total, LEFT: unit.out_total}, []
    for name, total in unit.running.items():
        own = flows[name]
        if own is None:
            continue
        worst, where = 0.0, ""
        for start in _starts(total):
            stretch = slice(start, _next(_starts(total), start, total.size))
            gap = total[stretch] - (total[start] - own[start]) - np.cumsum(own[stretch])
            if np.any(~np.isnan(gap)) and np.nanmax(np.abs(gap)) > abs(worst):
                at = int(np.nanargmax(np.abs(gap)))
                worst, where = float(gap[at]), str(unit.periods[start + at])
        if abs(worst) >= 1:
            says = (
                f"{unit.org}: by {where} the running total of '{name}' is {worst:+,.0f} from the sum of the periods' "
                "own figures: late records reached one of them only."
            )
            found.append(Cause("running", unit.org, (where,), worst, says))
    return found


def _cumulated(unit: Unit) -> list[Cause]:
    """Find flows that look like running totals themselves: as differences they balance better."""
    found = []
    change = np.diff(unit.stock, prepend=np.nan)
    for kind, flow, other, sign in (
        ("entries", unit.entered, unit.left, 1.0),
        ("leavers", unit.left, unit.entered, -1.0),
    ):
        starts = _starts(flow)
        if np.isnan(flow).any() or flow.size < 6 or 4 * len(starts) > flow.size:
            continue
        apart = flow.copy()
        for start in starts:
            stop = _next(starts, start, flow.size)
            apart[start + 1 : stop] = np.diff(flow[start:stop])
        as_is, cut = (float(np.nansum(np.abs(change - sign * (f - other)))) for f in (flow, apart))
        if cut < 0.2 * as_is:
            says = (
                f"{unit.org}: the {kind} look like running totals: taken as differences, they leave {cut:,.0f} people "
                f"unexplained instead of {as_is:,.0f}."
            )
            found.append(Cause("running", unit.org, (), as_is - cut, says))
    return found


def _parts(unit: Unit) -> list[Cause]:
    """Find sums of all flows that their parts do not add up to."""
    found = []
    for kind, parts, total in (("entries", unit.ins, unit.in_total), ("leavers", unit.outs, unit.out_total)):
        if total is None or not parts:
            continue
        gap = total - np.asarray(sum(parts.values()), np.float64)
        wrong = np.flatnonzero(np.abs(np.nan_to_num(gap)) >= 0.5)
        if wrong.size:
            where = tuple(str(unit.periods[i]) for i in wrong)
            people = float(gap[wrong].sum())
            says = (
                f"{unit.org}: in {len(where)} of {gap.size} periods the sum of all {kind} is not what its parts add up "
                f"to, {people:+,.0f} in all (first {where[0]}): a kind is missing, or is counted twice."
            )
            found.append(Cause("parts", unit.org, where, people, says))
    return found


def _starts(values: Float) -> list[int]:
    """Return where a running total starts anew: at the first value and wherever it falls."""
    return [0, *(int(i) for i in np.flatnonzero(np.diff(values) < 0) + 1)]


def _next(starts: Sequence[int], start: int, end: int) -> int:
    return next((s for s in starts if s > start), end)


def _length(periods: Sequence[Period]) -> str:
    return {1: "month", 3: "quarter", 12: "year"}[periods[0].months]


def _listed(values: Float) -> str:
    return " and ".join(f"{value:+,.0f}" for value in values)
