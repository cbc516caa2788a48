"""How much more new hires leave than others, by months since they came, and how many of them there are.

Extra hazard a month above that of established staff, at `extra` 1:

| months since entry | 0-2 | 3-5 | 6-11 | 12-23 | 24-35 |
|---|---|---|---|---|---|
| extra, % a month | 1.8 | 1.2 | 0.8 | 0.45 | 0.2 |

That is 13 % of a cohort in its first year above the usual. It is a prior, not a fit; histories move it.

Source:
    UK Parliament, written answer HL9084: police officers of England and Wales who left in the year to March 2024, by
    length of service (under 1 year 1,495; 1-2 years 1,082; 2-3 years 606; 3-4 years 484), over joiners of 9,479 that
    year and 16,327 the year before (Home Office, Police workforce, March 2024). US Customs and Border Protection,
    entrants who left within a year: 226 of 1,977 and 944 of 3,275 agents, 218 of 2,075 officers (counted by the US
    personnel office; cohorts 2023-24, 2019-21 and 2023-24): 11, 29 and 11 %. The first months lose most:
    Farber (1994), The analysis of interfirm worker mobility, J. Labor Economics 12. The decline: Bartholomew,
    Forbes & McClean (1991), Statistical Techniques for Manpower Planning, 2nd ed., chapter 2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["NEW", "Cohorts", "carried", "extra_hazard"]

Float = npt.NDArray[np.float64]

NEW = 36
"""Months for which somebody counts as new."""

_BANDS = ((3, 0.018), (6, 0.012), (12, 0.008), (24, 0.0045), (36, 0.002))
_USUAL_LOSS = 0.004
"""Share of new hires who leave in a month as others do, by which past cohorts are carried: their sizes depend on it."""


def extra_hazard(months: int) -> Float:
    """Return the extra leavers per head in each period since entry, shape (A,).

    Somebody enters in the middle of a period, so the first counts half.

    Args:
        months: Length of a period.
    """
    ages = NEW // months
    by_month = np.zeros(NEW + months)
    since = 0
    for until, hazard in _BANDS:
        by_month[since:until] = hazard
        since = until
    first = by_month[: (months + 1) // 2].sum() if months > 1 else 0.5 * by_month[0]
    later = [by_month[(a * months - months // 2) : (a * months - months // 2) + months].sum() for a in range(1, ages)]
    return np.array([first, *later])


class Cohorts:
    """New hires by periods since they came.

    Attributes:
        people: Those still there by age, shape (A, ...): the first have just come.
    """

    def __init__(self, ages: int, shape: tuple[int, ...] = ()) -> None:
        self.people = np.zeros((ages, *shape))

    def enter(self, hired: npt.ArrayLike) -> None:
        """Make all a period older and let new ones in; the oldest count as established."""
        self.people = np.roll(self.people, 1, axis=0)
        self.people[0] = hired


def carried(hired: Float, months: int, before: float, extra: float = 1.0) -> tuple[Float, Float, Cohorts]:
    """Return the new hires of a history.

    Args:
        hired: New hires in each period, shape (T,), none missing.
        months: Length of a period.
        before: New hires a period before the history began.
        extra: Early attrition as a multiple of the usual.

    Returns:
        Extra leavers expected in each period at `extra` 1, shape (T,); new hires there at its start, shape (T,); and
        the cohorts at the end.
    """
    hazard = extra_hazard(months)
    stay = np.clip(1.0 - extra * hazard, 0.3, 1.0) * (1.0 - _USUAL_LOSS) ** months
    cohorts = Cohorts(hazard.size)
    cohorts.people[:] = before * np.concatenate([[1.0], np.cumprod(stay[:-1])])
    early, new = np.zeros(hired.size), np.zeros(hired.size)
    for t, number in enumerate(hired):
        new[t] = cohorts.people[:-1].sum()
        cohorts.enter(number)
        early[t] = float(hazard @ cohorts.people)
        cohorts.people *= stay
    return early, new, cohorts
