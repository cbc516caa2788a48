"""Why there is no plan: the rules that clash, where they are written, and what would have to give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fieldshift.network.words import count_of, listed
from fieldshift.results.rule import Rule

__all__ = ["Clash", "Given", "Relaxation", "sites_said"]

SITES = 4
"""Most sites that are named in a sentence."""


@dataclass(frozen=True)
class Given:
    """How much of one rule is given up at one site.

    Attributes:
        rule: The rule at the site, on the dates on which it gives.
        level: The most that it gives on any of them, in its unit.
        total: What it gives on all of them together.
    """

    rule: Rule
    level: float
    total: float

    def sentence(self) -> str:
        """Return it in words."""
        said = f"{self.rule.named} at {self.rule.to(self.level)}"
        if self.rule.kind in ("rate", "least") and self.rule.periods > 1:
            said += f" ({self.rule.more(self.total)} in all)".replace(f" a {self.rule.step}", "")
        return said if self.rule.kind == "money" else f"{said}, {self.rule.when}"


@dataclass(frozen=True)
class Relaxation:
    """What could be given up for a plan to exist, all other rules as they are.

    Attributes:
        given: The rules that give, site by site.
        alone: Whether it is one rule of the clash alone; else the cheapest of all rules together.
    """

    given: tuple[Given, ...]
    alone: bool

    def sentence(self) -> str:
        """Return it in a sentence."""
        words = [g.sentence() for g in self.given[:SITES]]
        if len(self.given) > SITES:
            words.append(f"{count_of(len(self.given) - SITES, 'more place')} (as little as each needs)")
        return f"feasible with {listed(words)}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        given = [{"rule": g.rule.as_dict(), "level": g.level, "total": g.total} for g in self.given]
        return {"given": given, "alone": self.alone, "sentence": self.sentence()}


@dataclass(frozen=True)
class Clash:
    """Rules that no plan can keep together, none of which can be left out of the clash.

    Attributes:
        rules: The rules, each with the sites and dates that clash.
        relaxations: Each rule alone, where that is enough, then the cheapest of all together.
        whole: Whether they clash only because people move in whole numbers or teams.
        proved: Whether every rule was tried; else the time was up and some may not belong.
    """

    rules: tuple[Rule, ...]
    relaxations: tuple[Relaxation, ...]
    whole: bool
    proved: bool

    def sentences(self) -> tuple[str, ...]:
        """Return it in sentences: the rules first, then what could give."""
        head = "No plan keeps every limit"
        if not self.rules:
            return (f"{head}: what is there, what takes time and what happens by chance leave none.",)
        if len(self.rules) == 1:
            head += ": with who is there, what takes time and what happens by chance, this rule cannot be kept"
        else:
            head += f": these {len(self.rules)} rules clash"
        head += " where people move in whole numbers or teams" if self.whole else ""
        said = [f"{head}.", *(_rule(rule) for rule in self.rules)]
        said += [f"{_capital(r.sentence())}." for r in self.relaxations]
        if not self.relaxations:
            said.append("No one rule alone can give enough.")
        if not self.proved:
            said.append("The time was up before each of them had been left out in turn: some may not belong.")
        return tuple(said)

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "rules": [{**rule.as_dict(), "sentence": _rule(rule)} for rule in self.rules],
            "relaxations": [r.as_dict() for r in self.relaxations],
            "whole": self.whole,
            "proved": self.proved,
        }


def sites_said(names: Sequence[str]) -> str:
    """Return sites in words, counted where they are many."""
    named = [n for n in names if n]
    return listed(named, "") if len(named) <= SITES else count_of(len(named), "site")


def _rule(rule: Rule) -> str:
    return (f"{rule.place}: " if rule.place else "") + f"{rule.says}, {rule.when}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
