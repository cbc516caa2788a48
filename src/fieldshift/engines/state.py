"""Where everybody is, and what was counted: the arrays that the steps of a period hand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldshift.network.graph import ChoiceBlock, Float, Int, Network, Turn

__all__ = ["Counts", "State", "add_to", "dialled", "start", "under_way"]


@dataclass
class State:
    """Where everybody is, in each future.

    Attributes:
        people: Count in each cell, shape (D, C).
        rings: For each choice block, those under way by starting period modulo `lasts`, shape (D, lasts, n).
        hosted: For each choice block with hosts, where those cohorts were sent, shape (D, lasts, m).
        dials: Setting of each dial at each site, the last column for the nation, shape (D, K, S + 1).
        spent: Money spent on each line in its present window, shape (D, lines).
    """

    people: Float
    rings: tuple[Float, ...]
    hosted: tuple[Float, ...]
    started: tuple[Float, ...]
    dials: Float
    spent: Float


@dataclass
class Counts:
    """What was counted in one period: each array's first axis is D.

    Attributes:
        moved: Started on each choice arc (D, A).
        passed, failed, dropped: Arrived, failed at the end, and dropped out on each choice arc (D, A).
        flowed: Moved on each chance arc (D, F).
        entered: Entered from OUTSIDE (D, E).
        served: Served on each serve arc (D, B).
        became: For each serve block, cases that became each of its heads, (h, D, n).
        hours: Hours of people present by person cell (D, C); `used`: of them used (D, C).
        hosted: People of other sites serving at each site (D, S).
        spent: Money spent on each line (D, lines).
        rows, lines: Which rows of limits and lines of money cut something (D, R), (D, lines).
    """

    moved: Float
    passed: Float
    failed: Float
    dropped: Float
    flowed: Float
    entered: Float
    served: Float
    became: list[Float]
    hours: Float
    used: Float
    hosted: Float
    spent: Float
    rows: Float
    lines: Float


def start(network: Network, draws: int) -> State:
    """Return the state on the first day, the same in each of the futures."""
    people = np.concatenate([b.start for b in network.stocks] or [np.zeros(0)])
    choices = network.choices
    return State(
        np.tile(people, (draws, 1)),
        tuple(_ring(b, draws) for b in choices),
        tuple(np.zeros((draws, b.lasts, len(b.hosts))) for b in choices),
        tuple(np.zeros((draws, b.lasts)) for b in choices),
        np.tile(network.dials.start[:, None], (draws, 1, len(network.sites) + 1)),
        np.zeros((draws, len(network.lines))),
    )


def _ring(block: ChoiceBlock, draws: int) -> Float:
    """Return those under way on the first day, shape (D, lasts, n)."""
    begun = np.zeros((block.lasts, len(block.tail))) if block.begun is None else block.begun
    return np.tile(begun, (draws, 1, 1))


def under_way(state: State, draws: int) -> Float:
    """Return how many are under way on each choice arc, shape (D, A)."""
    return np.concatenate([ring.sum(axis=1) for ring in state.rings] or [np.zeros((draws, 0))], axis=1)


def add_to(people: Float, cells: Int, amount: Float) -> None:
    """Add amounts (D, k) to cells (k,), skipping OUTSIDE; cells may repeat."""
    inside = cells >= 0
    np.add.at(people.T, cells[inside], amount[:, inside].T)


def dialled(base: Float, turns: tuple[Turn, ...], dials: Float, sites: Int) -> Float:
    """Return a number multiplied by the dials that turn it: base (k,) to (D, k)."""
    value = np.tile(base, (len(dials), 1))
    for dial, slope in turns:
        value = value * np.maximum(1.0 + slope * (dials[:, dial, sites] - 1.0), 0.0)
    return value
