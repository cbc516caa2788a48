"""Comparisons of runs, made once and kept: the runs are finished, so what lies between them does not change."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import HTTPException

import fieldshift as fs
from fieldshift.web import casebook, differences, jobs, keeping
from fieldshift.web.desk import Desk, NotHere

__all__ = ["MOST", "WORD", "Sides", "folder_of", "made", "sides_of"]

MOST = 5
"""Runs side by side, at most."""

WORD = r"^[0-9a-f]{32}$"
"""What a kept comparison is called."""

MEASURES = 12
"""Measures of a comparison, at most."""

_KEPT = 200
_WAITING = 8
"""Comparisons that wait to be made, at most: each takes seconds."""
_INPUTS = 300


@dataclass(frozen=True)
class Sides:
    """What is set side by side.

    Attributes:
        rows: The runs, the base first.
        labels: A label of its own for each run.
        policies: The policies by name with their titles: those that every comparison is made for, or, of one run, those
            that are compared.
        measures: The measures; none means the headlines.
        shared: All policies that could be compared, by name with their titles.
        choice: The measures that all the runs have, by name with their titles.
    """

    rows: tuple[jobs.Run, ...]
    labels: tuple[str, ...]
    policies: tuple[tuple[str, str], ...]
    measures: tuple[str, ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)
    choice: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name under which the comparison is kept."""
        names = [[row.id for row in self.rows], self.labels, self.policies, self.measures, fs.__version__]
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:32]


def sides_of(desk: Desk, runs: Sequence[str], policies: Sequence[str], measures: Sequence[str] = ()) -> Sides:
    """Return what is set side by side.

    Args:
        desk: The desk.
        runs: Ids of runs, the base first: two to five of them, or one whose policies are compared.
        policies: Names of policies; of several runs all that the first one shares with another, of one run all.
        measures: Measures such as `field` or `backlog.docket`; none means the headlines.

    Raises:
        NotHere: There is no such run, or it is not done.
        UsageError: They cannot be compared.
    """
    ids = list(dict.fromkeys(runs))
    if not 1 <= len(ids) <= MOST:
        raise fs.UsageError(f"Choose two to {MOST} runs, or one run with several policies.")
    rows = tuple(jobs.get(desk, run) for run in ids)
    for row in rows:
        if row.state != "done" or row.kind == "explore":
            what = "is not done" if row.state != "done" else "is an exploration"
            raise fs.UsageError(f"The run {row.id} {what}: finished simulations can be compared.")
    pages = [keeping.page_of(desk.settings.runs / row.id) for row in rows]
    have = [dict(page["policies"]) for page in pages]
    first = have[0]
    there = [p for p in first if len(rows) == 1 or any(p in other for other in have[1:])]
    unknown = [p for p in policies if p not in there]
    if unknown:
        known = ", ".join(there) or "none"
        raise fs.UsageError(f"These runs do not share a policy '{unknown[0][:100]}'; they share {known}.")
    chosen = list(dict.fromkeys(policies)) or there
    if not chosen or (len(rows) == 1 and len(chosen) < 2):
        raise fs.UsageError("There is nothing to compare: the runs share no policy, or one policy is alone.")
    choice = _measures(pages)
    missing = [measure for measure in measures if measure not in choice]
    if missing or len(measures) > MEASURES:
        what = f"Not all of these runs have a measure '{missing[0][:100]}'." if missing else ""
        raise fs.UsageError(what or f"Choose fewer measures: a page shows {MEASURES} of them.")
    return Sides(
        rows,
        _labels(rows),
        tuple((p, first[p]) for p in chosen),
        tuple(dict.fromkeys(measures)),
        shared={p: first[p] for p in there},
        choice=choice,
    )


def _measures(pages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the measures that all runs have, by name with their titles."""
    titles = [{m["name"]: str(m["title"]) for m in page["choices"]["measures"]} for page in pages]
    return {name: title for name, title in titles[0].items() if all(name in other for other in titles[1:])}


def _labels(rows: Sequence[jobs.Run]) -> tuple[str, ...]:
    plain = [row.title or f"{row.case_name}, version {row.version}" for row in rows]
    return tuple(
        label if plain.count(label) == 1 else f"{label} ({row.id})" for label, row in zip(plain, rows, strict=True)
    )


def folder_of(desk: Desk, key: str) -> Path:
    """Return the folder of a kept comparison."""
    return desk.settings.store / "compared" / key


def made(desk: Desk, sides: Sides, wait: float | None = None) -> dict[str, Any] | None:
    """Return a comparison; it is made if nobody asked for it before.

    Args:
        desk: The desk.
        sides: What is set side by side.
        wait: Seconds to wait for it; as long as it takes if None.

    Returns:
        What was kept of its page, or None where it is not made yet.
    """
    folder = folder_of(desk, sides.key)
    if not (folder / "page.json").is_file():
        going = _begun(desk, sides, folder)
        try:
            going.result(wait)
        except TimeoutError:
            return None
    return _page(folder)


@lru_cache(maxsize=16)
def _page(folder: Path) -> dict[str, Any]:
    return keeping.page_of(folder)


_lock = threading.Lock()
_maker = ThreadPoolExecutor(1, "compare")
_going: dict[Path, Future[None]] = {}


def _begun(desk: Desk, sides: Sides, folder: Path) -> Future[None]:
    with _lock:
        going = _going.get(folder)
        if going is None:
            if len(_going) >= _WAITING:
                raise HTTPException(
                    503, "Many comparisons are being made. Try again in a minute.", {"Retry-After": "30"}
                )
            going = _going[folder] = _maker.submit(_make, desk, sides, folder)
            going.add_done_callback(lambda _: _going.pop(folder, None))
        return going


def _make(desk: Desk, sides: Sides, folder: Path) -> None:
    results = []
    for row in sides.rows:
        place = desk.settings.runs / row.id / keeping.RUN
        if not place.is_dir():
            raise NotHere("The files of this run are gone.")
        results.append(fs.load(place, futures=sides.measures or "headlines"))
    found = fs.comparison(_groups(sides, results), sides.measures)
    folder.mkdir(parents=True, exist_ok=True)
    more = {"rows": found.rows, "unpaired": found.unpaired, "inputs": _inputs(desk, sides)}
    keeping.parts_kept(fs.comparison_parts(found), folder, more)
    _fewer(folder.parent)


def _groups(sides: Sides, results: Sequence[fs.Result]) -> dict[str, list[fs.Side]]:
    """Return the sides by the title of the policy that they share; of one run, its policies under an empty title."""
    if len(results) == 1:
        return {"": [fs.Side(title, results[0], policy) for policy, title in sides.policies]}
    pairs = list(zip(sides.labels, results, strict=True))
    return {
        title: [fs.Side(label, result, policy) for label, result in pairs if policy in result.policies]
        for policy, title in sides.policies
    }


def _inputs(desk: Desk, sides: Sides) -> list[dict[str, Any]]:
    """Return in what each run's scenario differs from the first one's."""
    base, found = sides.rows[0], []
    drafts = [casebook.version_draft(desk, row.case_id, row.version) for row in sides.rows]
    for row, label, draft in list(zip(sides.rows, sides.labels, drafts, strict=True))[1:]:
        rows = differences.differences(drafts[0], draft)
        found.append(
            {
                "label": label,
                "same_case": row.case_id == base.case_id,
                "count": len(rows),
                "differences": [difference.model_dump() for difference in rows[:_INPUTS]],
            }
        )
    return found


def _fewer(place: Path) -> None:
    """Remove the comparisons that were made longest ago, if there are many."""
    folders = sorted((p for p in place.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in folders[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
