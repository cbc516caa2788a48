"""The names on the axes of a result, and what is known of a run beside its numbers."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from fieldshift.errors import Problem
from fieldshift.network.graph import Network
from fieldshift.results.measures import MEASURES, Key, available, titles, unit_of

__all__ = ["NATION", "Axes", "Entry", "Facts", "entries", "months_later", "nearest", "versions"]

NATION = "nation"
"""What stands in the column `site` for the nation."""


@dataclass(frozen=True)
class Axes:
    """Dates and sites.

    Attributes:
        instants: T + 1 dates; period t goes from instant t to instant t + 1.
        step: How long a period is: `week`, `month`, ...
        fiscal_years: Fiscal year of each period.
        site_ids: Sites in canonical order.
        site_names: Their names for a reader.
        planner_order: Index of each site in the planner's order.
        currency: The currency of all money.
    """

    instants: tuple[dt.date, ...]
    step: str
    fiscal_years: tuple[int, ...]
    site_ids: tuple[str, ...]
    site_names: tuple[str, ...]
    planner_order: tuple[int, ...]
    currency: str

    @staticmethod
    def of(network: Network) -> Axes:
        """Return the axes of a network."""
        sites, periods = network.sites, network.periods
        return Axes(
            tuple(periods.instants),
            str(periods.step),
            tuple(int(y) for y in periods.fiscal_years),
            sites.ids,
            sites.names,
            tuple(int(i) for i in sites.planner_order),
            network.currency,
        )

    def site(self, index: int) -> str:
        """Return the id of a site, `nation`, or `any site`."""
        return self.site_ids[index] if index >= 0 else NATION if index == -1 else "any site"


@dataclass(frozen=True)
class Entry:
    """One measure of one part, for a reader.

    Attributes:
        key: Measure and part.
        title: `Waiting: Inspections`.
        unit: Its unit.
        definition: What it is.
        instant: True where it has a value on each date, False where it has one for each period.
    """

    key: Key
    title: str
    unit: str
    definition: str
    instant: bool


@dataclass(frozen=True)
class Facts:
    """What is known of a run beside its numbers.

    Attributes:
        draws: Number of futures.
        seed: Seed of all draws.
        groups: Groups of futures that believe the same unknowns, in order.
        engine: The engine.
        digest: Digest of the scenario.
        seconds: Seconds that it took.
        versions: Versions of what made it.
        problems: Warnings about the scenario.
    """

    draws: int
    seed: int
    groups: int
    engine: str
    digest: str
    seconds: float
    versions: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of Fieldshift and of what its numbers stand on."""
    found = []
    for name in ("fieldshift", "numpy", "numba"):
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed as a package"))
    return tuple(found)


def entries(network: Network, keys: Iterable[Key]) -> tuple[Entry, ...]:
    """Return the entries of some keys, in the order in which measures are shown."""
    title = titles(network)
    place = {(m.name, of): i for i, (m, of) in enumerate(available(network))}
    found = []
    for key in sorted(keys, key=lambda key: (place.get(key, len(place)), key)):
        m = MEASURES[key[0]]
        unit = unit_of(m.name, network.currency)
        found.append(Entry(key, title.get(key, m.title), unit, m.definition, m.at == "instant"))
    return tuple(found)


def months_later(day: dt.date, months: int) -> dt.date:
    """Return the same day some months later, or the last day of that month."""
    years, month = divmod(day.month - 1 + months, 12)
    last = calendar.monthrange(day.year + years, month + 1)[1]
    return dt.date(day.year + years, month + 1, min(day.day, last))


def nearest(instants: Sequence[dt.date], day: dt.date) -> int:
    """Return the index of the date that is nearest; of two, the earlier."""
    return int(np.argmin([abs((day - instant).days) for instant in instants]))
