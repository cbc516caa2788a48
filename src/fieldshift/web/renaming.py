"""Renaming a part of a scenario, where that is safe: whoever names it in a field for names is renamed along."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import fieldshift as fs
from fieldshift.web.casebook import Work
from fieldshift.web.differences import Way, title_of
from fieldshift.web.edits import free_name
from fieldshift.web.forms import kind_of_part

__all__ = ["renamed"]

_PROSE = frozenset(
    {"title", "about", "note", "source", "tested", "name", "job", "duty", "kind", "unit", "group", "as_of", "rule"}
)
_SHOWN = 4


def renamed(work: Work, path: str, name: str) -> fs.Draft:
    """Return a draft in which a part has another name, and all that refer to it by name say the new one.

    Args:
        work: The scenario in work.
        path: The part: `stocks.desk`.
        name: Its new name.

    Raises:
        UsageError: The name is none or is taken, or the part is named in a formula or a path, where only a person can
            tell what is meant.
    """
    way, name = work.draft.way(path), name.strip()
    section, old = str(way[0]), str(way[-1])
    parts = work.draft.at(way[:1])
    if len(way) != 2 or not kind_of_part(section).named or not isinstance(parts, Mapping) or old not in parts:
        raise fs.UsageError(f"'{path}' is no part with a name of its own")
    free_name(name, parts)
    draft = work.draft.with_value((section,), {name if key == old else key: part for key, part in parts.items()})
    for field in _fields_for(draft, section):
        value = draft.at(field)
        draft = draft.with_value(field, _instead(value, old, name))
    left = [title_of(draft, spot) for spot in _mentions(draft.data, (), old)]
    if left:
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        raise fs.UsageError(f"'{old}' is named in {'; '.join(left[:_SHOWN])}{more}: change that first")
    return draft


def _fields_for(draft: fs.Draft, section: str) -> Iterator[Way]:
    """Yield the way to every field that may name a part of a collection and says something."""
    for kind in fs.dictionary():
        fields = [field for field in kind.fields if section in field.refers]
        for part in _parts(draft, kind) if fields else ():
            for field in fields:
                way = (*part, *field.path.split("."))
                if draft.at(way) is not None:
                    yield way


def _parts(draft: fs.Draft, kind: fs.PartKind) -> Iterator[Way]:
    if kind.key == "scenario":
        yield ()
    elif kind.within:
        last = kind.key.split(".")[-1]
        for owner in _inside(draft, (kind.within,)):
            yield from _inside(draft, (*owner, last))
    else:
        yield from _inside(draft, (kind.key,))


def _inside(draft: fs.Draft, way: Way) -> Iterator[Way]:
    found = draft.at(way)
    if isinstance(found, Mapping):
        yield from ((*way, str(key)) for key in found)
    elif isinstance(found, list):
        yield from ((*way, i) for i in range(len(found)))


def _instead(value: Any, old: str, new: str) -> Any:
    """Return what a field for names says with one name in place of another: a name, a list, names with shares."""
    if isinstance(value, list):
        return [_instead(item, old, new) for item in value]
    if isinstance(value, Mapping):
        return {_instead(key, old, new): item for key, item in value.items()}
    if isinstance(value, str) and (value == old or value.startswith(f"{old}.")):
        return new + value[len(old) :]
    return value


def _mentions(node: Any, way: Way, name: str) -> Iterator[Way]:
    """Yield where a name still stands as a word of its own, in a value or a key, text for readers aside."""
    word = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")
    if isinstance(node, Mapping):
        for key, item in node.items():
            if len(way) > 1 and str(key) in _PROSE:
                continue
            if len(way) > 1 and word.search(str(key)):
                yield (*way, str(key))
            else:
                yield from _mentions(item, (*way, str(key)), name)
    elif isinstance(node, list):
        for i, item in enumerate(node):
            yield from _mentions(item, (*way, i), name)
    elif isinstance(node, str) and len(way) > 1 and word.search(node):
        yield way
