"""YAML text as plain data, with the place of everything in it.

Read from the parser's events, with the scalars of YAML 1.2: `10-01`, `12:30`, `on` and `no` are text, only
`true` and `false` are booleans, dates are dates. Keys are always their text. Nothing in a file can make an
object or run.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from fieldshift.errors import Problem

__all__ = [
    "MAX_ALIASES",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "NOT_TEXT",
    "Marked",
    "Path",
    "decoded",
    "dotted",
    "marked",
    "resolved",
]

Path = tuple[str | int, ...]
"""The way to a value: keys as text, positions in lists as numbers."""

MAX_BYTES = 2_000_000
MAX_NODES = 200_000
MAX_ALIASES = 1_000
MAX_DEPTH = 40

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_OTHERS = [_INT.pattern, _FLOAT.pattern, _DATE.pattern, _NOT_FINITE.pattern, "<<", *map(re.escape, _WORDS)]
NOT_TEXT = re.compile("(?:" + "|".join(f"(?:{pattern})" for pattern in _OTHERS) + r")\Z")
"""What an unquoted scalar must not look like to be text."""

_STR = "tag:yaml.org,2002:str"


def dotted(path: Path) -> str:
    """Return a path as a planner writes it: `flows.quit.rate`."""
    return ".".join(str(part) for part in path)


def resolved(text: str) -> Any:
    """Return what an unquoted YAML scalar means.

    Raises:
        ValueError: For a number that is not finite or a date that no calendar has, in a planner's words.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"expected a finite number, got {text}")
    if _INT.fullmatch(text) and len(text) <= 300:
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"the number {text[:40]} is too large")
        return number
    if _DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"there is no date {text}") from None
    return text


def decoded(raw: bytes, label: str) -> str | Problem:
    """Return the text of a file in UTF-8, or the problem that it is in something else."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        place = f"{label}:{line}:{column}"
        return Problem(place, "", f"not UTF-8 text (byte 0x{raw[error.start]:02x})", "save the file as UTF-8")


@dataclass
class Marked:
    """Plain data with places.

    Attributes:
        data: Mappings, lists and scalars.
        places: Where each path was written, `file:line:column`.
        keys: Where the key of each path was written.
        problems: What is wrong; the data hold what could be read all the same.
    """

    data: Any = None
    places: dict[Path, str] = field(default_factory=dict)
    keys: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass
class _Node:
    place: str
    scalar: tuple[str, bool] | None = None
    items: list[_Node] | None = None
    pairs: list[tuple[_Node, _Node]] | None = None
    size: int = 1
    depth: int = 1


class _Refused(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def marked(raw: bytes | str, label: str) -> Marked:
    """Return YAML text as plain data with places; problems are collected, never raised.

    Args:
        raw: The text, or the bytes of a file.
        label: The name of the file for places; several lines and columns are added to it.
    """
    found = Marked()
    if len(raw) > MAX_BYTES:
        found.problems.append(Problem(f"{label}:1:1", "", f"too large ({len(raw):,} bytes)", f"at most {MAX_BYTES:,}"))
        return found
    text = decoded(raw, label) if isinstance(raw, bytes) else raw
    if isinstance(text, Problem):
        found.problems.append(text)
        return found
    try:
        root = _tree(text, label)
    except _Refused as refused:
        found.problems.append(refused.problem)
        return found
    if root is not None:
        found.data = _plain(root, (), found)
    return found


def _at(label: str, mark: Any) -> str:
    return f"{label}:{mark.line + 1}:{mark.column + 1}" if mark is not None else f"{label}:1:1"


def _events(text: str, label: str) -> Any:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Refused(
            Problem(f"{label}:{line}:1", "", "a character that YAML does not allow", str(error.reason))
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(str(part) for part in (error.context, error.problem) if part)
        hint = "indent with spaces, not tabs" if "\\t" in what else ""
        raise _Refused(Problem(_at(label, mark), "", f"not YAML: {what}", hint)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _Refused(Problem(f"{label}:1:1", "", f"not YAML: {str(error)[:200]}")) from None


def _tree(text: str, label: str) -> _Node | None:
    """Build the tree of nodes without recursion; an alias stands for the very node that it names."""
    tree = _Tree()
    for event in _events(text, label):
        place = _at(label, event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent) and tree.root is not None:
            hint = "keep what stands before the second `---`"
            raise _Refused(Problem(place, "", "more than one document", hint))
        if isinstance(event, yaml.NodeEvent):
            tree.take(event, place)
        elif isinstance(event, yaml.CollectionEndEvent):
            tree.close(place)
    return tree.root


class _Tree:
    """The nodes so far: those that are open, and those that have an anchor."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self.open: list[tuple[_Node, list[_Node], str | None]] = []
        self.anchors: dict[str, _Node | None] = {}
        self.aliases = 0

    def take(self, event: Any, place: str) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.aliases += 1
            self._put(_known(self.anchors, str(event.anchor), place), None, place)
            return
        if event.tag not in (None, "!", _STR):
            raise _Refused(Problem(place, "", f"the tag {event.tag!r} is not taken here", "leave it out"))
        if isinstance(event, yaml.ScalarEvent):
            if "\0" in event.value:  # an escape may stand for it, and no database keeps it
                raise _Refused(Problem(place, "", "a text with a zero character (NUL) in it", "leave `\\0` out"))
            self._put(_Node(place, scalar=(event.value, event.implicit[0])), event.anchor, place)
            return
        node = _Node(place)
        if isinstance(event, yaml.SequenceStartEvent):
            node.items = []
        else:
            node.pairs = []
        if event.anchor:
            self.anchors[event.anchor] = None
        self.open.append((node, [], event.anchor))
        if len(self.open) > MAX_DEPTH:
            raise _Refused(_too_much(place, 0, 0))

    def close(self, place: str) -> None:
        node, children, anchor = self.open.pop()
        if node.pairs is not None:
            node.pairs = list(zip(children[::2], children[1::2], strict=True))
        else:
            node.items = children
        node.size = 1 + sum(child.size for child in children)
        node.depth = 1 + max((child.depth for child in children), default=0)
        self._put(node, anchor, place)

    def _put(self, node: _Node, anchor: str | None, place: str) -> None:
        if anchor:
            self.anchors[anchor] = node
        if self.open:
            self.open[-1][1].append(node)
        else:
            self.root = node
        deep = node.depth + len(self.open) > MAX_DEPTH
        if node.size > MAX_NODES or self.aliases > MAX_ALIASES or deep:
            raise _Refused(_too_much(place, node.size, self.aliases))


def _too_much(place: str, nodes: int, aliases: int) -> Problem:
    if aliases > MAX_ALIASES:
        return Problem(
            place, "", f"more than {MAX_ALIASES:,} aliases (`*name`)", "write the values out, or use a table"
        )
    if nodes > MAX_NODES:
        return Problem(place, "", f"more than {MAX_NODES:,} values once its aliases are written out", "use a table")
    return Problem(place, "", f"nested more than {MAX_DEPTH} deep")


def _known(anchors: dict[str, _Node | None], name: str, place: str) -> _Node:
    if name not in anchors:
        raise _Refused(Problem(place, "", f"the alias *{name} names nothing"))
    node = anchors[name]
    if node is None:
        raise _Refused(Problem(place, "", f"the alias *{name} stands inside what it names"))
    return node


def _plain(node: _Node, path: Path, found: Marked) -> Any:
    found.places.setdefault(path, node.place)
    if node.scalar is not None:
        text, bare = node.scalar
        try:
            return resolved(text) if bare else text
        except ValueError as error:
            found.problems.append(Problem(node.place, dotted(path), str(error)))
            return None
    if node.items is not None:
        return [_plain(item, (*path, i), found) for i, item in enumerate(node.items)]
    own: dict[str, Any] = {}
    merged: list[_Node] = []
    for key, value in node.pairs or ():
        if key.scalar is None or key.scalar == ("", True):
            found.problems.append(Problem(key.place, dotted(path), "a key must be a word or a number"))
        elif key.scalar == ("<<", True):
            merged.extend(value.items if value.items is not None else [value])
        elif key.scalar[0] in own:
            first = found.keys[(*path, key.scalar[0])]
            what = f"the key '{key.scalar[0]}' stands here twice"
            found.problems.append(Problem(key.place, dotted(path), what, f"first at {first}"))
        else:
            inner = (*path, key.scalar[0])
            found.keys[inner] = key.place
            found.places[inner] = value.place if value.scalar is not None else key.place
            own[key.scalar[0]] = _plain(value, inner, found)
    for source in merged:
        _merge(source, path, own, found)
    return own


def _merge(source: _Node, path: Path, own: dict[str, Any], found: Marked) -> None:
    if source.pairs is None:
        found.problems.append(Problem(source.place, dotted(path), "`<<` takes a mapping or a list of mappings"))
        return
    taken = _plain(source, path, Marked(problems=found.problems))
    for key, value in taken.items():
        if key not in own:
            own[key] = value
            found.places.setdefault((*path, key), source.place)
