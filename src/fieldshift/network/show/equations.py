"""The mean equation of each stock: what next period's count is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fieldshift.network.graph import Int, Network, StockBlock
from fieldshift.network.words import between, share
from fieldshift.scenario.schema import Scenario

__all__ = ["equations", "holds"]

Record = dict[str, Any]


def equations(network: Network, _: Scenario | None) -> Iterator[Record]:
    """Tell what the next count of each stock is on average, term by term, in the order of a period."""
    for block in network.stocks:
        first, out, after = _arriving(network, block), _leaving(network, block), _entering(network, block)
        opening, closing = _rates(network, block, True), _rates(network, block, False)
        inner = " ".join([f"{block.name}(t)", *(term for term, _ in first)])
        if opening:
            inner = f"({inner}) * (1 - {' - '.join(term for term, _ in opening)})"
        inner = " ".join([inner, *(term for term, _ in out)])
        bracket = f"({inner})" if closing and " " in inner else inner
        if closing:
            bracket += f" * (1 - {' - '.join(term for term, _ in closing)})"
        yield {
            "name": f"{block.name}(t+1)",
            "words": " ".join(["=", bracket, *(term for term, _ in after)]),
            "unit": block.kind,
            "arrive": [part for _, part in first],
            "open": [part for _, part in opening],
            "move": [part for _, part in out],
            "chance": [part for _, part in closing],
            "enter": [part for _, part in after],
        }


Term = tuple[str, Record]


def _term(sign: str, factor: float, name: str, at: str, lag: int = 0) -> Term:
    share_ = "" if factor == 1.0 else f"{factor:.4g} "
    return f"{sign} {share_}{name}{at}", {
        "of": name,
        "factor": -factor if sign == "-" else factor,
        "lag": lag,
    }


def holds(block: StockBlock, cells: Int) -> bool:
    """Return whether any of some cells is one of a stock's."""
    return bool(((cells >= block.cells.start) & (cells < block.cells.stop)).any())


def _arriving(network: Network, block: StockBlock) -> list[Term]:
    found = []
    for choice in network.choices:
        passing, stayed = float(choice.passing[0]), float((1.0 - choice.drop[0]) ** choice.lasts)
        at = f"(t-{choice.lasts})"
        if choice.lasts and holds(block, choice.head):
            found.append(_term("+", passing * stayed, choice.name, at, choice.lasts))
        if choice.lasts and passing < 1.0 and holds(block, choice.fail):
            found.append(_term("+", (1.0 - passing) * stayed, choice.name, at, choice.lasts))
    return found


def _rates(network: Network, block: StockBlock, opening: bool) -> list[Term]:
    return [
        (f"{between(c.p, share)} {c.name}", {"of": c.name, "factor": float(c.p.mean())})
        for c in network.chances
        if c.opening is opening and holds(block, c.tail)
    ]


def _leaving(network: Network, block: StockBlock) -> list[Term]:
    moved = [_term("-", 1.0, c.name, "(t)") for c in network.choices if holds(block, c.tail)]
    return moved + [_term("-", 1.0, f"{s.name}.served", "(t)") for s in network.serves if holds(block, s.tail)]


def _entering(network: Network, block: StockBlock) -> list[Term]:
    found = []
    for choice in (c for c in network.choices if not c.lasts):
        passing = float(choice.passing[0])
        if holds(block, choice.head):
            found.append(_term("+", passing, choice.name, "(t)"))
        if passing < 1.0 and holds(block, choice.fail):
            found.append(_term("+", 1.0 - passing, choice.name, "(t)"))
    for serve in network.serves:
        parts = [(s, heads) for heads, s in serve.heads if holds(block, heads)]
        found += [_term("+", s, f"{serve.name}.served", "(t)") for s, _ in parts]
    found += [_term("+", 1.0, c.name, "(t)") for c in network.chances if holds(block, c.head)]
    for choice in network.choices:
        if choice.drop.any() and holds(block, choice.drop_to):
            found.append(_term("+", 1.0, f"{choice.name}.dropped", "(t)"))
    for entry in (e for e in network.entries if holds(block, e.head)):
        mean = entry.mean.sum(axis=1)
        found.append((f"+ {between(mean)}", {"of": entry.name, "factor": float(mean[0]), "lag": 0}))
    return found
