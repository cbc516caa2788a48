"""What drives the answer of a scenario: every policy at many points of the unknowns, and what follows from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from fieldshift.errors import Interrupted, UsageError
from fieldshift.network.build import build
from fieldshift.network.graph import Float, Network
from fieldshift.results.shelf import Shelf
from fieldshift.results.unknown_titles import unknown_titles
from fieldshift.scenario.beliefs import Spacing, believed
from fieldshift.scenario.read import digest
from fieldshift.scenario.schema import Goal, Scenario
from fieldshift.scenario.values import unknowns
from fieldshift.study.aims import Aim, aims_of
from fieldshift.study.drives import Answers, axes_of, boxes, drivers, information, luck
from fieldshift.study.exploration import KNOWN_ALL, Exploration
from fieldshift.study.pieces import Living, Piece, heavy, lived
from fieldshift.study.regrets import least_regretted, regrets

__all__ = ["explore"]

Progress = Callable[[int, int], None]

_VALUES = "values"
"""What a piece is called among the arrays of its file."""

_ENDS = 20
"""Futures of each end of a tornado and of each lever: they share their luck, so few will do."""

_MOVED = 3
"""Unknowns that are moved under each setting of a lever: those that matter most."""

_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "quarter": 91.3125, "year": 365.25}


@dataclass(frozen=True)
class _Study:
    """What an exploration goes through: where its pieces are kept, what lives them, and how.

    Attributes:
        shelf: Where finished pieces are.
        how: Workers; whether in processes; what is told of progress.
        folder: The folder, for whoever interrupts.
    """

    shelf: Shelf
    how: tuple[int | None, bool, Progress | None]
    folder: Path | None

    def values(self, piece: Piece) -> Float:
        """Return what a finished piece gave."""
        found: Float = self.shelf.get(piece.name)[_VALUES]
        return found

    def through(self, living: Living, pieces: Sequence[Piece], count: tuple[int, int]) -> None:
        """Live the pieces that are not finished yet.

        Args:
            living: What lives them.
            pieces: The pieces.
            count: Pieces done before, and all pieces of the exploration.

        Raises:
            Interrupted: The user stopped it; what is finished is kept.
        """
        workers, processes, progress = self.how
        left = [piece for piece in pieces if not self.shelf.has(piece.name)]
        done = count[0] + len(pieces) - len(left)
        if progress is not None:
            progress(done, count[1])
        try:
            for piece, values in lived(living, left, workers, processes) if left else ():
                self.shelf.put(piece.name, {_VALUES: values})
                done += 1
                if progress is not None:
                    progress(done, count[1])
        except KeyboardInterrupt:
            where = f"are in {self.folder}: the same command goes on from there" if self.folder else "are lost"
            raise Interrupted(f"Stopped. {done} of {count[1]} parts are finished and {where}.") from None


def explore(  # noqa: PLR0913 - the public name: each is a question a user answers
    scenario: Scenario,
    measure: str | Goal | None = None,
    policies: Sequence[str] | None = None,
    *,
    at: Literal["mean", "end"] = "mean",
    points: int = 200,
    futures: int = 50,
    seed: int = 1,
    spacing: Spacing = "latin",
    fails: float | None = None,
    ends: bool = True,
    levers: bool = True,
    workers: int | None = None,
    processes: bool = False,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Exploration:
    """Find what drives the answer: luck and ignorance, unknowns, what knowing them is worth, where policies fail.

    Args:
        scenario: A checked scenario with unknowns.
        measure: What is asked about: a goal, or a measure such as `field` or `backlog.docket`; the first goal by
            default, the first headline with a better side where there is none.
        policies: Names of policies; all by default.
        at: Of a measure: its mean over the horizon, or its value at the end.
        points: Points of the unknowns.
        futures: Futures at each point, each with luck of its own.
        seed: Seed of all draws; the same seed gives the same exploration to the byte.
        spacing: `latin` for a Latin hypercube, `sobol` for Sobol points.
        fails: From where on an answer is a failure; by default where the least regretted policy's worst quarter begins.
        ends: Whether each unknown is moved to its ends too (a tornado).
        levers: Whether levers are set while the unknowns that matter most are moved.
        workers: Threads or processes; the exploration does not depend on it.
        processes: Let a heavy exploration use worker processes: faster, but a script must guard its main module.
        folder: Where finished points are kept; an exploration that was interrupted goes on from there.
        progress: Called with the parts done and all parts.

    Raises:
        UsageError: Nothing is unknown, a policy or measure does not exist, or the folder holds something else.
        Interrupted: The user stopped it; what is finished is kept in the folder.
    """
    names = tuple(scenario.policies if policies is None else policies)
    network = _ready(scenario, names, points, futures)
    aims = aims_of(scenario, network, measure, at)
    columns = believed(scenario, points, seed, spacing)
    facts: dict[str, Any] = {"points": points, "futures": futures, "seed": seed, "spacing": spacing}
    facts |= {"digest": digest(scenario)}
    where = None if folder is None else Path(folder)
    shelf = Shelf(where, facts | {"policies": list(names), "aims": [aim.name for aim in aims]}, "exploration")
    processes = processes and heavy(network, aims, points * futures * len(names))
    study = _Study(shelf, (workers, processes, progress), where)
    cloud = [
        Piece(f"points/{i:04d}", {p: float(c[i]) for p, c in columns.items()}, i * futures, names)
        for i in range(points)
    ]
    few = min(futures, _ENDS)
    parts = 1 + 2 * len(columns) if ends or levers else 0
    parts += (2 * len(scenario.levers) * (1 + 2 * min(_MOVED, len(columns)))) if levers else 0
    study.through(Living(scenario, aims, futures, seed), cloud, (0, points + parts))
    values = np.stack([study.values(piece) for piece in cloud])
    titles = unknown_titles(scenario)
    given = Answers(scenario, aims, names, columns, titles, values, seed)
    table = regrets(names, given.means[:, :, 0].T, aims[0].sign)
    best = least_regretted(table)
    called = {p: scenario.policies[p].title or p.replace("_", " ") for p in names}
    driven, known = drivers(given, best), information(given, called)
    own, worse = given.means[:, names.index(best), 0], 0.75 if aims[0].sign > 0 else 0.25
    threshold = float(np.quantile(own, worse)) if fails is None else fails
    small = _Small(scenario, (aims[0],), (best, titles), study, (few, seed))
    tornado = small.tornado((points, points + parts)) if ends or levers else _NO_TORNADO
    top = _moved(known, tornado)
    moved = small.levers(top, (points + 1 + 2 * len(columns), points + parts)) if levers else _NO_LEVERS
    facts |= {"threshold": threshold, "ends": few, "month": _month(aims[0], network)}
    return Exploration(
        scenario.name,
        aims,
        called,
        titles,
        facts,
        luck(given),
        driven,
        tornado,
        known,
        table,
        boxes(given, threshold),
        moved,
    )


def _ready(scenario: Scenario, names: Sequence[str], points: int, futures: int) -> Network:
    """Return the scenario's network at the centres of its unknowns, where all that was asked for makes sense."""
    if not unknowns(scenario):
        raise UsageError("nothing is unknown in this case: give a number a `range` or rival `estimates`")
    if points < 10 or futures < 2:
        raise UsageError(f"{points} points of {futures} futures: at least 10 of 2 are needed")
    if not names:
        raise UsageError("there is no policy to explore: write one under `policies`, such as `stay: {}`")
    for name in names:
        if name not in scenario.policies:
            raise UsageError(f"no policy named {name!r} (known: {', '.join(scenario.policies)})")
    return build(scenario)


def _month(aim: Aim, network: Network) -> float | None:
    """Return what one of an aim's unit is in person-months, or None where it is no time of people."""
    step = str(network.periods.step)
    if aim.unit == f"person-{step}s":
        return _DAYS[step] / _DAYS["month"]
    if aim.unit == "person" and aim.at == "mean" and aim.goal is None:
        return network.periods.count * _DAYS[step] / _DAYS["month"]
    return None


def _moved(known: pd.DataFrame, tornado: pd.DataFrame) -> list[str]:
    """Return the unknowns that matter most: those surely worth knowing, then those with the widest bars."""
    worth = known[(known["unknown"] != KNOWN_ALL) & (known["low"] > 0)].sort_values("value", ascending=False)
    return list(dict.fromkeys([*worth["unknown"], *tornado["unknown"]]))[:_MOVED]


_NO_TORNADO = pd.DataFrame(
    columns=["policy", "unknown", "title", "low", "high", "at_low", "at_high", "centre", "swing"]
)
_NO_LEVERS = pd.DataFrame(columns=["policy", "lever", "setting", "unknown", "at", "value"])


@dataclass(frozen=True)
class _Small:
    """What is found out with one policy and few futures that share their luck.

    Attributes:
        scenario: The scenario.
        aims: The main aim.
        who: The policy, and titles of the unknowns.
        study: Where pieces are kept.
        draws: Futures, and their seed.
    """

    scenario: Scenario
    aims: tuple[Aim, ...]
    who: tuple[str, Mapping[str, str]]
    study: _Study
    draws: tuple[int, int]

    def _through(self, pieces: Sequence[Piece], count: tuple[int, int]) -> dict[str, float]:
        self.study.through(Living(self.scenario, self.aims, *self.draws), pieces, count)
        return {piece.name: float(self.study.values(piece).mean()) for piece in pieces}

    def tornado(self, count: tuple[int, int]) -> pd.DataFrame:
        """Return the answer with each unknown at its ends, the others at their centres, the widest bar first."""
        policy, titles = self.who
        axes = axes_of(self.scenario)
        pieces = [Piece("ends/centre", {}, 0, (policy,))]
        pieces += [
            Piece(f"ends/{i:03d}-{end}", {axis.unknown.path: axis.ends[k]}, 0, (policy,))
            for i, axis in enumerate(axes)
            for k, end in enumerate(("low", "high"))
        ]
        found = self._through(pieces, count)
        centre, rows = found["ends/centre"], []
        for i, axis in enumerate(axes):
            low, high = (found[f"ends/{i:03d}-{end}"] for end in ("low", "high"))
            written = [axis.written(end) for end in axis.ends]
            rows.append((policy, axis.unknown.path, titles[axis.unknown.path], *written, low, high, centre))
        table = pd.DataFrame(rows, columns=_NO_TORNADO.columns[:-1])
        table["swing"] = table[["at_low", "at_high", "centre"]].max(axis=1) - table[
            ["at_low", "at_high", "centre"]
        ].min(axis=1)
        return table.sort_values(["swing", "unknown"], ascending=[False, True], kind="stable", ignore_index=True)

    def levers(self, moved: Sequence[str], count: tuple[int, int]) -> pd.DataFrame:
        """Return the answer with each lever at its ends while each of some unknowns is moved to its ends."""
        policy, _ = self.who
        axes = {axis.unknown.path: axis for axis in axes_of(self.scenario)}
        beliefs: list[tuple[str, str, dict[str, float]]] = [("", "centre", {})]
        beliefs += [(path, end, {path: axes[path].ends[k]}) for path in moved for k, end in enumerate(("low", "high"))]
        pieces, rows = [], []
        for lever, given in self.scenario.levers.items():
            for side, setting in (("from", given.start_from), ("to", given.to)):
                for unknown, at, belief in beliefs:
                    if unknown != given.path:
                        name = f"levers/{lever}-{side}-{unknown or 'none'}-{at}"
                        pieces.append(Piece(name, belief, 0, (policy,), {given.path: setting}))
                        rows.append((policy, lever, str(setting), unknown, at, name))
        found = self._through(pieces, count)
        table = pd.DataFrame(rows, columns=_NO_LEVERS.columns)
        table["value"] = [found[name] for name in table["value"]]
        return table
