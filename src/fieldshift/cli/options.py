"""The options that verbs share, each given to the verb as one thing: a case, its futures, how to talk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

import click

import fieldshift as fs
from fieldshift.cli.talk import Talk, counted

__all__ = ["DRAWS", "Case", "Futures", "of_a_case", "of_futures", "that_talks"]

DRAWS = 1000
"""Futures of a policy unless told otherwise."""

Verb = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A case as the caller names it.

    Attributes:
        given: A folder, a YAML file, an Excel workbook or the name of a shipped case.
        changes: Values set by path, `path=value`.
        overlays: Files laid over it.
    """

    given: str
    changes: Sequence[str] = ()
    overlays: Sequence[str] = ()

    def read(self) -> fs.Scenario:
        """Return it with its overlays and changes; raises its problems as one error.

        What can still be read beside an entry that cannot is checked too, so that all is told at once.
        """
        try:
            return fs.read(self.given, overlay=self.overlays, set=self.changes)
        except fs.ScenarioError as error:
            if not isinstance(error.readable, fs.Scenario):
                raise
            told = {problem.path for problem in error.problems}
            more = [p for p in fs.problems(error.readable) if p.level == "error" and p.path not in told]
            raise fs.ScenarioError([*error.problems, *more]) from None

    def checked(self, talk: Talk) -> fs.Scenario:
        """Return it and say how many warnings there are; raises all its problems if it cannot be run."""
        scenario = self.read()
        problems = fs.problems(scenario)
        if any(problem.level == "error" for problem in problems):
            raise fs.ScenarioError(problems)
        if problems:
            talk.say(f"{counted(len(problems), 'warning')}: see `fieldshift check {self.given}`")
        return scenario


@dataclass(frozen=True)
class Futures:
    """Which futures to simulate, and how."""

    draws: int = DRAWS
    groups: int | None = None
    seed: int = 1
    workers: int | None = None
    engine: Literal["numba", "reference"] = "numba"


def of_a_case(verb: Verb) -> Verb:
    """Give a verb `CASE`, `--set` and `--with` as `case`."""

    @click.argument("case", metavar="CASE")
    @click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change one value; repeatable.")
    @click.option("--with", "overlays", multiple=True, metavar="FILE", help="Lay a YAML file over it; repeatable.")
    @wraps(verb)
    def wrapped(*, case: str, changes: Sequence[str], overlays: Sequence[str], **rest: Any) -> Any:
        return verb(case=Case(case, changes, overlays), **rest)

    return wrapped


def of_futures(verb: Verb) -> Verb:
    """Give a verb the options of a simulation as `futures`."""

    @click.option(
        "--draws",
        type=click.IntRange(1),
        metavar="N",
        default=DRAWS,
        show_default=True,
        help="Number of futures.",
    )
    @click.option(
        "--groups",
        type=click.IntRange(1),
        metavar="N",
        help="Groups that believe the same unknowns; 1: the centres. [about draws / 20]",
    )
    @click.option(
        "--seed", type=click.IntRange(0), metavar="N", default=1, show_default=True, help="Seed of all draws."
    )
    @click.option(
        "--workers", type=click.IntRange(1), metavar="N", help="Threads; no result depends on it. [all cores]"
    )
    @click.option(
        "--engine",
        type=click.Choice(["numba", "reference"]),
        default="numba",
        show_default=True,
        help="`reference` is readable and slow, with the same draws.",
    )
    @wraps(verb)
    def wrapped(**given: Any) -> Any:
        own = {name: given.pop(name) for name in ("draws", "groups", "seed", "workers", "engine")}
        return verb(futures=Futures(**own), **given)

    return wrapped


def that_talks(verb: Verb) -> Verb:
    """Give a verb `--json` and `--quiet` as `talk`."""

    @click.option("--json", "as_json", is_flag=True, help="Data as JSON on stdout.")
    @click.option("-q", "--quiet", is_flag=True, help="No talk and no progress on stderr.")
    @wraps(verb)
    def wrapped(*, as_json: bool, quiet: bool, **rest: Any) -> Any:
        return verb(talk=Talk(as_json, quiet), **rest)

    return wrapped
