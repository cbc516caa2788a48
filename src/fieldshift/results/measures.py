"""The measures there are: what can be asked of a run, what it means, how it is taken from the records."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from fieldshift.errors import UsageError
from fieldshift.network.graph import Network
from fieldshift.results.headcount import HEADCOUNT
from fieldshift.results.means import MEANS
from fieldshift.results.output import OUTPUT
from fieldshift.results.posts import POSTS
from fieldshift.results.register import Measure
from fieldshift.results.tally import Array, Tally
from fieldshift.results.trace import Trace
from fieldshift.scenario.schema import Scenario

__all__ = [
    "MEASURES",
    "Key",
    "Measure",
    "available",
    "default_keys",
    "headline_keys",
    "key_of",
    "keys_of",
    "measure",
    "site_keys",
    "titles",
    "unit_of",
]

Key = tuple[str, str]
"""A measure's name and the part that it is of, empty for the whole."""

MEASURES = MappingProxyType({m.name: m for r in (HEADCOUNT, POSTS, OUTPUT, MEANS) for m in r.measures})
"""All measures by name, in the order in which they are shown."""

_DEFAULT = (
    "on_board",
    "field",
    "desk",
    "support",
    "leave",
    "training",
    "hiring",
    "transit",
    "detail",
    "hosted",
    "present",
    "fte",
    "hires",
    "losses",
    "turnover",
    "people",
    "new_share",
    "authorised",
    "funded",
    "fill_rate",
    "vacancies",
    "manning",
    "under_way",
    "started",
    "passed",
    "backlog",
    "arrived",
    "served",
    "undone",
    "age",
    "utilisation",
    "served_per_crew",
    "gap",
    "dial",
    "spend",
    "spend_to_date",
    "granted",
)
_WHOLE_ONLY = ("losses",)
_BY_SITE = (
    "on_board",
    "field",
    "desk",
    "training",
    "detail",
    "hosted",
    "present",
    "vacancies",
    "fill_rate",
    "manning",
    "backlog",
    "served",
    "gap",
)
"""Measures whose site values are kept by default: each weighs as much as a hundred national ones."""


def available(network: Network) -> list[tuple[Measure, str]]:
    """Return all measures that a network has, each with the part that it is of, in a fixed order."""
    return [(m, of) for m in MEASURES.values() for of in m.parts(network)]


def default_keys(network: Network) -> tuple[Key, ...]:
    """Return the measures that a run keeps unless told otherwise."""
    return tuple(
        (m.name, of) for m, of in available(network) if m.name in _DEFAULT and (not of or m.name not in _WHOLE_ONLY)
    )


def keys_of(scenario: Scenario, network: Network) -> tuple[Key, ...]:
    """Return the default measures and those of the scenario's headlines."""
    wanted = [key_of(network, h.measure, h.of or "") for h in scenario.headlines]
    return tuple(dict.fromkeys([*default_keys(network), *wanted]))


def headline_keys(scenario: Scenario, network: Network) -> tuple[Key, ...]:
    """Return the measures of the scenario's headlines; all default measures where it names none."""
    if not scenario.headlines:
        return default_keys(network)
    return tuple(dict.fromkeys(key_of(network, h.measure, h.of or "") for h in scenario.headlines))


def site_keys(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return those keys whose site values are kept by default."""
    return tuple(k for k in keys if k[0] in _BY_SITE and MEASURES[k[0]].by_site)


def key_of(network: Network, name: str, of: str = "") -> Key:
    """Return the key of a measure, or say which there are.

    A measure with one part only needs no `of`.

    Raises:
        UsageError: There is no such measure here, or not of that part.
    """
    if name not in MEASURES:
        raise UsageError(f"there is no measure {name!r}; there are {', '.join(MEASURES)}")
    parts = MEASURES[name].parts(network)
    if of in parts:
        return name, of
    if not of and len(parts) == 1:
        return name, parts[0]
    if not parts:
        raise UsageError(f"the measure {name!r} has no meaning in this scenario: {MEASURES[name].definition}")
    there = ", ".join(repr(p) for p in parts if p)
    raise UsageError(f"the measure {name!r} is not of {of!r}; it is of {there or 'the whole'}")


def measure(trace: Trace, network: Network, keys: Iterable[Key], by_site: bool = False) -> dict[Key, Array]:
    """Return measures of one batch.

    Args:
        trace: The records of the batch.
        network: The network that it was lived on.
        keys: Which measures.
        by_site: Whether by site, shape (D, time, S), or of the nation, shape (D, time).
    """
    tally = Tally(trace, network, by_site)
    return {key: MEASURES[key[0]].value(tally, key[1]) for key in keys}


def unit_of(name: str, currency: str) -> str:
    """Return the unit of a measure, with the scenario's currency where it is money."""
    unit = MEASURES[name].unit
    return currency if unit == "currency" else unit


def titles(network: Network) -> dict[Key, str]:
    """Return a title for a reader of each measure there is: `Waiting: Inspections`."""
    parts = {b.part: b.title for b in reversed(network.stocks) if not b.waiting}
    parts |= {c.part: c.title for c in network.choices}
    lines = {line.name: line.title for line in network.lines}
    needs = {need.name: need.title for need in network.needs}
    found = {}
    for m, of in available(network):
        names = {"line": lines, "need": needs, "kind": {}, "dial": {}, "duty": {}}.get(m.of, parts)
        found[m.name, of] = f"{m.title}: {names.get(of, of.replace('_', ' '))}" if of else m.title
    return found
