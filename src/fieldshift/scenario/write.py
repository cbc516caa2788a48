"""Write a scenario: a folder of YAML and tables, or one YAML file, that reads back equal."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as File
from typing import Any

import yaml

from fieldshift.errors import Problem, ScenarioError
from fieldshift.scenario.grids import amount_of
from fieldshift.scenario.marked import NOT_TEXT, Path, dotted
from fieldshift.scenario.observed import rows_text
from fieldshift.scenario.paths import place
from fieldshift.scenario.plain import plain
from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.tables import Table, sites_of, table_from

__all__ = ["finite", "replaced", "to_yaml", "write", "yaml_text"]

_LONG = 3
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")
_BREAKS = re.compile(r"[\x85\u2028\u2029\ufeff]")
_KEY = re.compile(r"-?(0|[1-9][0-9]{0,9})|[0-9]{4}-[0-9]{2}-[0-9]{2}")


def write(scenario: Scenario, folder: str | File) -> File:
    """Write a scenario so that `read` gives it back, and return where.

    A new folder appears whole or not at all. In a folder that is there already, each file is replaced whole,
    `scenario.yaml` last; other files stay.

    Args:
        scenario: Any scenario.
        folder: A folder for `scenario.yaml` and its tables, or the name of one `.yaml` file.

    Raises:
        ScenarioError: If a number in it is not finite.
    """
    target = File(folder)
    if target.suffix.lower() in (".yaml", ".yml"):
        replaced(target, to_yaml(scenario))
        return target
    files = _files(scenario)
    if target.is_dir() and any(target.iterdir()):
        for name, text in files.items():
            replaced(target / name, text)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    whole = File(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name, text in files.items():
            (whole / name).write_text(text, encoding="utf-8", newline="")
        whole.chmod(0o755)
        whole.replace(target)
    except BaseException:
        shutil.rmtree(whole, ignore_errors=True)
        raise
    return target


def to_yaml(scenario: Scenario) -> str:
    """Return a scenario as one YAML file, tables and all, in the dictionary's order."""
    return yaml_text(finite(scenario))


def replaced(file: File, text: str | bytes) -> File:
    """Write a file whole, or leave what was there, and return where."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text if isinstance(text, bytes) else text.encode("utf-8"))
        File(name).chmod(0o644)
        File(name).replace(file)
    except BaseException:
        File(name).unlink(missing_ok=True)
        raise
    return file


def finite(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as plain data; raises ScenarioError where a number in it is not finite."""
    data = plain(scenario)
    bad = [path for path, value in _leaves(data, ()) if isinstance(value, float) and not math.isfinite(value)]
    if bad:
        what = "a number that is not finite cannot be written"
        raise ScenarioError(Problem(place(scenario, path), dotted(path), what) for path in bad)
    return data


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, (*path, i))
    else:
        yield path, value


def _files(scenario: Scenario) -> dict[str, str]:
    """Return the files of a scenario's folder, `scenario.yaml` last."""
    data = finite(scenario)
    files: dict[str, str] = {}
    sites = data.get("sites", [])
    ids = [site.id for site in scenario.sites]
    for key, value in data.items():
        if key != "sites":
            data[key] = _with_tables(value, (key,), ids, files)
    if sites and (text := _sites_text(sites)) is not None:
        files["sites.csv"] = text
        data["sites"] = "sites.csv"
    files["scenario.yaml"] = yaml_text(data)
    return files


def _with_tables(value: Any, path: Path, ids: Sequence[str], files: dict[str, str]) -> Any:
    """Return plain data with each long number by site or date put into a table of its own."""
    if isinstance(value, list):
        return [_with_tables(item, (*path, i), ids, files) for i, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    name = f"{dotted(path)}.csv"
    taken = {"sites.csv", *(file.casefold() for file in files)}
    if path[0] == "history" and len(path) == 2 and _FILE.fullmatch(name) and name.casefold() not in taken:
        text = rows_text(value["rows"])
        if text is not None:
            files[name] = text
            return {"table" if key == "rows" else key: name if key == "rows" else item for key, item in value.items()}
    for form in ("sites", "grid"):
        if not isinstance(value.get(form), Mapping) or "set" in path or len(value[form]) < _LONG:
            continue
        text = _amount_text(form, value[form], ids)
        if text is not None and _FILE.fullmatch(name) and name.casefold() not in taken:
            files[name] = text
            kept = {key: item for key, item in value.items() if key != form}
            return {**kept, "table": name} if kept else name
    return {key: _with_tables(item, (*path, key), ids, files) for key, item in value.items()}


def _amount_text(form: str, given: Mapping[str, Any], ids: Sequence[str]) -> str | None:
    """Return the table of a number, or nothing where a table would not read back the same."""
    if form == "sites":
        rows = [["site", "value"], *([site, _cell(value)] for site, value in given.items())]
    else:
        if not all(isinstance(row, Mapping) and list(row) == list(ids) for row in given.values()):
            return None
        rows = [["date", *ids], *([date, *map(_cell, row.values())] for date, row in given.items())]
    table = table_from(text := _csv(rows), "")
    found = amount_of(table, ids)
    return text if not found.problems and found.data == {form: given} else None


def _sites_text(sites: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the table of sites, or nothing where a table would not read back the same."""
    columns: list[str] = list(dict.fromkeys(key for site in sites for key in site))
    order: list[str] = [key for key in ("id", "name", "lat", "lon", "region", "weight") if key in columns]
    order += [key for key in columns if key not in order]
    text = _csv([order, *([_cell(site.get(key, "")) for key in order] for site in sites)])
    table: Table = table_from(text, "")
    found = sites_of(table)
    same = not found.problems and found.data == [dict(site) for site in sites]
    return text if same and all(_alike(a, b) for a, b in zip(found.data, sites, strict=True)) else None


def _alike(read: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    return all(isinstance(read[key], bool) == isinstance(given[key], bool) for key in given)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def _csv(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - SafeDumper's own way to say it

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = '"' if _BREAKS.search(value) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _float(dumper: yaml.SafeDumper, value: float) -> yaml.Node:
    return dumper.represent_scalar("!number", _cell(value))


def _whole(dumper: yaml.SafeDumper, value: int) -> yaml.Node:
    return dumper.represent_scalar("!number", str(value))


def _bool(dumper: yaml.SafeDumper, value: bool) -> yaml.Node:
    return dumper.represent_scalar("!number", "true" if value else "false")


def _date(dumper: yaml.SafeDumper, value: dt.date) -> yaml.Node:
    return dumper.represent_scalar("!number", value.isoformat())


def _nothing(dumper: yaml.SafeDumper, _: None) -> yaml.Node:
    return dumper.represent_scalar("!number", "null")


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    flat = all(isinstance(item, str | int | float | bool) for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flat)


def _mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.Node:
    pairs = []
    for key, item in value.items():
        bare = _KEY.fullmatch(key)
        name = dumper.represent_scalar("!number", key) if bare else _string(dumper, key)
        pairs.append((name, dumper.represent_data(item)))
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not value)


_Dumper.add_implicit_resolver("!number", NOT_TEXT, None)
_Dumper.add_representer(str, _string)
_Dumper.add_representer(float, _float)
_Dumper.add_representer(int, _whole)
_Dumper.add_representer(bool, _bool)
_Dumper.add_representer(dt.date, _date)
_Dumper.add_representer(type(None), _nothing)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(dict, _mapping)


def yaml_text(data: Mapping[str, Any]) -> str:
    """Return plain data as YAML, with a line between parts that are more than a line."""
    blocks = [
        yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        for key, value in data.items()
    ]
    text = ""
    for block in blocks:
        text += ("\n" if text and block.count("\n") > 1 else "") + block
    return text
