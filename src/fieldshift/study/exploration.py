"""What came out of an exploration: tables, and the sentences that a reader takes away."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fieldshift.results.report_words import joined, rough, share
from fieldshift.study.aims import Aim
from fieldshift.study.regrets import least_regretted

__all__ = ["KNOWN_ALL", "Exploration"]

KNOWN_ALL = "everything"
"""What stands in the column `unknown` where all of them are known."""

_TABLES = ("luck", "drivers", "tornado", "information", "regret", "boxes", "levers")
_LITTLE = 0.5
"""The share of a spread that a polynomial must foretell for its indices to be told without a warning."""


@dataclass(frozen=True, eq=False)
class Exploration:
    """What drives the answer of a scenario.

    All numbers of shares are in 0..1; answers are in the aim's unit (shares of people in per cent).

    Attributes:
        name: The scenario's name.
        aims: What was asked about; the first is the main one.
        policies: Titles of the policies by name.
        titles: Titles of the unknowns by path.
        facts: `points`, `futures`, `seed`, `spacing`, `digest`, `threshold` (where a policy fails), `ends` (futures
            of a tornado's end), `month` (what one of the aim's unit is in person-months; None where it is none).
        luck: How each policy's spread splits: policy, aim, unit, mean, q10, q90, ignorance (share of the variance),
            band (share of the 80 % band's width).
        drivers: Sobol indices: policy, aim, unknown, title, first, first_low, first_high, total, total_low,
            total_high, fit (share of the spread that is foretold of points left out).
        tornado: Each unknown to its ends, the others at their centres: policy, unknown, title, low, high (the ends as
            written), at_low, at_high, centre, swing.
        information: What knowing is worth: unknown (`everything` first), title, value, low, high, changes (share of
            points at which another policy is chosen), rule (which policy to choose where).
        regret: See `regrets`.
        boxes: Where each policy fails: policy, failing, coverage, density, mass, side (path), title, low, high (as
            written), chance; no side where no corner is telling.
        levers: Levers set, unknowns moved: policy, lever, setting, unknown, at (`low`, `centre`, `high`), value.
    """

    name: str
    aims: tuple[Aim, ...]
    policies: Mapping[str, str]
    titles: Mapping[str, str]
    facts: Mapping[str, Any]
    luck: pd.DataFrame
    drivers: pd.DataFrame
    tornado: pd.DataFrame
    information: pd.DataFrame
    regret: pd.DataFrame
    boxes: pd.DataFrame
    levers: pd.DataFrame

    @property
    def aim(self) -> Aim:
        """The main aim."""
        return self.aims[0]

    @property
    def policy(self) -> str:
        """The policy whose largest regret is least."""
        return least_regretted(self.regret)

    def drivers_of(self, policy: str | None = None, aim: str | None = None) -> pd.DataFrame:
        """Return the indices of one policy and aim, the largest total first.

        Args:
            policy: The policy; the least regretted one by default.
            aim: The name of an aim; the main one by default.
        """
        policy, aim = policy or self.policy, aim or self.aim.name
        mine = self.drivers[(self.drivers["policy"] == policy) & (self.drivers["aim"] == aim)]
        order = mine.sort_values(["total", "unknown"], ascending=[False, True], kind="stable")
        return order.reset_index(drop=True)

    def sentences(self) -> tuple[str, ...]:
        """Return what a reader takes away, a sentence or two each."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        yield self._spread()
        yield self._drives()
        yield from self._worth()
        yield self._regretted()
        yield from self._fails()

    def quantity(self, value: float) -> str:
        """Return a number of the main aim with its unit, in person-months too where it is people's time."""
        said = f"{rough(value)} {_units(self.aim.unit)}".strip()
        month = self.facts.get("month")
        return said if month is None else f"{rough(value * float(month))} person-months ({said})"

    def number(self, value: float) -> str:
        """Return a number for a reader, to three digits."""
        return rough(value)

    def _spread(self) -> str:
        row = self.luck[(self.luck["policy"] == self.policy) & (self.luck["aim"] == self.aim.name)].iloc[0]
        part = float(row["ignorance"])
        said = f"{self.aim.title} under “{self.policies[self.policy]}”: {rough(row['mean'])} {_units(self.aim.unit)}"
        band = f"(8 in 10 futures: {rough(row['q10'])} to {rough(row['q90'])})"
        if not np.isfinite(part):
            return f"{said} {band}; nothing varies."
        return f"{said} {band}. Of that spread {share(part)} is ignorance and {share(1.0 - part)} luck."

    def _drives(self) -> str:
        rows = self.drivers_of()
        fit = float(rows["fit"].iloc[0]) if len(rows) else float("nan")
        told = rows[rows["total"] >= 0.05].head(4)
        if not len(told) or not np.isfinite(fit):
            return "No single unknown drives it."
        parts = [
            f"{r['title']} ({share(r['total'])}, 80 % interval {share(r['total_low'])} to {share(r['total_high'])})"
            for r in told.to_dict("records")
        ]
        doubt = "" if fit >= _LITTLE else f" With caution: the fit foretells {share(max(fit, 0.0))} of new points only."
        return f"What drives it, by share of the ignorance: {joined(parts)}.{doubt}"

    def _worth(self) -> Iterator[str]:
        rows = self.information
        every = rows[rows["unknown"] == KNOWN_ALL].iloc[0]
        yield (
            f"Knowing every unknown would change the best policy in {share(every['changes'])} of futures and is worth "
            f"{self.quantity(every['value'])} on average."
        )
        one = rows[rows["unknown"] != KNOWN_ALL].sort_values(["value", "unknown"], ascending=[False, True])
        if not len(one) or one["value"].iloc[0] <= 0:
            yield f"No single unknown, if known, would change which policy is best. {self._narrow()}".strip()
            return
        best = one.iloc[0]
        month = float(self.facts.get("month") or 1.0)
        low, high = rough(best["low"] * month), rough(best["high"] * month)
        worth = (
            f"would change the best policy in {share(best['changes'])} of futures and is worth "
            f"{self.quantity(best['value'])} (80 % interval {low} to {high})"
        )
        rule = f" {best['rule']}" if best["rule"] else ""
        if best["low"] > 0:
            yield f"What to measure first: {best['title']}. Knowing it {worth}.{rule}"
        else:
            yield (
                f"No single unknown is surely worth measuring for the choice of a policy. The nearest is "
                f"{best['title']}, which {worth}. {self._narrow()}"
            ).strip()

    def _narrow(self) -> str:
        """Return what to measure to narrow the forecast, whatever policy is chosen."""
        rows = self.drivers_of()
        return f"To narrow the forecast, measure {rows['title'].iloc[0]}." if rows["total"].iloc[0] > 0 else ""

    def _regretted(self) -> str:
        names = {by: least_regretted(self.regret, by) for by in ("worst", "worst_tenth", "regret")}
        row = self.regret[self.regret["policy"] == names["worst"]].iloc[0]
        said = f"Least regretted is “{self.policies[names['worst']]}”: at worst it misses {self.quantity(row['worst'])}"
        others = sorted({names["worst_tenth"], names["regret"]} - {names["worst"]})
        end = f", on average {self.quantity(row['regret'])}."
        if not others:
            return f"{said}{end} It is so on average and in the worst tenth too."
        return f"{said}{end} By the mean or the worst tenth it is {joined([f'“{self.policies[o]}”' for o in others])}."

    def _fails(self) -> Iterator[str]:
        limit = f"{rough(float(self.facts['threshold']))} {_units(self.aim.unit)}"
        way = "more" if self.aim.sign > 0 else "less"
        for policy, mine in self.boxes.groupby("policy", sort=False):
            sides = mine[mine["side"] != ""]
            if policy != self.policy or not len(sides):
                continue
            where = joined([f"{r['title']} from {r['low']} to {r['high']}" for r in sides.to_dict("records")])
            row = sides.iloc[0]
            yield (
                f"“{self.policies[str(policy)]}” fails ({way} than {limit}) in {share(row['failing'])} of futures. "
                f"Of these {share(row['coverage'])} lie where {where}; there it fails {share(row['density'])} of the "
                "time."
            )

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data; what is not known is None."""
        aims = [{"name": a.name, "title": a.title, "unit": a.unit, "less_is_better": a.sign > 0} for a in self.aims]
        tables = {name: _records(getattr(self, name)) for name in _TABLES}
        return {
            "name": self.name,
            "says": list(self.sentences()),
            "aims": aims,
            "policies": dict(self.policies),
            "unknowns": dict(self.titles),
            "policy": self.policy,
            **dict(self.facts),
            **tables,
        }

    def as_json(self) -> str:
        """Return everything as JSON text."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _units(unit: str) -> str:
    return {"person": "people", "case": "cases", "1": "per cent", "1/year": "per cent a year"}.get(unit, unit)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(f"{value:.10g}") if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
