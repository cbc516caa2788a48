"""Which policy is least regretted over everything that is not known.

Source:
    Largest regret: Savage (1951), The theory of statistical decision, JASA 46. Regret over many unknowns, to choose a
    robust policy: Lempert, Groves, Popper & Bankes (2006), A general, analytic method for generating robust
    strategies, Management Science 52(4). Mean of the worst tenth: Rockafellar & Uryasev (2000), Optimization of
    conditional value-at-risk, Journal of Risk 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["COLUMNS", "least_regretted", "regrets"]

Float: TypeAlias = npt.NDArray[np.float64]

COLUMNS = ["policy", "mean", "regret", "worst_tenth", "worst", "best_in"]


def regrets(policies: Sequence[str], answers: Float, sign: float) -> pd.DataFrame:
    """Return what each policy makes of the aim, and by how much it misses the best policy at each point.

    Columns are policy, mean (of the aim), regret (its mean), worst_tenth (the mean of the tenth of points where it is
    largest), worst, best_in (share of points in which no policy is better).

    Args:
        policies: Names of the policies.
        answers: Mean answer at each point, shape (policies, n).
        sign: 1 where less is better, -1 where more is.
    """
    lost = sign * answers - (sign * answers).min(axis=0)
    tenth = max(1, int(np.ceil(answers.shape[1] / 10)))
    tail = np.sort(lost, axis=1)[:, -tenth:].mean(axis=1)
    best = lost <= 1e-9 * (1.0 + np.abs(answers).max(axis=0))
    numbers = answers.mean(axis=1), lost.mean(axis=1), tail, lost.max(axis=1), best.mean(axis=1)
    return pd.DataFrame(dict(zip(COLUMNS, (list(policies), *numbers), strict=True)))


def least_regretted(table: pd.DataFrame, by: str = "worst") -> str:
    """Return the policy with the least regret: `worst` (minimax), `worst_tenth` or `regret` (its mean)."""
    return str(table["policy"].iloc[int(table[by].to_numpy().argmin())])
