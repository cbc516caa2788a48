"""How the shell talks: data on stdout, talk and progress on stderr, a bar only on a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from threading import Timer
from typing import Any, Protocol

import click

__all__ = ["Kept", "Talk", "counted", "kept", "long", "table"]

PLAIN_EVERY = 15.0
"""Seconds between two lines of progress off a terminal."""

SLOW_START = 4.0
"""Seconds without a first step after which it is said why."""


@dataclass
class Kept:
    """What a verb has finished writing: told to whoever interrupts it."""

    things: list[str] = field(default_factory=list)


def kept(what: str) -> None:
    """Note that something is written, for whoever interrupts what follows."""
    click.get_current_context().ensure_object(Kept).things.append(what)


@dataclass(frozen=True)
class Talk:
    """How much a verb says, and in which form.

    Attributes:
        json: Data as JSON on stdout instead of words.
        quiet: No talk and no progress on stderr.
    """

    json: bool = False
    quiet: bool = False

    def say(self, text: str) -> None:
        """Say something on stderr."""
        if not self.quiet:
            click.echo(text, err=True)

    def tell(self, text: str, data: Any) -> None:
        """Put data on stdout: in words, or as JSON where that is asked for."""
        if self.json:
            click.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
        else:
            click.echo(text, color=False if os.environ.get("NO_COLOR") else None)

    @contextmanager
    def progress(self, label: str, slow_start: str = "") -> Iterator[Callable[[int, int], None]]:
        """Give a callback that takes the steps done and all steps.

        Args:
            label: What is being done.
            slow_start: What to say once where the first step takes long.
        """
        if self.quiet:
            yield _silent
            return
        with _drawn(label) if on_terminal() else nullcontext(_Plain(label)) as shown:
            timer = Timer(SLOW_START, shown.say, [slow_start])
            timer.daemon = True
            if slow_start:
                timer.start()

            def step(done: int, total: int) -> None:
                timer.cancel()
                shown.step(done, total)

            try:
                yield step
            finally:
                timer.cancel()


def on_terminal() -> bool:
    """Return whether stderr is a terminal on which a bar can be drawn."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _silent(done: int, total: int) -> None:
    """Say nothing."""


class _Shown(Protocol):
    """What shows progress."""

    def step(self, done: int, total: int) -> None: ...
    def say(self, text: str) -> None: ...


def _drawn(label: str) -> AbstractContextManager[_Shown]:
    """Return a bar; what draws it is loaded only where one is drawn, so that `--help` is quick."""
    shown: AbstractContextManager[_Shown] = import_module("fieldshift.cli.bar").bar(label)
    return shown


class _Plain:
    """Progress off a terminal: a line now and then, and none at all where it is quick."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = self._last = time.monotonic()

    def step(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done == 0 or done >= total or now - self._last < PLAIN_EVERY:
            return
        self._last = now
        left = (now - self._began) / done * (total - done)
        self.say(f"{self._label}: {100 * done // total} %, about {long(left)} left")

    def say(self, text: str) -> None:
        click.echo(text, err=True)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 warning`, `3 warnings`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def long(seconds: float) -> str:
    """Return a time as a person says it."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns under bold heads: the first column is words, the others stand right.

    A row of one cell is the title of the rows after it, which are indented under it.
    """
    under = any(len(row) == 1 for row in rows)
    full = [[f"  {row[0]}" if under else row[0], *row[1:]] for row in rows if len(row) > 1]
    wide = [max(len(row[i]) for row in [list(heads), *full]) for i in range(len(heads))]

    def line(row: Sequence[str]) -> str:
        cells = [text.rjust(w) if i else text.ljust(w) for i, (text, w) in enumerate(zip(row, wide, strict=True))]
        return "   ".join(cells).rstrip()

    body = iter(full)
    said = [click.style(row[0], bold=True) if len(row) == 1 else line(next(body)) for row in rows]
    return "\n".join([click.style(line(heads), dim=True), *said])
