"""The import check: stock = last + in - out, period by period, and every residual listed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldshift.errors import Problem
from fieldshift.study.causes import Cause, causes_of
from fieldshift.study.history import History, Unit, read_history

__all__ = ["ImportCheck", "import_check", "residual_of"]

Float = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ImportCheck:
    """What a history's stocks and flows leave unexplained.

    Attributes:
        history: The history.
        residuals: A row for each organisation and period: org, period, line, before, stock, entered, left, change,
            residual; NaN is not known. Where a stock is missing, the next one is checked over all periods since.
        causes: Likely causes, the largest of each organisation first.
        warnings: What was not used of the table.
    """

    history: History
    residuals: pd.DataFrame
    causes: tuple[Cause, ...]
    warnings: tuple[Problem, ...]

    def sums(self) -> pd.DataFrame:
        """Return a row for each organisation: periods checked and not checked, the sum of residuals and of their sizes.

        `share` is the sum of sizes in per cent of all who entered and left in the periods checked.
        """
        rows = []
        for org, mine in self.residuals.groupby("org", sort=False):
            known = mine[mine["residual"].notna()]
            flows = float(known["entered"].sum() + known["left"].sum())
            size = float(known["residual"].abs().sum())
            rows.append(
                {
                    "org": org,
                    "checked": len(known),
                    "unchecked": len(mine) - 1 - len(known),
                    "balanced": int((known["residual"].abs() < 0.5).sum()),
                    "sum": float(known["residual"].sum()),
                    "size": size,
                    "share": 100 * size / flows if flows else float("nan"),
                }
            )
        return pd.DataFrame(rows)

    def sentences(self) -> tuple[str, ...]:
        """Return what was found, a sentence an organisation and one for each likely cause."""
        sums, found = self.sums(), []
        if not sums["checked"].any():
            why = "no period has a stock, the one before, and all who entered and left"
            return (f"Nothing can be checked for any of {len(sums)} organisations: {why}.",)
        for row in sums.to_dict("records"):
            org, mine = row["org"], [cause for cause in self.causes if cause.org == row["org"]]
            if not row["checked"]:
                what = "nothing can be checked: no period has a stock, the one before, and all who entered and left"
                found.append(f"{org}: {what}.")
            elif row["size"] < 0.5:
                found.append(f"{org}: stocks and flows balance in all {row['checked']} periods checked.")
            else:
                found.append(
                    f"{org}: {row['checked'] - row['balanced']} of {row['checked']} periods do not balance; in all "
                    f"{row['sum']:+,.0f} people are unexplained, {row['size']:,.0f} whatever their sign "
                    f"({row['share']:.1f} % of all who entered and left)."
                )
            if row["unchecked"] > 0 and row["checked"]:
                found.append(f"{org}: {row['unchecked']} periods cannot be checked: a figure is missing.")
            found += [f"  {cause.says}" for cause in mine]
        return tuple(found)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        rows = self.residuals.astype(object).where(self.residuals.notna(), None).to_dict("records")
        sums = self.sums()
        return {
            "table": self.history.label,
            "digest": self.history.digest,
            "columns": _columns(self.history),
            "sums": sums.astype(object).where(sums.notna(), None).to_dict("records"),
            "causes": [asdict(cause) for cause in self.causes],
            "residuals": rows,
            "warnings": [str(problem) for problem in self.warnings],
            "says": list(self.sentences()),
        }


def _columns(history: History) -> dict[str, Any]:
    told = asdict(history.roles)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}


def residual_of(unit: Unit) -> tuple[Float, Float]:
    """Return what entries and leavers do not explain of an organisation's changes.

    Returns:
        The stock before each period, the last known one, shape (T,); and the residual, shape (T,), over all periods
        since that stock. NaN is not known.
    """
    count = unit.stock.size
    before, residual = np.full(count, np.nan), np.full(count, np.nan)
    since: int | None = None
    entered, left = unit.entered, unit.left
    for i in range(count):
        if since is not None:
            before[i] = unit.stock[since]
            flows = entered[since + 1 : i + 1].sum() - left[since + 1 : i + 1].sum()
            residual[i] = unit.stock[i] - before[i] - flows
        if not np.isnan(unit.stock[i]):
            since = i
    return before, residual


def import_check(history: History | str | Path) -> ImportCheck:
    """Check that each stock is the last one, and those who entered, less those who left.

    Nothing is mended and nothing is hidden: each residual is listed, they are summed, and likely causes are named.

    Args:
        history: A history, or the table it is read from.

    Raises:
        ScenarioError: The table cannot be used.
    """
    given = history if isinstance(history, History) else read_history(history)
    frames, causes = [], []
    for org, unit in given.known().items():
        before, residual = residual_of(unit)
        frames.append(
            pd.DataFrame(
                {
                    "org": org,
                    "period": [str(period) for period in unit.periods],
                    "line": unit.lines,
                    "before": before,
                    "stock": unit.stock,
                    "entered": unit.entered,
                    "left": unit.left,
                    "change": unit.stock - before,
                    "residual": residual,
                }
            )
        )
        causes += causes_of(unit, residual)
    return ImportCheck(given, pd.concat(frames, ignore_index=True), tuple(causes), given.warnings)
