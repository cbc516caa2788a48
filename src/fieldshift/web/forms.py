"""Forms made from the data dictionary: each field of a part with what is written there and what may be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

import fieldshift as fs
from fieldshift.web.casebook import Work
from fieldshift.web.differences import Way, dotted, words_of

__all__ = [
    "EVIDENCE",
    "TABLES",
    "FieldView",
    "field_view",
    "kind_of_part",
    "known_names",
    "summary_of",
    "unit_words",
]

TABLES = ("sites", "dates", "years", "grid", "of", "estimates")
"""How a number may say more than one value."""
EVIDENCE = ("range", "shape", "source", "as_of", "note", "assumption", "correlated", "by")
"""What a number may say beside its value."""

_LONG = frozenset({"about", "tested", "note", "source", "meaning"})
_FREE = frozenset({"mapping", "names", "where", "any"})
_UNITS = {"1": "share", "unit": "as the resource counts"}
_WORDS = {"sites": "by site", "dates": "by date", "years": "by year", "grid": "by date and site", "of": "by attribute"}


class FieldView(BaseModel):
    """A field of a form.

    Attributes:
        path: Where it stands in the scenario, dotted.
        label: Its name in words.
        kind: What may be written, a word of the data dictionary.
        unit: The unit of a bare number.
        meaning: What it says.
        text: What is written now.
        base: What the first version says.
        changed: Whether the two differ.
        default: What holds where nothing is written.
        required: Whether a part is not one without it.
        choices: The words that it may be, where there are no others.
        lists: The key of `names` whose words are offered, or nothing.
        long: Whether it takes more than a line.
        summary: What a number says that is no single value, and a list: `by site (25)`, `2 rules`.
        more: What may be said beside it: a number's range and evidence.
    """

    path: str
    label: str
    kind: str
    unit: str = ""
    meaning: str = ""
    text: str = ""
    base: str = ""
    changed: bool = False
    default: str = ""
    required: bool = False
    choices: list[str] = []
    lists: str = ""
    long: bool = False
    summary: str = ""
    more: list[FieldView] = []


@cache
def kind_of_part(key: str) -> fs.PartKind:
    """Return a kind of part of the data dictionary.

    Raises:
        UsageError: There is no such kind.
    """
    for kind in fs.dictionary():
        if kind.key == key:
            return kind
    raise fs.UsageError(f"there is no part '{key}'")


def field_view(work: Work, part: Way, field: fs.Field, full: bool = False) -> FieldView:
    """Return a field of a part as a form shows it.

    Args:
        work: The scenario in work.
        part: The way to the part.
        field: Its field.
        full: Whether a number comes with all that may be said beside it.
    """
    path: Way = (*part, *field.path.split("."))
    whole, main = path, path
    if field.kind == "amount":
        main = (*path, "value")
    text, base = work.draft.text(main), work.base.text(main)
    summary = summary_of(work.draft, field, whole)
    if field.kind == "list" or (field.kind == "amount" and summary):
        text = base = ""
    view = FieldView(
        path=dotted(main if not summary or field.kind != "amount" else whole),
        label=words_of(field.path.replace(".", " ")),
        kind=field.kind,
        unit=_UNITS.get(field.unit, field.unit),
        meaning=field.meaning,
        text=text,
        base=base,
        changed=work.draft.at(whole) != work.base.at(whole),
        default=default_text(field),
        required=field.required,
        choices=list(field.choices),
        lists="+".join(field.refers),
        long=field.path in _LONG or (field.kind in _FREE and len(text) > 40) or len(text) > 100,
        summary=summary,
    )
    if full and field.kind == "amount":
        inside = {inner.path: inner for inner in kind_of_part("amount").fields}
        view.more = [field_view(work, whole, inside[key]) for key in EVIDENCE]
    return view


def unit_words(unit: str) -> str:
    """Return a unit for a reader: a bare number of unit 1 is a share."""
    return " or ".join(_UNITS.get(one, one) for one in unit.split("|"))


def default_text(field: fs.Field) -> str:
    """Return what holds where nothing is written, as a form shows it."""
    if field.default is None:
        return ""
    if isinstance(field.default, bool):
        return "true" if field.default else "false"
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def summary_of(draft: fs.Draft, field: fs.Field, path: Way) -> str:
    """Return what is written at a field that holds more than a line can say; empty where a line can."""
    if field.kind == "list":
        found = draft.at(path)
        count, word = len(found) if isinstance(found, list) else 0, words_of(field.path.rsplit(".", 1)[-1])
        return f"{count} {word if count != 1 else word.removesuffix('s')}"
    if field.kind != "amount":
        return ""
    for form in TABLES:
        found = draft.at((*path, form))
        if isinstance(found, Mapping | list) and found:
            return f"{len(found)} rival estimates" if form == "estimates" else f"{_WORDS[form]} ({len(found)})"
    return ""


def known_names(work: Work, lists: str) -> list[str]:
    """Return the names that a field may be: of parts, of sites, of attributes of sites.

    Args:
        work: The scenario in work.
        lists: One or more words of the data dictionary with `+` between: `stocks+choices`.
    """
    found: dict[str, None] = {}
    for word in lists.split("+") if lists else ():
        found |= dict.fromkeys(_names(work.draft, word))
    return list(found)


def _names(draft: fs.Draft, word: str) -> list[str]:
    sites: Any = draft.at(("sites",))
    if word == "sites":
        return [str(site.get("id")) for site in sites if isinstance(site, Mapping)] if isinstance(sites, list) else []
    if word == "attributes":
        listed = sites if isinstance(sites, list) else []
        return sorted({str(key) for site in listed if isinstance(site, Mapping) for key in site} - {"id", "name"})
    part = draft.at((word,))
    return [str(name) for name in part] if isinstance(part, Mapping) else []
