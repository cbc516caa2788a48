"""What may be done to a scenario in work: each function returns it changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import fieldshift as fs
from fieldshift.web.casebook import Work
from fieldshift.web.differences import Way, dotted
from fieldshift.web.forms import kind_of_part
from fieldshift.web.levers import LeverView, levers_of
from fieldshift.web.typed import brought_back, is_value, number_of, with_typed

__all__ = [
    "attribute_added",
    "free_name",
    "part_added",
    "removed",
    "undone",
    "with_texts",
    "with_values",
]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NEW: Mapping[str, Any] = {"policies.rules": {"rule": "schedule"}, "goals": {"least": "cost"}}


def with_texts(work: Work, texts: Iterable[tuple[str, str]]) -> fs.Draft:
    """Return a draft with what the fields of a form say.

    Args:
        work: The scenario in work.
        texts: Names and texts of the fields: `f:PATH` is what is written at a path, `lever:NAME` the number of a
            lever in its own unit; others are left alone.
    """
    draft, given = work.draft, list(texts)
    levers = {lever.name: lever for lever in levers_of(work)}
    said = {ways: text for name, text in given if (ways := _said_anew(work, name, text))}
    for name, text in given:
        sort, _, rest = name.partition(":")
        if sort == "f" and rest:
            way = draft.way(rest)
            if is_value(draft, way):
                beside = {str(other[-1]) for other in said if other[:-1] == way[:-1]}
                draft = with_typed(work.saved, draft, way, text.replace("\r\n", "\n"), beside)
            elif way in said:  # a page without scripts sends all its fields, with what stood there when it was made
                draft = draft.with_text(way, text)
        elif sort == "lever" and rest in levers and text.strip():
            draft = _moved(work, draft, levers[rest], text.strip())
    return draft


def _said_anew(work: Work, name: str, text: str) -> Way:
    """Return the way of a field whose text is not what stands there already, else nothing."""
    if not name.startswith("f:") or name == "f:":
        return ()
    way = work.draft.way(name[2:])
    return way if text.replace("\r\n", "\n") != work.draft.text(way) else ()


def _moved(work: Work, draft: fs.Draft, lever: LeverView, text: str) -> fs.Draft:
    """Return a draft with a lever moved: the number is then exact, and an assumption of whoever moved it."""
    number = number_of(text)
    if number is not None and number == lever.value:
        return draft
    way = draft.way(lever.path)
    if number is not None and number == lever.base_value:
        return draft.with_value(way, work.base.at(way))
    said: Any = f"{text} {lever.unit}" if lever.unit else text if number is None else number
    return draft.with_value(way, {"value": said, "assumption": True})


def with_values(work: Work, values: Mapping[str, Any]) -> fs.Draft:
    """Return a draft with values laid at paths; None removes."""
    draft = work.draft
    for path, value in values.items():
        draft = draft.with_value(draft.way(path), value)
    return draft


def undone(work: Work, path: str, to: Literal["saved", "base"]) -> fs.Draft:
    """Return a draft that says at a path again what its version or the first version says.

    Args:
        work: The scenario in work.
        path: The path; empty for everything.
        to: Whether the version that the draft changes is meant, or the first.
    """
    old = work.saved if to == "saved" else work.base
    if not path:
        return old
    way = work.draft.way(path)
    before = old.at(way)
    if before is None and isinstance(way[-1], int):
        raise fs.UsageError("an entry of a list is removed, not undone")
    if is_value(work.draft, way):
        return brought_back(work.draft, old, way)
    return work.draft.with_value(way, before)


def part_added(work: Work, at: str, name: str) -> tuple[fs.Draft, str]:
    """Return a draft with a new, empty part or entry, and the path to it.

    Args:
        work: The scenario in work.
        at: The collection or list: `stocks`, `choices.hire.stages`, `needs.field.need.dates`.
        name: Its name, its id, its date; not used for entries of lists without names.

    Raises:
        UsageError: The name is taken or is none, or nothing can be added there.
    """
    way, name = work.draft.way(at), name.strip()
    there = work.draft.at(way)
    if way[-1] in ("sites", "dates", "years", "grid", "of") and len(way) > 1:
        return _value_added(work, way, name)
    if way == ("sites",):
        names = [str(site.get("id")) for site in there or () if isinstance(site, Mapping)]
        _free(name, names, bool(name))
        return work.draft.with_value((*way, len(names)), {"id": name}), f"sites.{name}"
    if len(way) == 1 and kind_of_part(str(way[0])).named:
        free_name(name, there or {})
        return work.draft.with_value((*way, name), {}), f"{at}.{name}"
    key = f"{way[0]}.{way[-1]}" if len(way) > 1 else str(way[0])
    listed = there if isinstance(there, list) else []
    new = _NEW.get(key) or ({"name": f"stage_{len(listed) + 1}"} if key == "choices.stages" else {})
    return work.draft.with_value(way, [*listed, new]), f"{at}.{len(listed)}"


def attribute_added(work: Work, name: str, text: str) -> fs.Draft:
    """Return a draft in which every site has one more attribute, a column of its table.

    Args:
        work: The scenario in work.
        name: The attribute.
        text: What it is everywhere, until somebody says it site by site.

    Raises:
        UsageError: There are no sites, or they have it already.
    """
    name, sites = name.strip(), work.draft.at(("sites",))
    listed = [site for site in sites if isinstance(site, Mapping)] if isinstance(sites, list) else []
    if not listed:
        raise fs.UsageError("there are no sites")
    free_name(name, {str(key) for site in listed for key in site})
    draft = work.draft
    for site in listed:
        draft = draft.with_text(("sites", str(site.get("id")), name), text.strip() or "0")
    return draft


def free_name(name: str, taken: Iterable[str]) -> None:
    """Refuse what cannot be the name of a new part.

    Raises:
        UsageError: It is no name, or it is taken.
    """
    _free(name, taken, _NAME.fullmatch(name) is not None)


def _free(name: str, taken: Iterable[str], good: bool) -> None:
    if not good:
        raise fs.UsageError(f"'{name}' is no name: letters, digits and _ only, and no digit first")
    if name in taken:
        raise fs.UsageError(f"there is a '{name}' already")


def _value_added(work: Work, way: Way, name: str) -> tuple[fs.Draft, str]:
    """Return a draft with one more date, year or site of a number; it says what the last one does."""
    there = work.draft.at(way)
    listed = there if isinstance(there, Mapping) else {}
    _free(name, listed, bool(name))
    last = list(listed.values())[-1] if listed else 0
    return work.draft.with_value((*way, name), last), dotted((*way, name))


def removed(work: Work, path: str) -> fs.Draft:
    """Return a draft without a part or an entry."""
    return work.draft.with_value(work.draft.way(path), None)
