"""A bar of progress on a terminal: the only module that knows what draws it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["bar"]


class _Bar:
    """Progress on a terminal: a bar with the time left, gone when it is done."""

    def __init__(self, label: str, bar: Progress) -> None:
        self._bar, self._task = bar, bar.add_task(label, total=None)

    def step(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def say(self, text: str) -> None:
        self._bar.console.print(text, highlight=False)


@contextmanager
def bar(label: str) -> Iterator[_Bar]:
    """Give a bar with a label, which vanishes at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(30),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        yield _Bar(label, drawn)
