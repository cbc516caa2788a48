"""What differs between two scenarios, in words that a person can read."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel

import fieldshift as fs

__all__ = ["Difference", "Way", "differences", "dotted", "title_of", "words_of"]

Way = tuple[str | int, ...]
"""The keys from a scenario to something in it."""

_SHOWN = 300
_FINELY = 1_000_000
"""Pairs of entries of two lists that are compared one by one, at most: it takes time for each."""
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_YEAR = re.compile(r"\d{4}")
_SINGULAR = {
    "stocks": "stock",
    "flows": "flow",
    "choices": "choice",
    "resources": "resource",
    "budgets": "budget",
    "work": "work",
    "needs": "need",
    "events": "event",
    "profiles": "profile",
    "dials": "dial",
    "policies": "policy",
    "levers": "lever",
    "history": "series",
}


class Difference(BaseModel):
    """One thing that differs.

    Attributes:
        path: Where, dotted, as `--set` takes it.
        title: What it is, in words.
        old: What stood there; empty where nothing did.
        new: What stands there now; empty where nothing does.
        sort: Whether something was changed, added or removed.
    """

    path: str
    title: str
    old: str
    new: str
    sort: Literal["changed", "added", "removed"]


def differences(old: fs.Draft, new: fs.Draft) -> list[Difference]:
    """Return what differs between two scenarios, in the order of the newer one's parts."""
    return [found for path, one, other in new.differences(old) for found in _told(old, new, path, one, other)]


def dotted(path: Way) -> str:
    """Return the keys of a path as one text."""
    return ".".join(map(str, path))


def _told(old: fs.Draft, new: fs.Draft, path: Way, one: Any, other: Any) -> Iterator[Difference]:
    title = title_of(new if other is not None else old, path)
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(i, Mapping) for i in (*one, *other)):
        before, after = _moved(one, other)
        yield Difference(path=dotted(path), title=title, old=before, new=after, sort="changed")
        return
    before, after = _text(old, path), _text(new, path)
    sort: Literal["changed", "added", "removed"] = "changed"
    if one is None or other is None:
        sort = "added" if one is None else "removed"
    yield Difference(path=dotted(path), title=title, old=before, new=after, sort=sort)


def _text(draft: fs.Draft, path: Way) -> str:
    """Return what stands at a path in words: a number in full is its value with what is said about it."""
    found = draft.at(path)
    if not isinstance(found, Mapping) or not set(found) & {"value", "range", "estimates"}:
        text = draft.text(path)
        return text[1:-1] if isinstance(found, Mapping) and text.startswith("{") else text
    words = [draft.text((*path, "value"))] if "value" in found else []
    for key, value in found.items():
        if key == "estimates":
            words.append(f"{len(value)} rival estimates")
        elif key != "value":
            words.append("assumption" if key == "assumption" else f"{words_of(key)} {draft.text((*path, key))}")
    return ", ".join(words)


def _moved(old: list[Any], new: list[Any]) -> tuple[str, str]:
    """Return what is in one list and not in the other, both ways."""
    before, after = ([json.dumps(item, sort_keys=True) for item in items] for items in (old, new))
    gone, come = [], []
    if len(old) * len(new) > _FINELY:
        return f"{len(old):,} entries", f"{len(new):,} other entries"
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += [_item(item) for item in old[a:b]]
            come += [_item(item) for item in new[c:d]]
    count = f"{len(old)} entries", f"{len(new)} entries"
    return "; ".join(gone) or count[0], "; ".join(come) or count[1]


def _item(item: Mapping[str, Any]) -> str:
    """Return an entry of a list in words: `schedule, choice retrain, amount 2 person/week`."""
    return ", ".join(f"{words_of(key)} {_short(value)}" for key, value in item.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def words_of(key: str) -> str:
    """Return a key as words: `at_least` is `at least`."""
    return key.replace("_", " ").strip()


def title_of(draft: fs.Draft, path: Way) -> str:
    """Return what stands at a path, in words: `Retraining seats: cap`, `Boston: weight`, `Stay, rule 2: amount`."""
    section, rest = str(path[0]), path[1:]
    if section == "sites" and rest:
        site = draft.at(("sites", rest[0]))
        name = site.get("name") if isinstance(site, Mapping) else None
        return _with(str(name or rest[0]) if len(rest) > 1 else f"Site {name or rest[0]}", draft, rest[1:], path[:2])
    part = draft.at(path[:2]) if rest else None
    if not rest:
        return words_of(section).capitalize()
    if section in ("goals", "headlines"):
        number = int(rest[0]) + 1 if isinstance(rest[0], int) or str(rest[0]).isdigit() else rest[0]
        return _with(f"{section.removesuffix('s').capitalize()} {number}", draft, rest[1:], path[:2])
    if section in ("horizon", "calibrate"):
        return _with(section.capitalize(), draft, rest, path[:1])
    title = part.get("title") if isinstance(part, Mapping) else None
    name = str(title) if isinstance(title, str) and title else words_of(str(rest[0]))
    if len(rest) == 1 and section != "quantities":
        return f"{_SINGULAR.get(section, section).capitalize()} “{name}”"
    return _with(name[:1].upper() + name[1:], draft, rest[1:], path[:2])


def _with(name: str, draft: fs.Draft, rest: Way, before: Way) -> str:
    """Return a part's name with the words for the way inside it."""
    inside = name
    words: list[str] = []
    keys = list(rest)
    while keys:
        key, before = keys.pop(0), (*before, rest[len(rest) - len(keys) - 1])
        if isinstance(key, int):
            item = draft.at(before)
            said = item.get("name") if isinstance(item, Mapping) else None
            inside += f", {said}" if said else f", {(words.pop() if words else 'entries').removesuffix('s')} {key + 1}"
            words = []
        elif key in ("stages", "rules", "lapses", "steps", "rows", "estimates") and keys:
            words.append("step" if key == "steps" else words_of(key))
        elif key in ("sites", "dates", "years", "grid", "of") and keys:
            words += [_where(draft, str(inner)) for inner in keys]
            keys = []
        elif key != "value" or keys:
            words.append(words_of(str(key)))
    return f"{inside}: {' '.join(words)}" if words else inside


def _where(draft: fs.Draft, key: str) -> str:
    if _DATE.fullmatch(key):
        return f"from {key}"
    if _YEAR.fullmatch(key):
        return f"in {key}"
    site = draft.at(("sites", key))
    name = site.get("name") if isinstance(site, Mapping) else None
    return f"at {name or key}"
