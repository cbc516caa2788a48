"""What a staffing model reads of an organisation's history: gaps bridged, flows implied, residuals as shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fieldshift.study.history import Unit
from fieldshift.study.ledger import residual_of

__all__ = ["ALL", "UNLISTED", "Flows", "flows_of"]

Float = npt.NDArray[np.float64]

ALL = "separations"
"""Name of all leavers together, where no reasons are known."""

UNLISTED = "unlisted"
"""Name of leavers that stand in the sum of all, and under no reason."""


@dataclass(frozen=True)
class Flows:
    """An organisation's history as a model reads it.

    Attributes:
        org: The organisation.
        months: Length of a period in months.
        seasons: Where each period lies in the year, shape (T,).
        stock: The stock at each period's end, gaps bridged, shape (T,).
        before: The stock at each period's start, shape (T,).
        entered: All who entered, shape (T,); NaN is not known.
        hired: Those new to the organisation, shape (T,); NaN is not known.
        outs: Leavers by reason, shape (T,) each; none where only stocks are known.
        early: Reasons to which new hires give more than their share.
        residual: What flows do not explain of the change, shape (T,); NaN is not known.
        implied: `leavers` or `entries` where these are what the stocks leave over, so that nothing is unexplained.
    """

    org: str
    months: int
    seasons: npt.NDArray[np.int64]
    stock: Float
    before: Float
    entered: Float
    hired: Float
    outs: Mapping[str, Float]
    early: tuple[str, ...]
    residual: Float
    implied: str = ""

    @property
    def net(self) -> bool:
        """Whether only stocks are known."""
        return not self.outs

    @property
    def left(self) -> Float:
        """All who left, shape (T,)."""
        return np.asarray(sum(self.outs.values()), np.float64) if self.outs else np.full(self.stock.size, np.nan)


def flows_of(unit: Unit) -> Flows | None:
    """Return an organisation's history as a model reads it, or nothing if no stock is known at all."""
    known = np.flatnonzero(~np.isnan(unit.stock))
    if not known.size:
        return None
    entered, left = unit.entered.copy(), unit.left.copy()
    outs = _reasons(unit)
    stock = _bridged(unit.stock, entered, left)
    before = np.concatenate([[np.nan], stock[:-1]])
    change = stock[0] - before[0]
    _, residual = residual_of(unit)
    implied = ""
    has_in, has_out = bool(np.any(~np.isnan(entered))), bool(np.any(~np.isnan(left)))
    change = np.diff(stock, prepend=np.nan)
    if has_in and not has_out:
        outs, implied = {ALL: np.maximum(entered - change, 0.0)}, "leavers"
    elif has_out and not has_in:
        entered, implied = np.maximum(change + left, 0.0), "entries"
    if implied:
        residual = np.full(stock.size, np.nan)
    first = entered[0] - left[0]
    before[0] = stock[0] - (0.0 if np.isnan(first) else first)
    hired = entered if implied == "entries" or not has_in else unit.hired
    early = tuple(name for name in outs if name in unit.early or name == ALL)
    return Flows(
        org=unit.org,
        months=unit.periods[0].months,
        seasons=np.array([period.season for period in unit.periods], np.int64),
        stock=stock,
        before=np.maximum(before, 0.0),
        entered=entered,
        hired=hired,
        outs=outs,
        early=early,
        residual=residual,
        implied=implied,
    )


def _reasons(unit: Unit) -> dict[str, Float]:
    """Return leavers by reason; what the sum of all has beyond its parts is a reason of its own."""
    parts = {name: values for name, values in unit.outs.items() if np.any(~np.isnan(values))}
    total = unit.out_total
    if total is None or not np.any(~np.isnan(total)):
        return parts
    if not parts:
        return {ALL: total}
    rest = total - np.asarray(sum(parts.values()), np.float64)
    alone = ~np.isnan(total) & np.isnan(rest)
    if alone.sum() > 0.5 * (~np.isnan(total)).sum():
        # Reasons are known in a few periods only: the sums say more than the parts do.
        return {ALL: total}
    if np.any(np.nan_to_num(rest) >= 0.5):
        parts[UNLISTED] = np.maximum(rest, 0.0)
    return parts


def _bridged(stock: Float, entered: Float, left: Float) -> Float:
    """Return stocks without holes: carried by the flows where these are known, on a straight line otherwise."""
    known = np.flatnonzero(~np.isnan(stock))
    made = np.interp(np.arange(stock.size), known, stock[known])
    for i in range(1, stock.size):
        flow = entered[i] - left[i]
        if np.isnan(stock[i]) and not np.isnan(flow):
            made[i] = max(made[i - 1] + flow, 0.0)
    return np.asarray(made, np.float64)
