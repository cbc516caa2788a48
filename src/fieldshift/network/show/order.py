"""What happens in one period, step by step, and what a case does in each step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from fieldshift.network.graph import Network
from fieldshift.network.words import count_of, lasting, listed
from fieldshift.scenario.schema import Scenario

__all__ = ["ORDER", "order"]

Record = dict[str, Any]


ORDER = """\
 1. arrive    transits that end now pass to their head or fail
 2. open      chance arcs with `timing: opening` are drawn on those present
 3. look      the policy sees the counts of this instant, never the future
 4. decide    it asks for a number on each choice arc, and may turn dials
 5. fit       requests are cut to people present, to limits and to money; a limit that binds is shared in proportion
 6. move      choices move people
 7. serve     work is served by priority within the hours of the people who are present
 8. chance    those who stayed draw their chance arcs, competing per tail; transits draw dropout
 9. enter     arrivals from OUTSIDE
10. count     stocks, flows, backlog, hours used and lost, money spent, which limit bound
"""
"""The steps of a period. The head of `engines/step.py` has the same lines, and a test holds the two equal."""

_STEP = re.compile(r"^ *(\d+)\. (\w+) +(.+)$", re.MULTILINE)


def order(network: Network, scenario: Scenario | None) -> Iterator[Record]:
    """Tell each step of a period, and what there is for it to do."""
    for number, name, what in _STEP.findall(ORDER):
        here = _here(network, scenario, name)
        yield {
            "step": int(number),
            "name": name,
            "what": what,
            "here": here,
            "words": f"{what}. Here: {here}.",
        }


def _here(network: Network, scenario: Scenario | None, step: str) -> str:
    later = [f"{c.name} after {lasting(network, c.lasts)}" for c in network.choices if c.lasts]
    policies = () if scenario is None else tuple(scenario.policies)
    lines = [line.title for line in network.lines if np.isfinite(line.cap).any()]
    works = {b.name for b in network.stocks if b.kind == "case"}
    people = sum(b.kind == "person" for b in network.stocks)
    drops = [f"dropout of {c.name}" for c in network.choices if c.drop.any()]
    said = {
        "arrive": listed(later),
        "open": listed(c.name for c in network.chances if c.opening),
        "look": f"{listed(policies)}" if policies else "whichever policy runs",
        "decide": listed([*network.parts, *(f"the dial {name}" for name in network.dials.names)]),
        "fit": listed([*(limit.title for limit in network.limits), *lines]),
        "move": listed(c.name for c in network.choices),
        "serve": listed(f"{serve.priority}. {serve.name}" for serve in network.serves),
        "chance": listed([*(c.name for c in network.chances if not c.opening), *drops]),
        "enter": listed(entry.name for entry in network.entries),
        "count": f"{count_of(people, 'stock')} of people, {count_of(len(works), 'kind')} of work, "
        f"{count_of(len(network.lines), 'line')} of money",
    }
    return said[step]
