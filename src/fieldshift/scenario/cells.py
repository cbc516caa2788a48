"""How a value is written in one cell of a workbook, and what a cell means: the same scalars as in YAML.

A list of names is written `desk, field`, a mapping `seats: 1, beds: 2`, anything deeper as YAML in brackets. A text
that would be read as something else stands in double quotes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from fieldshift.scenario.marked import NOT_TEXT, marked, resolved
from fieldshift.scenario.paths import union_of
from fieldshift.scenario.schema import Amount, Price

__all__ = ["MAX_TEXT", "Cell", "Exact", "flow", "number_text", "understood", "written"]

Cell = str | float | int | bool | dt.date | None
"""What a cell holds; None where it is empty."""

MAX_TEXT = 32_767
"""Characters that a cell can hold."""


class Exact(float):
    """A number that a workbook states in as many digits as it has, where the library would cut the seventeenth."""

    def __format__(self, _: str) -> str:
        return repr(float(self))


_EXACT = 2**53
_FIRST_DAY = dt.date(1900, 3, 1)
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./%*+\- ]*")
_KEY = re.compile(r"-?(0|[1-9][0-9]{0,9})|[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
_UNSAFE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff\n\t]")
_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")
_RICH = "<r>"
"""Text that starts so would be taken for markup by the library that writes workbooks."""

_DATED = re.compile(r'"?\d{4}(-\d{2}(-\d{2})?)?"?:\s')
_PAIRS = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s"\[\]{}:,][^:,\[\]{}"]*):\s')
_NAME = re.compile(r"[^\s,\[\]{}\"':#!](?:[^,\[\]{}\"':#!\n]*[^\s,\[\]{}\"':#!])?")
_NO_NUMBER = re.compile(r"[-+]?\.?(nan|inf|infinity)", re.IGNORECASE)


def number_text(value: int | float) -> str:
    """Return a number in the fewest digits that read back the same."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return str(int(value)) if whole else str(value)


def written(value: Any, types: Sequence[Any]) -> Cell:
    """Return the cell for a value of plain data.

    Args:
        value: Anything that `plain` gives.
        types: What may stand there, as types of the data dictionary.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if isinstance(value, float) or abs(value) < _EXACT else str(value)
    if isinstance(value, dt.date):
        return value if value >= _FIRST_DAY else value.isoformat()
    if isinstance(value, str):
        return _quoted(value) if _needs_quotes(value, types) else value
    text = flow(value)
    short = text[1:-1]
    if isinstance(value, list) and _holds(types, str):
        named = all(isinstance(item, str) and _NAME.fullmatch(item) for item in value)
        short = ", ".join(value) if named else ""
    return short if _is_safe(short) and _same(short, value, types) else text


def _same(text: str, value: Any, types: Sequence[Any]) -> bool:
    try:
        return bool(text) and understood(text, types) == value
    except ValueError:
        return False


def understood(cell: Cell, types: Sequence[Any]) -> Any:
    """Return what a cell means where these types may stand; None where it is empty.

    What does not fit comes back as it is, for the data dictionary to refuse.

    Raises:
        ValueError: For a text that cannot be read, in a planner's words.
    """
    if isinstance(cell, str):
        text = cell.strip()
        inner = _unquoted(text, types)
        return inner if inner is not None else _bare(text, types) if text else None
    if isinstance(cell, bool):
        return ("true" if cell else "false") if _only_text(types) else cell
    if isinstance(cell, dt.date):
        textual = str in types and dt.date not in types
        return cell.isoformat() if textual else cell
    if isinstance(cell, int | float):
        if not _numeric(types) and str in types:
            return number_text(cell)
        return int(cell) if float(cell).is_integer() and abs(cell) < _EXACT else cell
    return cell


def _bare(text: str, types: Sequence[Any]) -> Any:
    """Return what a text means, quotes aside."""
    deep = any(get_origin(kind) in (dict, tuple) or _is_part(kind) or kind is Any for kind in types)
    if deep and text[0] in "[{":
        return _parsed(text)
    pairs = _DATED if Amount in types else _PAIRS if any(get_origin(kind) is dict for kind in types) else None
    if pairs is not None and pairs.match(text):
        return _parsed(f"{{{text}}}")
    if _holds(types, str) and ("," in text or str not in types):
        return [item for part in text.split(",") if (item := part.strip())]
    if _only_text(types):
        return text
    if _numeric(types) and _NO_NUMBER.fullmatch(text):
        raise ValueError(f"expected a finite number, got {text}")
    value = resolved(text)
    wanted = (
        Any in types
        or (isinstance(value, bool) and bool in types)
        or (isinstance(value, int | float) and not isinstance(value, bool) and _numeric(types))
        or (isinstance(value, dt.date) and dt.date in types)
    )
    return value if wanted else text


def _parsed(text: str) -> Any:
    found = marked(text, "cell")
    if found.problems:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise ValueError(f"cannot be read as names or a mapping, such as `desk, field` or `seats: 1`: '{shown}'")
    return found.data


def _numeric(types: Sequence[Any]) -> bool:
    return any(kind in (int, float, Amount, Price, Any) for kind in types)


def _only_text(types: Sequence[Any]) -> bool:
    return str in types and not any(kind in (int, float, bool, dt.date, Amount, Price, Any) for kind in types)


def _holds(types: Sequence[Any], item: type) -> bool:
    """Tell whether a list of such items may stand there."""
    return any(get_origin(kind) is tuple and item in union_of(get_args(kind)[0]) for kind in types)


def _is_part(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


# ------------------------------------------------------------------------------------------- quotes


def _is_safe(text: str) -> bool:
    """Tell whether a cell can hold a text as it is."""
    bare = bool(text) and text == text.strip() and not text.startswith(_RICH)
    return bare and not _UNSAFE.search(text) and not _ESCAPED.search(text)


def _needs_quotes(text: str, types: Sequence[Any]) -> bool:
    if not _is_safe(text) or _unquoted(text, types) is not None or (Amount in types and text.endswith("!")):
        return True
    try:
        back = _bare(text, types)
    except ValueError:
        return True
    return not isinstance(back, str) or back != text


def _quoted(text: str) -> str:
    """Return a text in double quotes, with YAML's escapes for what a cell cannot hold."""
    escaped = "".join(
        f"\\{char}" if char in '"\\' else char if not _UNSAFE.match(char) and char not in "\n\t" else _escape(char)
        for char in text
    )
    return '"' + _ESCAPED.sub(lambda found: rf"\x5f{found[0][1:]}", escaped) + '"'


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def _unquoted(text: str, types: Sequence[Any]) -> str | None:
    """Return the text that stands in quotes, or None where quotes are not needed or there are none."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return None
    found = marked(text, "cell")
    if found.problems or not isinstance(found.data, str):
        return None
    return found.data if _needs_quotes(found.data, types) else None


# --------------------------------------------------------------------------------------------- flow


def flow(value: Any) -> str:
    """Return plain data as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value)
    return text if _is_plain(text) else _quoted(text)


def _key(text: str) -> str:
    return text if _KEY.fullmatch(text) or _is_plain(text) else _quoted(text)


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and not text.endswith(" ")
        and NOT_TEXT.match(text) is None
        and not _ESCAPED.search(text)
    )
