"""The problems of a scenario in work: most of them at once, those that take long when there is time."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache

from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web.casebook import Work
from fieldshift.web.differences import dotted, title_of
from fieldshift.web.levers import levers_of

__all__ = ["APART", "Wrong", "all_problems", "known_problems", "problems_of", "quick_problems"]

APART = 200
"""Levers and policies of a scenario at the desk, at most: each is checked apart."""


class Wrong(BaseModel):
    """A problem of a scenario in work.

    Attributes:
        path: The part that it is of, dotted; sites by their ids.
        title: The same in words.
        what: What is wrong.
        hint: What would be right.
        level: `error` stops a run, `warning` does not.
    """

    path: str
    title: str
    what: str
    hint: str
    level: str


def quick_problems(work: Work) -> list[Wrong]:
    """Return what is wrong with a draft as it stands, not yet under each policy or at the ends of each lever."""
    return _told(work, _quick(_key(work)))


def all_problems(work: Work) -> list[Wrong]:
    """Return everything that is wrong with a draft or looks odd. It takes up to a second or two where it is new."""
    key = _key(work)
    found = _CHECKED.get(key)
    if found is None:
        with _ONE_BY_ONE:  # two windows may ask for the same, and a check takes a whole core
            found = _CHECKED.get(key)
            if found is None:
                scenario, read = _made(key)
                found = (*read, *(() if scenario is None else problems_of(scenario)))
                _CHECKED.keep(key, found)
    return _told(work, found)


def problems_of(scenario: fs.Scenario) -> list[fs.Problem]:
    """Return everything that is wrong with a scenario; one with too many levers and policies is refused for that.

    Each of them is a scenario of its own to check, so what it costs grows with their number.
    """
    count = len(scenario.levers) + len(scenario.policies)
    if count <= APART:
        return fs.problems(scenario)
    where = "levers" if len(scenario.levers) > len(scenario.policies) else "policies"
    what, hint = f"{count:,} levers and policies", f"the desk takes {APART} at most; the shell takes any number"
    return [fs.Problem(where, where, what, hint), *fs.problems(scenario, apart=False)]


def known_problems(work: Work) -> list[Wrong] | None:
    """Return the same where it was found before, else None."""
    found = _CHECKED.get(_key(work))
    return None if found is None else _told(work, found)


def _far_levers(work: Work) -> list[Wrong]:
    """Return a warning for each lever that stands beyond its ends: that is allowed, but not to pass unseen."""
    found = []
    for lever in levers_of(work):
        if lever.value is not None and not lever.low <= lever.value <= lever.high:
            reach = f"{lever.low:.12g} to {lever.high:.12g} {lever.unit}".strip()
            what = f"{lever.value:.12g} {lever.unit}".strip() + f" lies outside {reach}, what the lever thinks possible"
            found.append(Wrong(path=lever.path, title=lever.title, what=what, hint="", level="warning"))
    return found


class _Kept:
    """The last few drafts that were checked, by a digest of all that they say."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._found: OrderedDict[str, tuple[fs.Problem, ...]] = OrderedDict()

    def get(self, text: str) -> tuple[fs.Problem, ...] | None:
        key = _digest(text)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)

    def keep(self, text: str, found: tuple[fs.Problem, ...]) -> None:
        key = _digest(text)
        with self._lock:
            self._found[key] = found
            while len(self._found) > self._most:
                self._found.popitem(last=False)


_CHECKED = _Kept(256)
_ONE_BY_ONE = threading.Lock()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _key(work: Work) -> str:
    return json.dumps(work.draft.data)


@lru_cache(maxsize=32)
def _made(key: str) -> tuple[fs.Scenario | None, tuple[fs.Problem, ...]]:
    try:
        return fs.Draft(json.loads(key)).scenario(), ()
    except fs.ScenarioError as error:
        readable = error.readable
        return (readable if isinstance(readable, fs.Scenario) else None), error.problems


@lru_cache(maxsize=64)
def _quick(key: str) -> tuple[fs.Problem, ...]:
    scenario, read = _made(key)
    return (*read, *(fs.problems(scenario, apart=False) if scenario is not None else ()))


def _told(work: Work, problems: Sequence[fs.Problem]) -> list[Wrong]:
    """Return problems in words, and those that only a desk knows of: levers beyond their ends."""
    draft, found = work.draft, list[Wrong]()
    for problem in problems:
        path, title = problem.path, "The scenario"
        if path:
            try:
                way = draft.way(path)
                path, title = dotted(way), title_of(draft, way)
            except fs.UsageError:
                title = path
        found.append(Wrong(path=path, title=title, what=problem.what, hint=problem.hint, level=problem.level))
    return [*found, *_far_levers(work)]
