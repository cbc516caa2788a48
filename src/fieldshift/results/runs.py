"""A run on disk: a folder with `run.json` and Parquet files, written whole or not at all.

| file | what is in it |
|---|---|
| `run.json` | format, versions, the whole scenario, seed, engine, axes, measures |
| `national.parquet` | mean and quantiles of the nation: a row for each policy, measure and date |
| `sites.parquet` | the same by site |
| `bound.parquet` | how often each limit and line of money bound, by period |
| `plan-NAME.parquet` | tables of the plan, where there is one: see `planned.TABLES` |
| `draws-N.parquet` | of the Nth policy: a column for each measure, a row for each date and future |

The format has a number. A folder of another number is refused: run the scenario in it again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from fieldshift.errors import Problem, RunError
from fieldshift.results import parquet
from fieldshift.results.axes import Axes, Entry, Facts
from fieldshift.results.bound import Bound, Tie
from fieldshift.results.collect import PolicyResult
from fieldshift.results.measures import Key
from fieldshift.results.planned import TABLES, Planned
from fieldshift.results.publish import DIGITS, tables
from fieldshift.results.quantiles import STATS
from fieldshift.results.result import Result
from fieldshift.results.tally import Array
from fieldshift.scenario.plain import plain
from fieldshift.scenario.schema import Scenario

__all__ = ["FORMAT", "export", "load", "save", "told_of"]

FORMAT = 1
"""Number of the folder's format: it grows with every change that an older Fieldshift cannot read."""

_MAIN = "run.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[-+][0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")
Place = str | Path


def save(result: Result, folder: Place, draws: Literal["all", "headlines"] = "all") -> Path:
    """Store a run in a folder, whole or not at all; the same run gives the same bytes.

    Args:
        result: The run.
        folder: Where; one that is there already is replaced, but only if it holds a run.
        draws: Whether the futures of all measures are stored, or of the headlines only (summaries always
            are).

    Returns:
        The folder.

    Raises:
        RunError: Something else is there, or it cannot be written.
    """
    target = Path(folder)
    kept = {e.key for e in result.entries}
    if draws == "headlines":
        kept = {entry.key for entry, _ in result.chosen_headlines()}
    with _Written(target) as room:
        frames = _frames(result, kept)
        with ThreadPoolExecutor(min(len(frames), os.cpu_count() or 1)) as pool:
            list(pool.map(parquet.write, frames.values(), [room / name for name in frames]))
        (room / _MAIN).write_text(_text(_described(result)), encoding="utf-8", newline="\n")
    return target


def load(folder: Place, futures: Literal["all", "headlines"] | Sequence[str] = "all") -> Result:
    """Read a stored run.

    Args:
        folder: The run.
        futures: Whether all of it is read; or of the futures those of the headlines only, or of some measures such as
            `field` or `backlog.docket`, and nothing by site.

    Raises:
        RunError: It is none, is damaged, or is of another format.
        UsageError: A measure was not kept.
    """
    place = Path(folder)
    told = told_of(place)
    try:
        return _restored(place, told, futures)
    except (KeyError, ValueError, TypeError, OSError, parquet.Damaged) as error:
        raise RunError(f"{place}: the run is damaged: {error}") from error


def export(result: Result, folder: Place, suppress: int | None = None) -> list[Path]:
    """Write a run as CSV files for others, with `measures.csv` to explain them.

    Numbers have nine digits, by which the values that a run keeps (32-bit floats) are told apart.

    A spreadsheet takes what begins with `=`, `+`, `-` or `@` for a formula and runs it. A text that begins so (an id or
    a title may) is written with an apostrophe before it; numbers stay numbers. The Parquet form holds texts as they
    are.

    Args:
        result: The run.
        folder: Where; files of the same names are replaced.
        suppress: Hide counts under this number and what would give them away; see `publish`.

    Returns:
        The files.

    Raises:
        UsageError: `suppress` is below 2.
        RunError: The files cannot be written.
    """
    place = Path(folder)
    written = []
    found = tables(result, suppress)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, frame in found.items():
            file = place / f"{name}.csv"
            shown = _no_formulas(frame)
            shown.to_csv(file, index=False, lineterminator="\n", float_format=f"%{DIGITS}", date_format="%Y-%m-%d")
            written.append(file)
    except OSError as error:
        raise RunError(f"cannot write to {place}: {error.strerror or error}") from error
    return written


def _no_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text is a formula to a spreadsheet; a number written as text is none."""
    columns = frame.select_dtypes(exclude=["number", "bool", "datetime"]).columns
    return frame.assign(**{name: frame[name].map(_told_as_text) for name in columns})


def _told_as_text(value: object) -> object:
    risky = isinstance(value, str) and value.startswith(_FORMULA) and not _NUMBER.fullmatch(value)
    return f"'{value}" if risky else value


# ------------------------------------------------------------------------------------- writing


class _Written:
    """A temporary sibling that takes a folder's place when all is written, and vanishes otherwise."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        target = self._target
        if target.exists() and not (target / _MAIN).is_file() and not _empty(target):
            raise RunError(f"{target} holds something that is not a run: choose another folder")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._room = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
            self._room.chmod(0o755)
        except OSError as error:
            raise RunError(f"cannot write to {target.parent}: {error.strerror or error}") from error
        return self._room

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            shutil.rmtree(self._room, ignore_errors=True)
            if isinstance(error, OSError):
                raise RunError(f"cannot write {self._target}: {error.strerror or error}") from error
            return
        old = self._room.with_name(f"{self._room.name}-old")
        if self._target.exists():
            self._target.replace(old)
        self._room.replace(self._target)
        shutil.rmtree(old, ignore_errors=True)


def _empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _frames(result: Result, kept: Iterable[Key]) -> dict[str, pd.DataFrame]:
    """Return the tables of a run by file name."""
    wanted = set(kept)
    nation = {(p, *k): v[:, :, None] for p, part in result.parts.items() for k, v in part.nation.items()}
    sites = {(p, *k): v for p, part in result.parts.items() for k, v in part.sites.items()}
    found = {"national.parquet": _summary(nation), "sites.parquet": _summary(sites)}
    bounds = [_bound_frame(policy, part.bound) for policy, part in result.parts.items()]
    found["bound.parquet"] = pd.concat(bounds, ignore_index=True)
    if result.planned is not None:
        found |= {f"plan-{name}.parquet": frame for name, frame in result.planned.tables().items()}
    for n, part in enumerate(result.parts.values()):
        values = {k: v for k, v in part.draws.items() if k in wanted}
        longest = max((v.shape[0] for v in values.values()), default=0)
        columns = {_column(k): _padded(v, longest) for k, v in values.items()}
        if columns:
            found[f"draws-{n}.parquet"] = pd.DataFrame(columns)
    return found


def _column(key: Key) -> str:
    return ".".join(key) if key[1] else key[0]


def _padded(values: Array, times: int) -> Array:
    """Return values by date and future in one row; a measure of periods ends in zeros."""
    more = np.zeros((times - values.shape[0], values.shape[1]), values.dtype)
    return np.concatenate([values, more]).ravel()


def _summary(data: Mapping[tuple[str, str, str], Array]) -> pd.DataFrame:
    """Return summaries (8, time, S) in long form: policy, measure, of, time, site (a number), statistics."""
    pieces: dict[str, list[Array]] = {n: [] for n in ("policy", "measure", "of", "time", "site", *STATS)}
    for words, values in data.items():
        times, sites = values.shape[1:]
        for name, word in zip(("policy", "measure", "of"), words, strict=True):
            pieces[name].append(np.full(times * sites, word, object))
        pieces["time"].append(np.repeat(np.arange(times, dtype=np.int32), sites))
        pieces["site"].append(np.tile(np.arange(sites, dtype=np.int32), times))
        for name, stat in zip(STATS, values.reshape(len(STATS), -1), strict=True):
            pieces[name].append(stat)
    return pd.DataFrame({name: np.concatenate(p) if p else np.zeros(0) for name, p in pieces.items()})


def _bound_frame(policy: str, bound: Bound) -> pd.DataFrame:
    times, count = bound.share.shape
    return pd.DataFrame(
        {
            "policy": np.full(times * count, policy, object),
            "time": np.repeat(np.arange(times, dtype=np.int32), count),
            "tie": np.tile(np.arange(count, dtype=np.int32), times),
            "share": bound.share.ravel(),
            "first": bound.first.ravel(),
            "lead": bound.lead.ravel(),
        }
    )


def _described(result: Result) -> dict[str, Any]:
    """Return what stands in `run.json`."""
    facts = dataclasses.asdict(result.facts)
    return {
        "format": FORMAT,
        "name": result.name,
        "platform": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "facts": facts | {"versions": dict(result.facts.versions)},
        "policies": [_policy_told(result, policy) for policy in result.policies],
        "axes": dataclasses.asdict(result.axes),
        "measures": [dataclasses.asdict(entry) for entry in result.entries],
        "scenario": None if result.scenario is None else plain(result.scenario),
        "plan": None if result.planned is None else {"facts": result.planned.facts, "says": result.planned.says},
    }


def _policy_told(result: Result, policy: str) -> dict[str, Any]:
    part = result.parts[policy]
    ties = [dataclasses.asdict(tie) for tie in part.bound.ties]
    return {"name": policy, "title": result.titles[policy], "site_futures": part.site_futures, "ties": ties}


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, indent=1, ensure_ascii=False, default=_iso) + "\n"


def _iso(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot be stored")


# ------------------------------------------------------------------------------------- reading


def told_of(place: Path) -> dict[str, Any]:
    """Return what a stored run says of itself, `run.json`; raises RunError where there is none that can be read."""
    try:
        told = json.loads((place / _MAIN).read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{place} holds no run: there is no {_MAIN} to read in it") from error
    except ValueError as error:
        raise RunError(f"{place}: {_MAIN} is damaged: {error}") from error
    number = told.get("format") if isinstance(told, dict) else None
    if number != FORMAT:
        age = "a newer" if isinstance(number, int) and number > FORMAT else "an older"
        raise RunError(
            f"{place} was stored by {age} Fieldshift (format {number}, this one reads {FORMAT}): "
            "run its scenario again, or use that version"
        )
    return dict(told)


def _restored(place: Path, told: Mapping[str, Any], futures: str | Sequence[str]) -> Result:
    whole = futures == "all"
    policies: Sequence[Mapping[str, Any]] = told["policies"]
    entries = tuple(Entry(**{**e, "key": (e["key"][0], e["key"][1])}) for e in told["measures"])
    given = told["axes"]
    instants = tuple(dt.date.fromisoformat(day) for day in given["instants"])
    lists: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    axes = Axes(**lists | {"instants": instants})
    known = told["facts"]
    problems = tuple(Problem(**p) for p in known["problems"])
    facts = Facts(**known | {"versions": tuple(known["versions"].items()), "problems": problems})
    nation = _read_summary(place / "national.parquet")
    sites = _read_summary(place / "sites.parquet") if whole else {}
    bound = parquet.read(place / "bound.parquet")
    parts = {}
    for policy in policies:
        name = policy["name"]
        parts[name] = PolicyResult(
            {},
            {(m, of): v[:, :, 0] for (p, m, of), v in nation.items() if p == name},
            {(m, of): v for (p, m, of), v in sites.items() if p == name},
            policy["site_futures"],
            _read_bound(bound[bound["policy"] == name], policy["ties"]),
        )
    scenario = None if told["scenario"] is None else Scenario.model_validate(told["scenario"])
    titles = {p["name"]: p["title"] for p in policies}
    planned = None if told.get("plan") is None else _read_plan(place, told["plan"])
    found = Result(told["name"], tuple(parts), titles, parts, entries, axes, facts, scenario, None, planned)
    if whole:
        wanted = entries
    elif isinstance(futures, str):
        wanted = tuple(dict.fromkeys(entry for entry, _ in found.chosen_headlines()))
    else:
        wanted = tuple(dict.fromkeys(entry for name in futures for entry in found.find(name)))
    how = wanted, facts.draws, len(instants)
    files = [place / f"draws-{n}.parquet" for n in range(len(parts))]
    filled = {
        name: dataclasses.replace(part, draws=_read_draws(file, how, whole))
        for (name, part), file in zip(parts.items(), files, strict=True)
    }
    return dataclasses.replace(found, parts=filled)


def _read_plan(place: Path, told: Mapping[str, Any]) -> Planned:
    files = {name: place / f"plan-{name}.parquet" for name in TABLES}
    found = {name: parquet.read(file) for name, file in files.items() if file.is_file()}
    empty = {name: pd.DataFrame() for name in TABLES if name not in found}
    says = {subject: tuple(sentences) for subject, sentences in told["says"].items()}
    return Planned(told["facts"], says, **found, **empty)


def _read_summary(path: Path) -> dict[tuple[str, str, str], Array]:
    frame = parquet.read(path)
    found = {}
    for words, rows in frame.groupby(["policy", "measure", "of"], sort=False):
        times, sites = int(rows["time"].max()) + 1, int(rows["site"].max()) + 1
        policy, measure, of = words
        stats = rows[list(STATS)].to_numpy(np.float32).T
        found[str(policy), str(measure), str(of)] = stats.reshape(len(STATS), times, sites)
    return found


def _read_draws(path: Path, how: tuple[Sequence[Entry], int, int], whole: bool) -> dict[Key, Array]:
    entries, draws, instants = how
    if not path.is_file():
        return {}
    frame = parquet.read(path, columns=None if whole else [_column(entry.key) for entry in entries])
    found: dict[Key, Array] = {}
    for entry in entries:
        column = _column(entry.key)
        if column in frame:
            values = frame[column].to_numpy().reshape(-1, draws)
            found[entry.key] = values[: instants - (not entry.instant)]
    return found


def _read_bound(rows: pd.DataFrame, ties: Sequence[Mapping[str, Any]]) -> Bound:
    shape = (-1, len(ties)) if ties else (0, 0)
    share, first, lead = (rows[n].to_numpy(np.float32).reshape(shape) for n in ("share", "first", "lead"))
    return Bound(tuple(Tie(**tie) for tie in ties), share, first, lead)
