"""What is short, for a reader: what one more of each limit is worth, and where a need is not met."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fieldshift.network.words import count_of
from fieldshift.results.rule import Rule, number

__all__ = ["Effect", "Gap", "Gaps", "Price", "Shortage", "Shortages"]


@dataclass(frozen=True)
class Price:
    """What one step of a limit does to one goal.

    Attributes:
        goal: The goal in words.
        unit: Its unit.
        loosen: How much better it is with one step more, the goals before it as good as now.
        tighten: How much worse with one step less; infinite where nothing keeps the limits and the goals before it
            then; NaN where it was not tried.
    """

    goal: str
    unit: str
    loosen: float
    tighten: float

    @property
    def kinked(self) -> bool:
        """Whether one step more and one step less differ."""
        size = max(abs(self.loosen), abs(self.tighten) if self.tighten < float("inf") else 0.0, 1e-12)
        return self.tighten == self.tighten and not abs(self.loosen - self.tighten) <= 1e-5 * size


@dataclass(frozen=True)
class Effect:
    """What one step more changes in the plan that is then best: people, work and money that can be counted.

    Attributes:
        what: What is counted, with its date.
        unit: Its unit.
        change: How much more it is.
    """

    what: str
    unit: str
    change: float


@dataclass(frozen=True)
class Shortage:
    """A limit that binds, and what one step more of it would be worth.

    Attributes:
        rule: The limit, its site and the dates on which it binds.
        amount: The size of a step, in the limit's unit.
        prices: Its price in each goal.
        lead: Which goal it holds back first.
        upto: How much more until the price of the leading goal falls, in the limit's unit.
        downto: How much less until that price rises.
        effects: What a step more changes in the best plan.
    """

    rule: Rule
    amount: float
    prices: tuple[Price, ...]
    lead: int
    upto: float
    downto: float
    effects: tuple[Effect, ...]

    @property
    def price(self) -> Price:
        """Its price in the goal that it holds back first."""
        return self.prices[self.lead]

    def sentence(self) -> str:
        """Return it in a sentence."""
        rule, price = self.rule, self.price
        words = [f"{rule.named}: {rule.more(self.amount)}, {rule.when}: {price.goal}: {_better(price, price.loosen)}"]
        words += [_changed(e) for e in self.effects[:2]]
        worth = self.prices[-1]
        if worth is not price and worth.loosen > 0.005:
            words.append(f"worth {number(worth.loosen)} {worth.unit}")
        kinks = []
        if price.kinked:
            if price.tighten == float("inf"):
                kinks.append(f"{rule.less(self.amount)} is not possible")
            else:
                kinks.append(f"{rule.less(self.amount)} costs {number(price.tighten)} {price.unit}")
        if 0 < self.upto < float("inf"):
            kinks.append(f"each as good up to {rule.more(self.upto)}")
        return "; ".join(words) + (f" ({'; '.join(kinks)})" if kinks else "")

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; what is infinite or was not tried is None."""
        return {
            "rule": self.rule.as_dict(),
            "amount": self.amount,
            "prices": [{name: _known(value) for name, value in vars(p).items()} for p in self.prices],
            "lead": self.lead,
            "upto": _known(self.upto),
            "downto": _known(self.downto),
            "effects": [vars(e).copy() for e in self.effects],
            "sentence": self.sentence(),
        }


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _better(price: Price, value: float) -> str:
    return f"{number(value)} {price.unit} {'more' if price.goal.startswith('most') else 'less'}"


def _changed(effect: Effect) -> str:
    return f"{'+' if effect.change > 0 else '−'}{number(abs(effect.change))} {effect.unit} {effect.what}"


@dataclass(frozen=True)
class Shortages:
    """What is short in a plan, ranked: the limit that holds back the first goal the most stands first.

    Attributes:
        found: The limits with a price.
        unpriced: How many further limits bind at no price.
        more: How many further limits have a price but were not solved again, by the rule's name.
        late: Whether the time was up before all had been tried that could stand among the first.
    """

    found: tuple[Shortage, ...]
    unpriced: int
    more: Mapping[str, int]
    late: bool

    def sentences(self) -> tuple[str, ...]:
        """Return it in sentences, the dearest first."""
        said = [shortage.sentence() for shortage in self.found]
        if not said:
            said.append("No limit holds the plan back.")
        if self.more:
            listed = ", ".join(f"{name} ({n})" for name, n in self.more.items())
            said.append(f"Further limits that cost something, not looked into: {listed}.")
        if self.unpriced:
            said.append(f"{count_of(self.unpriced, 'other limit')} bind{'s' * (self.unpriced == 1)} at no price.")
        if self.late:
            said.append("The time was up: not every limit, or not how far every price holds, was looked into.")
        return tuple(said)

    def table(self) -> pd.DataFrame:
        """Return a row for each limit: dates are the first day and the last."""
        rows = []
        for s in self.found:
            rule = s.rule
            row = {
                "limit": rule.named,
                "site": rule.site or "nation",
                "part": rule.part,
                "from": pd.Timestamp(rule.start),
                "to": pd.Timestamp(rule.end - dt.timedelta(days=1)),
                "step": rule.more(s.amount),
                "goal": s.price.goal,
                "unit": s.price.unit,
                "one_more": s.price.loosen,
                "one_less": s.price.tighten,
                "up_to": s.upto,
                "worth": s.prices[-1].loosen,
                "worth_unit": s.prices[-1].unit,
            }
            rows.append(row)
        return pd.DataFrame(rows)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "found": [s.as_dict() for s in self.found],
            "unpriced": self.unpriced,
            "more": dict(self.more),
            "late": self.late,
        }


@dataclass(frozen=True)
class Gap:
    """A need at one site that is not met for some time.

    Attributes:
        need: The need's name for a reader.
        site: The site's name, or nothing for the nation.
        first: First day of the first period in which it is not met.
        periods: In how many periods it is not.
        step: Length of a period in words.
        largest: Most that are missing at once.
        worst: First day of that period.
        lowest: Least share of the need that is there.
        end: Missing in the last period; negative where there are more.
    """

    need: str
    site: str
    first: dt.date
    periods: int
    step: str
    largest: float
    worst: dt.date
    lowest: float
    end: float

    def sentence(self) -> str:
        """Return it in a sentence."""
        where = f" at {self.site}" if self.site else ""
        return (
            f"{self.need}{where}: short from {self.first}, in {count_of(self.periods, self.step)}; most at once "
            f"{number(self.largest)} in the {self.step} from {self.worst}, "
            f"{100 * self.lowest:.0f} % of the need there at the least"
        )


@dataclass(frozen=True)
class Gaps:
    """Needs less available: where and when, the site that is short first standing first.

    Attributes:
        found: Each need at each site that is short at some time.
        met: How many are met at all times.
        rows: Need, there and gap of every need, site and period.
    """

    found: tuple[Gap, ...]
    met: int
    rows: pd.DataFrame

    @property
    def first(self) -> Gap | None:
        """Which is depleted first."""
        return self.found[0] if self.found else None

    def sentences(self, most: int = 8) -> tuple[str, ...]:
        """Return it in sentences: which is short first, which lacks the most, then the others in order of date."""
        if not self.found:
            return ("Every need is met at every date.",)
        said = [f"Depleted first: {self.found[0].sentence()}."]
        worst = max(self.found, key=lambda g: g.largest)
        rest: Sequence[Gap] = [g for g in self.found[1:] if g is not worst]
        if worst is not self.found[0]:
            said.append(f"Lacks the most: {worst.sentence()}.")
        said += [f"{gap.sentence()}." for gap in rest[:most]]
        if len(rest) > most:
            said.append(f"{count_of(len(rest) - most, 'other need and site', 'other needs and sites')} are short too.")
        return tuple(said)

    def table(self) -> pd.DataFrame:
        """Return need, site, date, needed, there, gap and fill rate of every period."""
        return self.rows

    def as_dict(self) -> dict[str, Any]:
        """Return what is short as plain values."""
        found = [{**vars(g), "first": str(g.first), "worst": str(g.worst)} for g in self.found]
        return {"found": found, "met": self.met}
