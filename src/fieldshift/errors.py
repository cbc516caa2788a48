"""What can go wrong, as one tree.

```
FieldshiftError            exit 1   anything Fieldshift itself says
├── UsageError             exit 2   a name or an option that does not exist
├── ScenarioError          exit 2   a scenario with problems: all of them, each with its place
├── NoPlan                 exit 3   no plan keeps every limit
├── RunError               exit 1   a run folder that cannot be read or written
└── Interrupted            exit 130 stopped by the user; what was finished is kept
```
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "FieldshiftError",
    "Interrupted",
    "NoPlan",
    "Problem",
    "RunError",
    "ScenarioError",
    "UsageError",
    "WorkerError",
]


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong in what a planner wrote.

    Attributes:
        where: The place: `file:line:column`, `sheet!cell`, or an option such as `--set`.
        path: The part, dotted: `flows.quit.rate`.
        what: What is wrong, with the value, in one sentence.
        hint: What would be right, or nothing.
        level: `error` stops a run, `warning` does not.
    """

    where: str
    path: str
    what: str
    hint: str = ""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        mark = "" if self.level == "error" else "warning: "
        path = f"{self.path}: " if self.path else ""
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.where}: {mark}{path}{self.what}{tail}"


class FieldshiftError(Exception):
    """Anything that Fieldshift itself says went wrong."""

    exit_code = 1


class UsageError(FieldshiftError):
    """A name or an option that does not exist, or that does not fit here."""

    exit_code = 2


class ScenarioError(FieldshiftError):
    """A scenario that cannot be used: every problem at once.

    Attributes:
        problems: All problems found, in the order of their places.
        readable: The scenario without the entries that could not be read, so that the rest can be checked too, or
            None.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem], readable: object = None) -> None:
        self.problems, self.readable = tuple(problems), readable
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NoPlan(FieldshiftError):
    """No plan keeps every limit; the message names the rules that clash.

    Attributes:
        unfinished: Whether there may be one all the same: the search was stopped, or ran out of time.
    """

    exit_code = 3

    def __init__(self, message: str = "", unfinished: bool = False) -> None:
        super().__init__(message)
        self.unfinished = unfinished


class RunError(FieldshiftError):
    """A run folder that cannot be read or written."""


class WorkerError(FieldshiftError):
    """A worker process ended by itself, perhaps for want of memory."""


class Interrupted(FieldshiftError):
    """Stopped by the user; what was finished is kept."""

    exit_code = 130
