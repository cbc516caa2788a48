"""What may be asked of a run: the fields of its form, their limits, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import fieldshift as fs
from fieldshift.web import jobs
from fieldshift.web.settings import Limits
from fieldshift.web.texts import Text

__all__ = [
    "KINDS",
    "PLANNED",
    "Asked",
    "Choice",
    "asked_of",
    "in_words",
    "kinds_of",
    "measures_of",
    "mistakes_in",
    "sentence",
    "wrong_with",
]

PLANNED = 2000
"""Futures of a run with a plan, at most: the plan is judged in every one of them."""

KINDS: Mapping[jobs.Kind, tuple[str, str]] = {
    "simulate": ("Simulate policies", "The policies that you choose meet the same futures: what differs is theirs."),
    "plan": (
        "Simulate, and find the best plan",
        "Every policy, and beside them the plan that serves the goals best on the mean; and what is short under it.",
    ),
    "explore": (
        "Explore what is not known",
        "Which unknowns drive the answer, what knowing them is worth, and where each policy fails.",
    ),
}


class Asked(BaseModel):
    """What is asked of a run.

    Attributes:
        kind: Simulate policies; every policy and the best plan; or explore.
        title: What its author calls it; nothing is fine.
        policies: The policies, by name; none means all. A run with a plan takes all.
        draws: Futures of each policy; not of an exploration.
        seed: Seed of all draws: the same seed meets the same futures.
        points: Points of the unknowns, of an exploration.
        futures: Futures at each point, of an exploration.
        measure: What an exploration asks about; the first goal by default.
        quick: Whether an exploration leaves out the ends of each unknown, and the levers.
    """

    model_config = ConfigDict(extra="forbid")

    kind: jobs.Kind = "simulate"
    title: Annotated[Text, Field(max_length=200)] = ""
    policies: Annotated[list[Text], Field(max_length=500)] = []
    draws: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] = 1
    points: Annotated[int, Field(ge=10, le=1_000_000)] = 200
    futures: Annotated[int, Field(ge=2, le=1_000_000)] = 50
    measure: Annotated[Text, Field(max_length=200)] = ""
    quick: bool = False


class Choice(BaseModel):
    """A thing to choose in a form.

    Attributes:
        name: Its name.
        title: Its name for a reader.
        about: What it means.
        why_not: Why it cannot be chosen, or nothing.
    """

    name: str
    title: str
    about: str = ""
    why_not: str = ""


def kinds_of(scenario: fs.Scenario) -> list[Choice]:
    """Return the kinds of run, each with the reason where this case has no such run."""
    why_not = {
        "plan": "" if scenario.goals else "The case names no goals, so there is nothing to plan for.",
        "explore": "" if fs.unknowns(scenario) else "Nothing is unknown in this case: no number has a range.",
    }
    return [Choice(name=k, title=t, about=a, why_not=why_not.get(k, "")) for k, (t, a) in KINDS.items()]


def measures_of(scenario: fs.Scenario) -> list[Choice]:
    """Return what an exploration may ask about: the first goal, and the headlines."""
    first = "The first goal of the case" if scenario.goals else "The first headline with a better side"
    found = [Choice(name="", title=first)]
    for headline in scenario.headlines:
        name = ".".join(part for part in (headline.measure, headline.of) if part)
        found.append(Choice(name=name, title=headline.title or name.replace("_", " ")))
    return found


def wrong_with(asked: Asked, scenario: fs.Scenario, limits: Limits) -> list[fs.Problem]:
    """Return all that is wrong with what is asked, each with the field it is about as `where`."""
    found = [fs.Problem(kind.name, "", kind.why_not) for kind in kinds_of(scenario) if kind.name == asked.kind]
    found = [fs.Problem("kind", "", problem.what) for problem in found if problem.what]
    if not scenario.policies:
        found.append(fs.Problem("policies", "", "The case has no policy.", "write one, such as `stay: {}`"))
    known = ", ".join(scenario.policies)
    found += [
        fs.Problem("policies", "", f"There is no policy '{name}'.", f"known: {known}")
        for name in asked.policies
        if name not in scenario.policies
    ]
    if asked.kind == "explore":
        measures = [choice.name for choice in measures_of(scenario)]
        if asked.measure not in measures:
            hint = f"known: {', '.join(name for name in measures if name)}"
            found.append(fs.Problem("measure", "", f"There is no headline '{asked.measure}'.", hint))
        if asked.points * asked.futures > limits.draws:
            what = f"{asked.points:,} points of {asked.futures:,} futures are {asked.points * asked.futures:,} futures."
            found.append(fs.Problem("points", "", what, f"at most {limits.draws:,} in all"))
        return found
    most = min(PLANNED, limits.draws) if asked.kind == "plan" else limits.draws
    if asked.draws > most:
        hint = "a plan is judged in every future" if asked.kind == "plan" else ""
        found.append(fs.Problem("draws", "", f"{asked.draws:,} futures are too many: at most {most:,}.", hint))
    return found


_SAID = {
    "greater_than_equal": "At least {ge:,}.",
    "less_than_equal": "At most {le:,}.",
    "int_parsing": "A whole number is needed.",
    "int_from_float": "A whole number is needed.",
    "int_parsing_size": "The number is too large.",
    "literal_error": "Choose one of these.",
    "too_long": "At most {max_length} characters.",
    "string_too_long": "At most {max_length} characters.",
    "extra_forbidden": "There is no such field.",
}


def mistakes_in(error: ValidationError) -> dict[str, str]:
    """Return what is wrong in a form that could not be read, by field."""
    found: dict[str, str] = {}
    for part in error.errors():
        words = _SAID.get(part["type"], part["msg"])
        found.setdefault(str(part["loc"][0]), words.format(**part.get("ctx", {})) if part["type"] in _SAID else words)
    return found


def asked_of(asked: Asked, scenario: fs.Scenario) -> dict[str, Any]:
    """Return what the job table keeps of it: what the kind of run needs, no policies where all of them are meant."""
    names = {
        "simulate": ("policies", "draws", "seed"),
        "plan": ("draws", "seed"),
        "explore": ("policies", "points", "futures", "seed", "measure", "quick"),
    }[asked.kind]
    kept = {name: getattr(asked, name) for name in names}
    if kept.get("policies"):
        chosen = [name for name in scenario.policies if name in asked.policies]
        kept["policies"] = [] if len(chosen) == len(scenario.policies) else chosen
    return kept


def sentence(kind: jobs.Kind, asked: Mapping[str, Any]) -> str:
    """Return what was asked as the beginning of a sentence: `Every policy, 200 futures, seed 1`."""
    words = in_words(kind, asked)
    return words[:1].upper() + words[1:]


def in_words(kind: jobs.Kind, asked: Mapping[str, Any]) -> str:
    """Return what was asked in a line: `4 policies, 1,000 futures, seed 1`."""
    policies = list(asked.get("policies") or ())
    who = "every policy" if not policies else "1 policy" if len(policies) == 1 else f"{len(policies)} policies"
    if kind == "explore":
        about = f" about {asked['measure']}" if asked.get("measure") else ""
        count = f"{int(asked['points']):,} points of {int(asked['futures']):,} futures"
        return f"{who}, {count}{about}, seed {asked['seed']}"
    more = " and the best plan" if kind == "plan" else ""
    draws = int(asked["draws"])
    return f"{who}{more}, {draws:,} {'future' if draws == 1 else 'futures'}, seed {asked['seed']}"
