"""Read a scenario: a folder, a YAML file, a workbook, or a shipped case; all its problems are told at once."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path as File
from typing import Any, get_args

from pydantic import ValidationError

from fieldshift.errors import Problem, ScenarioError, UsageError
from fieldshift.scenario.grids import amount_of
from fieldshift.scenario.identity import COUNTS_ONLY, personal_column
from fieldshift.scenario.marked import Marked, Path, dotted, marked
from fieldshift.scenario.observed import rows_of
from fieldshift.scenario.overlay import lay, lay_at, placed
from fieldshift.scenario.paths import Places, nearest, problem_at, table_paths, unsaid
from fieldshift.scenario.plain import plain
from fieldshift.scenario.schema import COLLECTIONS, Scenario
from fieldshift.scenario.tables import Table, parts_of, read_table, sites_of
from fieldshift.scenario.wording import worded
from fieldshift.scenario.workbook_file import MAX_BYTES
from fieldshift.scenario.workbook_in import in_order, sheet_named, workbook_of

__all__ = ["cases", "digest", "from_yaml", "overlaid", "read"]

_YAML = (".yaml", ".yml")
_MAIN = "scenario.yaml"
_WORKBOOK = ".xlsx"
_MOST = 2_000_001
"""Bytes of a YAML file that are looked at: one more than it may have."""
Overlay = str | File | Mapping[str, Any]


def _without(error: ValidationError, found: Marked) -> Scenario | None:
    """Return the scenario without the entries that could not be read, or None where more than that is wrong."""
    data = copy.deepcopy(found.data)
    for problem in error.errors():
        at: Any = data
        steps: list[tuple[Any, Any]] = []
        for key in problem["loc"]:
            inside = (isinstance(at, dict) and key in at) or (
                isinstance(at, list) and isinstance(key, int) and key < len(at)
            )
            if inside:
                steps.append((at, key))
                at = at[key]
        if len(steps) < 3 or not isinstance(steps[-1][0], dict) or problem["type"] == "missing":
            return None
        steps[-1][0].pop(steps[-1][1])
    try:
        scenario = Scenario.model_validate(data)
    except (ValidationError, RecursionError):
        return None
    scenario._places = Places(found.places)
    return scenario


def cases() -> tuple[str, ...]:
    """Return the names of the shipped cases."""
    folder = resources.files("fieldshift") / "cases"
    return tuple(sorted(case.name for case in folder.iterdir() if (case / _MAIN).is_file()))


def read(
    path: str | File,
    overlay: Overlay | Sequence[Overlay] = (),
    set: str | Mapping[str, Any] | Sequence[str] = (),
) -> Scenario:
    """Read a scenario with everything in it: no file is needed afterwards.

    Args:
        path: A folder (`scenario.yaml`, or several YAML files with different keys, and tables), a YAML file, an
            Excel workbook (`.xlsx`), or the name of a shipped case.
        overlay: YAML files or mappings laid over it in turn: mappings merge, lists replace, `null` removes.
        set: Single values by path, laid over last: `resources.seats.cap=30 seat`.

    Raises:
        ScenarioError: With every problem found, each with its place.
        UsageError: If there is no such scenario.
    """
    with _found(path) as (file, shown):
        draft = _Draft(file if file.is_dir() else file.parent)
        draft.base(file, shown)
        for over in (overlay,) if isinstance(overlay, str | File | Mapping) else overlay:
            draft.overlay(over)
        draft.set(set)
        return draft.finished()


def from_yaml(text: str, place: str = "scenario.yaml") -> Scenario:
    """Return the scenario that a YAML text holds whole, such as one of `to_yaml`: it can name no file.

    Args:
        text: The text.
        place: What the places of problems call it.

    Raises:
        ScenarioError: With every problem found, each with its place.
    """
    draft = _Draft(None)
    draft.join(draft.parsed(text.encode()[:_MOST], place), place)
    return draft.finished()


def overlaid(scenario: Scenario, changes: Mapping[str, Any], place: str = "--set") -> Scenario:
    """Return a new scenario with some values changed, validated again.

    Args:
        scenario: Any scenario; it stays as it is.
        changes: Values by dotted path (`resources.seats.cap`), or nested mappings; `null` removes.
        place: Where the changes were written, for messages.

    Raises:
        ScenarioError: If a path leads nowhere or the changed scenario is not one.
    """
    draft = _Draft(None)
    draft.found = Marked(plain(scenario), dict(scenario._places))
    lay(draft.found, placed(dict(changes), place))
    return draft.finished()


def digest(scenario: Scenario) -> str:
    """Return a fingerprint of all that a scenario says: equal scenarios have equal ones."""
    text = json.dumps(_canonical(plain(scenario)), sort_keys=True, ensure_ascii=True, allow_nan=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else repr(value)
    return value


@contextmanager
def _found(path: str | File) -> Iterator[tuple[File, str]]:
    """Give the file or folder that a path or the name of a case stands for, and its name for places."""
    file = File(path)
    if file.is_dir() or (file.is_file() and file.suffix.lower() in (*_YAML, _WORKBOOK)):
        yield file, str(path).rstrip("/")
    elif file.exists():
        raise UsageError(f"cannot read '{path}': a scenario is a folder, a .yaml file or an .xlsx workbook")
    elif str(path) in cases():
        with resources.as_file(resources.files("fieldshift") / "cases" / str(path)) as folder:
            yield folder, str(path)
    else:
        hint = nearest(str(path), cases(), "shipped cases")
        raise UsageError(f"there is no scenario '{path}' ({hint})")


class _Draft:
    """A scenario while it is read: plain data with places, and the folder of each file."""

    def __init__(self, folder: File | None) -> None:
        self.found = Marked({})
        self.folder = folder
        self.prefix = ""
        self.broken = False
        self.folders: dict[str, tuple[File, str]] = {}
        self.sheets: dict[str, Table] | None = None

    @property
    def problems(self) -> list[Problem]:
        return self.found.problems

    def base(self, file: File, shown: str) -> None:
        """Read the scenario's own files."""
        if file.suffix.lower() == _WORKBOOK and not file.is_dir():
            self._workbook(file, shown)
            return
        self.prefix = f"{shown}/" if file.is_dir() else shown.removesuffix(file.name)
        if not file.is_dir():
            self.join(self._yaml(file, shown), shown)
            return
        files = [file / _MAIN] if (file / _MAIN).exists() else sorted(p for p in file.iterdir() if p.suffix in _YAML)
        self.broken = not files
        if not files:
            self.problems.append(Problem(shown, "", "there is no scenario in this folder", f"it needs a {_MAIN}"))
        for one in files:
            label = f"{shown}/{one.name}"
            if one.resolve().is_relative_to(file.resolve()):
                self.join(self._yaml(one, label), label)
            else:
                self.problems.append(Problem(f"{label}:1:1", "", "leads outside the scenario's folder"))

    def overlay(self, over: Overlay) -> None:
        """Lay a file or a mapping over what was read."""
        if isinstance(over, Mapping):
            lay(self.found, self._expanded(placed(dict(over), "overlay")))
            return
        file = File(over)
        if file.suffix.lower() == _WORKBOOK:
            raise UsageError(f"cannot lay '{over}' over a scenario: an overlay is a .yaml file")
        if not file.is_file():
            raise UsageError(f"there is no overlay '{over}'")
        lay(self.found, self._expanded(self._yaml(file, str(over))))

    def set(self, given: str | Mapping[str, Any] | Sequence[str]) -> None:
        """Lay single values over what was read."""
        if isinstance(given, Mapping):
            for path, value in given.items():
                lay_at(self.found, str(path), self._expanded(placed(value, "--set")))
            return
        for text in (given,) if isinstance(given, str) else given:
            path, mark, value = text.partition("=")
            if not mark:
                what = f"expected path=value, got '{text}'"
                self.problems.append(Problem("--set", "", what, "such as resources.seats.cap=30"))
                continue
            over = marked(value.strip(), "--set")
            over.problems[:] = [Problem("--set", path.strip(), p.what, p.hint) for p in over.problems]
            over.places = dict.fromkeys(over.places, "--set") | {(): "--set"}
            over.keys = dict.fromkeys(over.keys, "--set")
            lay_at(self.found, path, over)

    def finished(self) -> Scenario:
        """Read the tables of numbers, validate, and give the scenario or raise all problems."""
        if self.broken:
            raise ScenarioError(_sorted(self.problems))
        self._expanded(self.found)
        self._no_identity()
        sites = [str(s.get("id", "")) if isinstance(s, Mapping) else str(s) for s in self._sites()]
        for path, name in table_paths(self.found.data, Scenario):
            self._resolve(path, name, sites)
        self._observe()
        readable: Scenario | None = None
        try:
            scenario = Scenario.model_validate(self.found.data)
        except ValidationError as error:
            readable = _without(error, self.found)
            told = {(problem.where, problem.path) for problem in self.problems}
            more = worded(error, self.found)
            self.problems.extend(problem for problem in more if (problem.where, problem.path) not in told)
        except RecursionError:
            self.problems.append(Problem("scenario", "", "nested too deep"))
        else:
            scenario._places = Places(self.found.places)
            for path, meaning in unsaid(scenario):
                what = f"'{path[-1]}' is missing"
                self.problems.append(problem_at(scenario, path[:-1], what, meaning))
        if self.problems:
            raise ScenarioError(_sorted(self.problems), readable)
        return scenario

    def _sites(self) -> list[Any]:
        given = self.found.data.get("sites")
        return given if isinstance(given, list) else []

    def _yaml(self, file: File, label: str) -> Marked:
        self.folders[label] = (file.parent, label.removesuffix(file.name))
        try:
            return self.parsed(_limited(file), label)
        except OSError as error:
            return Marked({}, problems=[Problem(f"{label}:1:1", "", "cannot be read", error.strerror or "")])

    def parsed(self, raw: bytes, label: str) -> Marked:
        """Return what a YAML file says, with places; one that says nothing is a problem."""
        found = marked(raw, label)
        if found.data is None and not found.problems:
            found.problems.append(Problem(f"{label}:1:1", "", "the file is empty"))
        return found

    def _workbook(self, file: File, shown: str) -> None:
        """Read the sheets of a workbook; numbers name those that are their tables."""
        self.folder = None
        try:
            with file.open("rb") as stream:
                self.found, self.sheets = workbook_of(stream.read(MAX_BYTES + 1), shown)
        except OSError as error:
            self.problems.append(Problem(shown, "", "cannot be read", error.strerror or ""))
        self.broken = bool(self.problems) and not self.found.data

    def join(self, found: Marked, label: str) -> None:
        """Add a file's keys to those of the files before it."""
        self.problems.extend(found.problems)
        found.problems = []
        if not isinstance(found.data, dict):
            self.broken = True
            if found.data is not None:
                self.problems.append(
                    Problem(f"{label}:1:1", "", "a scenario must be a mapping", "such as `name: My case`")
                )
            return
        for key in found.data:
            if key in self.found.data:
                what, first = f"the key '{key}' stands in two files", self.found.keys.get((key,), "")
                self.problems.append(Problem(found.keys[(key,)], "", what, f"first at {first}"))
        expanded = self._expanded(found)
        self.problems.extend(expanded.problems)
        self.found.data = {**expanded.data, **self.found.data}
        self.found.places = {**expanded.places, **self.found.places}
        self.found.keys = {**expanded.keys, **self.found.keys}

    def _expanded(self, found: Marked) -> Marked:
        """Read the tables that stand for whole lists of parts."""
        for key, value in list(found.data.items()) if isinstance(found.data, dict) else ():
            listed = key == "sites" or key in COLLECTIONS
            if not (listed and isinstance(value, str) and value.lower().endswith(".csv")):
                continue
            table = self._table(value, found.places.get((key,), ""), key)
            inner = sites_of(table) if key == "sites" else parts_of(table, _model(key))
            found.data[key] = inner.data
            found.problems.extend(inner.problems)
            found.places.update({(key, *p): at for p, at in inner.places.items()})
            found.keys.update({(key, *p): at for p, at in inner.keys.items()})
        return found

    def _table(self, name: str, place: str, path: str) -> Table:
        label = place.rsplit(":", 2)[0] if place.count(":") >= 2 else place
        folder, prefix = self.folders.get(label, (self.folder, self.prefix))
        if folder is None and self.sheets is not None:
            return sheet_named(self.sheets, name, place, path)
        if folder is None:
            return Table(
                name,
                problems=[Problem(place, path, f"no folder to read the table '{name}' from", "read() it")],
            )
        table = read_table(folder, name, f"{prefix}{name}", place, path)
        self.folders[table.label] = (folder, prefix)
        return table

    def _resolve(self, path: Path, name: str, sites: list[str]) -> None:
        """Put a number's table in the place of its name."""
        place = self.found.places.get(path, self.found.places.get((*path, "table"), ""))
        table = self._table(name, self.found.places.get((*path, "table"), place), dotted(path))
        inner = amount_of(table, sites)
        self.problems.extend(inner.problems)
        node: Any = self.found.data
        for part in path[:-1]:
            if isinstance(node[part], str):
                node[part] = {path[-1]: node[part]}
            node = node[part]
        given = node[path[-1]]
        kept = {k: v for k, v in given.items() if k != "table"} if isinstance(given, Mapping) else {}
        node[path[-1]] = {**kept, **inner.data} if inner.data else {**kept, "value": 0}
        self.found.places.update({(*path, *p): at for p, at in inner.places.items()})

    def _observe(self) -> None:
        """Put the rows of each observed series' table in the place of its name."""
        given = self.found.data.get("history")
        for name, series in given.items() if isinstance(given, Mapping) else ():
            if not isinstance(series, dict) or not isinstance(series.get("table"), str):
                continue
            path: Path = ("history", name)
            table = self._table(series["table"], self.found.places.get((*path, "table"), ""), dotted(path))
            inner = rows_of(table, series)
            self.problems.extend(inner.problems)
            if inner.data and "rows" not in series:
                given[name] = {k: v for k, v in series.items() if k not in ("table", "column")} | {"rows": inner.data}
                self.found.places.update({(*path, "rows", *p): at for p, at in inner.places.items()})

    def _no_identity(self) -> None:
        """Refuse attributes of sites that look like a person's."""
        told: list[str] = []
        for i, site in enumerate(self._sites()):
            for key in site if isinstance(site, Mapping) else ():
                if key not in told and personal_column(str(key)):
                    told.append(key)
                    where = self.found.keys.get(("sites", i, key), self.found.places.get(("sites",), ""))
                    what = f"'{key}' looks like a person's identity"
                    self.problems.append(Problem(where, dotted(("sites", i)), what, COUNTS_ONLY))


def _limited(file: File) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_MOST)


def _model(key: str) -> Any:
    return get_args(Scenario.model_fields[key].annotation)[1]


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=in_order)
