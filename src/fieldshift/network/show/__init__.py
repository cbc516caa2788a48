"""A network in words: what a planner reads to see what the tool has understood."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from fieldshift.errors import UsageError
from fieldshift.network.build import build
from fieldshift.network.graph import Network
from fieldshift.network.show.arcs import arcs
from fieldshift.network.show.equations import equations
from fieldshift.network.show.order import ORDER, order
from fieldshift.network.show.parts import limits, needs, policies, stocks
from fieldshift.network.words import columns
from fieldshift.scenario.schema import Scenario

__all__ = ["ORDER", "WHAT", "show"]

Teller = Callable[[Network, Scenario | None], Iterator[dict[str, Any]]]
_TITLED = {"name": "name", "title": "title", "place": "where", "words": "what"}

WHAT: Mapping[str, tuple[Teller, Mapping[str, str]]] = {
    "stocks": (
        stocks,
        {"name": "stock", "title": "title", "of": "of", "place": "where", "start": "day 1", "words": ""},
    ),
    "arcs": (arcs, {"name": "arc", "by": "moved by", "ends": "tail -> head", "words": "how"}),
    "order": (order, {"step": "", "name": "step", "words": "what"}),
    "equations": (equations, {"name": "next", "unit": "unit", "words": "mean"}),
    "limits": (limits, _TITLED),
    "policies": (policies, {"name": "policy", "title": "title", "words": "what"}),
    "needs": (needs, _TITLED),
}
"""What can be shown: who tells it, and the columns of the text."""


def show(given: Scenario | Network, what: str = "stocks", *, form: Literal["text", "json"] = "text") -> str:
    """Return one side of a network in words.

    Args:
        given: A checked scenario, or a network built from one.
        what: `stocks`, `arcs`, `order`, `equations`, `limits`, `policies` or `needs`.
        form: `text` for a reader, `json` for a program: a list of objects.

    Raises:
        UsageError: There is no such side, or policies are asked of a network: they are the scenario's.
    """
    if what not in WHAT:
        raise UsageError(f"there is no {what!r} to show (known: {', '.join(WHAT)})")
    network = given if isinstance(given, Network) else build(given)
    scenario = None if isinstance(given, Network) else given
    if scenario is None and what == "policies":
        raise UsageError("a network has no policies: show the scenario instead")
    telling, heads = WHAT[what]
    records = list(telling(network, scenario))
    if form == "json":
        return json.dumps(records, indent=2, ensure_ascii=False)
    if not records:
        return f"{network.name} has no {what}."
    return columns(records, heads)
