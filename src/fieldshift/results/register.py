"""How a measure is written: a function of a tally whose docstring is the definition that readers see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from fieldshift.network.graph import Network
from fieldshift.results.tally import Array, Tally

__all__ = ["WHOLE", "Measure", "Parts", "Register"]

Parts = Callable[[Network], tuple[str, ...]]

WHOLE = ("",)
"""The parts of a measure of the whole."""


@dataclass(frozen=True)
class Measure:
    """What can be measured of a batch of futures.

    Attributes:
        name: Its name in a scenario, on the shell and in tables.
        title: Its name for a reader.
        unit: Its unit; `currency` stands for the scenario's.
        definition: What it is, in a sentence with its formula.
        at: `instant`: a value on each of T + 1 dates; `period`: one for each of T periods.
        of: Which kind of part it is a measure of: `stock`, `work`, `line`, ..., or empty.
        by_site: Whether it is known by site too.
        parts: The parts of a network that it exists for; none where it has no meaning, `("",)` for the whole.
        value: Its value, shape (D, time) or (D, time, S).
    """

    name: str
    title: str
    unit: str
    definition: str
    at: Literal["instant", "period"]
    of: str
    by_site: bool
    parts: Parts
    value: Callable[[Tally, str], Array]


class Value(Protocol):
    """A function that takes a measure from a tally."""

    __name__: str

    def __call__(self, tally: Tally, part: str, /) -> Array:
        """Return its value, shape (D, time) or (D, time, S)."""


Adder = Callable[[Value], Value]


class Register:
    """Measures in the order in which they are shown; a function's docstring is its measure's definition."""

    def __init__(self) -> None:
        self.measures: list[Measure] = []

    def instant(self, title: str, unit: str, parts: Parts, of: str = "", by_site: bool = True) -> Adder:
        """Register a measure with a value on each of T + 1 dates; its name is the function's."""
        return self._adder((title, unit, "instant", of, by_site, parts))

    def period(self, title: str, unit: str, parts: Parts, of: str = "", by_site: bool = True) -> Adder:
        """Register a measure with a value for each of T periods; its name is the function's."""
        return self._adder((title, unit, "period", of, by_site, parts))

    def _adder(self, how: tuple[str, str, Literal["instant", "period"], str, bool, Parts]) -> Adder:
        title, unit, at, of, by_site, parts = how

        def add(value: Value) -> Value:
            name = value.__name__.lstrip("_")
            definition = " ".join((value.__doc__ or "").split())
            self.measures.append(Measure(name, title, unit, definition, at, of, by_site, parts, value))
            return value

        return add
