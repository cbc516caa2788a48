"""A number said another way: one value, or one for each site, date or year; totals stay the totals that they are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import fieldshift as fs
from fieldshift.web.casebook import Work
from fieldshift.web.differences import Way
from fieldshift.web.forms import TABLES, kind_of_part

__all__ = ["Said", "said_by"]

Said = Literal["value", "sites", "dates", "years"]
_PLAIN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(\s*[^\d()*+.]*)")
_RANGE = re.compile(r"\s*([-+]?\d+\.?\d*)\s*\.\.\s*([-+]?\d+\.?\d*)\s*([^\d()*+.]*)")
_PER_SITE = re.compile(r"\s*(per site|/\s*site)\s*$")
_COUNTED = ("person", "case", "post", "unit", "USD", "person/week", "case/week")
"""Units of fields that are amounts of the whole; `hour/week` or `USD/person` are the same at each site."""
_BESIDE = ("value", "range", "shape", "correlated", "by", *TABLES)


def said_by(work: Work, path: str, form: Said) -> fs.Draft:
    """Return a draft in which a number is said another way: one value, or one for each site, date or year.

    A total is split among the sites as it is spread, and added up again. Where the way of spreading is not known, each
    site starts at 0. What cannot stand any more, such as a range, goes into the number's note.

    Args:
        work: The scenario in work.
        path: The number.
        form: How it is to be said.

    Raises:
        UsageError: There are no sites.
    """
    draft, way = work.draft, work.draft.way(path)
    if draft.at((*way, form)) not in (None, {}):
        return draft
    before = {key: held for key in _BESIDE if (held := draft.at((*way, key)))}
    whole = _is_total(draft, way)
    now = _one_of(draft, way, whole)
    found: Any = now
    why = ""
    if form == "sites":
        found, why = _at_sites(draft, way, now, whole)
    elif form != "value":
        start = str(draft.at(("horizon", "start")) or "2000-01-01")
        found = {start if form == "dates" else start[:4]: now}
    elif _number(found) is not None and _number(found) == _number(work.saved.at((*way, "value"))):
        return draft.with_value(way, work.saved.at(way))  # with the range and the note that it had
    for key in _BESIDE:
        draft = draft.with_value((*way, key), None)
    draft = draft.with_value((*way, form), found)
    lost = _lost(before, form, found)
    note = "; ".join(bit for bit in (str(draft.at((*way, "note")) or ""), lost, why) if bit)
    return draft.with_value((*way, "note"), note) if lost or why else draft


def _is_total(draft: fs.Draft, way: Way) -> bool:
    """Return whether a number is an amount of the whole, so that it must be shared and not repeated."""
    words = [str(key) for key in way if not isinstance(key, int)]
    if len(words) < 3:
        return False
    for key in (f"{words[0]}.{words[2]}", words[0]):
        inner = words[3:] if "." in key else words[2:]
        try:
            fields = kind_of_part(key).fields
        except fs.UsageError:
            continue
        for field in fields:
            if field.path == ".".join(inner):
                return field.unit in _COUNTED and draft.at((*way[:-1], "per")) != "site"
    return False


def _one_of(draft: fs.Draft, way: Way, whole: bool) -> Any:
    """Return the one value that stands for a number however it is said: the first date's, the sum of its sites."""
    now = draft.at((*way, "value"))
    for form in ("dates", "years", "grid", "sites", "of"):
        found = draft.at((*way, form))
        if now is None and isinstance(found, Mapping) and found:
            now = next(iter(found.values()))
            if form == "grid" or form in ("sites", "of"):
                row = now if form == "grid" else _of_sites(draft, way)
                now = (_sum(row.values()) if whole else next(iter(row.values()), 0)) if row else now
    if now is None:
        now = _middle(draft.at((*way, "range")))
    rivals = draft.at((*way, "estimates"))
    if now is None and isinstance(rivals, list) and rivals:
        best = max((one for one in rivals if isinstance(one, Mapping)), key=_weight, default={})
        now = best.get("value", _middle(best.get("range")))
    return 0 if now is None else now


def _weight(rival: Mapping[str, Any]) -> float:
    return _number(rival.get("weight", 1)) or 0.0


def _middle(span: Any) -> Any:
    found = _RANGE.fullmatch(span) if isinstance(span, str) else None
    if found:
        return f"{(float(found[1]) + float(found[2])) / 2:.12g} {found[3]}".strip()
    return sum(span) / 2 if isinstance(span, list) and len(span) == 2 else None


def _of_sites(draft: fs.Draft, way: Way) -> dict[str, Any]:
    """Return the value at each site, where it is said by site, by an attribute of sites, or by date and site."""
    for form in ("sites", "grid"):
        found = draft.at((*way, form))
        if isinstance(found, Mapping) and found:
            row = found if form == "sites" else next(iter(found.values()))
            return dict(row) if isinstance(row, Mapping) else {}
    by, values = draft.at((*way, "by")), draft.at((*way, "of"))
    if not isinstance(values, Mapping):
        return {}
    return {str(site["id"]): values.get(str(site.get(str(by))), 0) for site in _sites(draft)}


def _at_sites(draft: fs.Draft, way: Way, now: Any, whole: bool) -> tuple[dict[str, Any], str]:
    """Return the value at each site, and what must be said of it."""
    ids = [str(site["id"]) for site in _sites(draft)]
    if not ids:
        raise fs.UsageError("there are no sites")
    own = _of_sites(draft, way)
    if own:
        return {site: own.get(site, 0) for site in ids}, ""
    if isinstance(now, str) and _PER_SITE.search(now):
        return dict.fromkeys(ids, _PER_SITE.sub("", now)), ""
    if not whole:
        return dict.fromkeys(ids, now), ""
    shares = _shares(draft, way)
    if shares is None:
        plain = _PLAIN.fullmatch(str(now).strip())
        zero = f"0{plain[2]}" if plain and plain[2].strip() else 0
        return dict.fromkeys(ids, zero), f"each site starts at 0, since how {now} is spread over them is not known"
    return _split(now, shares), ""


def _sites(draft: fs.Draft) -> list[Mapping[str, Any]]:
    found = draft.at(("sites",))
    listed = found if isinstance(found, list) else []
    return [site for site in listed if isinstance(site, Mapping) and "id" in site]


def _split(now: Any, shares: Mapping[str, float]) -> dict[str, Any]:
    """Return a total split by shares: whole ones whole, by the largest remainder, so that they add up to it."""
    plain = _PLAIN.fullmatch(str(now).strip())
    if plain is None:
        return {site: f"{share:.12g} * ({now})" if share else 0 for site, share in shares.items()}
    total, unit = float(plain[1]), plain[2]
    parts = {site: total * share for site, share in shares.items()}
    if total.is_integer():
        floors = {site: math.floor(part + 1e-9) for site, part in parts.items()}
        left = round(total) - sum(floors.values())
        for site in sorted(parts, key=lambda site: floors[site] - parts[site])[:left]:
            floors[site] += 1
        parts = {site: float(part) for site, part in floors.items()}
    return {site: f"{part:.12g}{unit}" if unit.strip() else part for site, part in parts.items()}


def _shares(draft: fs.Draft, way: Way) -> dict[str, float] | None:
    """Return the share of each site in a total, or None where it cannot be known."""
    kind, field = way[0], str(way[-1])
    part: Any = draft.at(way[:-1])
    part = part if isinstance(part, Mapping) else {}
    how: Any = part.get("spread")
    where: Any = part.get("at", "sites")
    if kind in ("stocks", "work") and len(way) == 3 and field != "most":
        how = "weight" if how is None or field == "target" else how
    elif kind == "flows" and field == "arrive":
        how = how or "weight"
        head = draft.at(("stocks", str(part.get("head"))))
        where = head.get("at", "sites") if isinstance(head, Mapping) else "sites"
    elif kind == "choices" and field in ("begun", "least"):
        how = "even" if field == "least" else how or "weight"
        where = draft.at((*way[:2], "at")) or "sites"
    elif (kind, field) not in (("needs", "need"), ("policies", "amount")) or how in (None, "tail"):
        return None
    raw = {str(site["id"]): _raw(site, how) if _stands(site, where) else 0.0 for site in _sites(draft)}
    total = sum(raw.values())
    return {site: one / total for site, one in raw.items()} if total > 0 and min(raw.values()) >= 0 else None


def _raw(site: Mapping[str, Any], how: Any) -> float:
    if how == "even":
        return 1.0
    found = how.get(str(site["id"])) if isinstance(how, Mapping) else site.get(how, 1 if how == "weight" else None)
    return _number(found) or 0.0


def _stands(site: Mapping[str, Any], where: Any) -> bool:
    """Return whether a part is at a site: of the nation's, every site may have its share."""
    if where in ("sites", "nation"):
        return True
    if isinstance(where, Mapping):
        return all(
            str(site.get(key)) in map(str, wanted if isinstance(wanted, list) else [wanted])
            for key, wanted in where.items()
        )
    return str(site["id"]) in map(str, where if isinstance(where, list) else [where])


def _sum(values: Iterable[Any]) -> Any:
    """Return the sum of some values: a number where they have one unit, else a formula."""
    listed = list(values)
    found = [_PLAIN.fullmatch(str(value).strip()) for value in listed]
    plain = [one for one in found if one is not None]
    units = {one[2].strip() for one in plain if float(one[1])} or {one[2].strip() for one in plain}
    if len(plain) == len(listed) and len(units) == 1:
        total, unit = math.fsum(float(one[1]) for one in plain), units.pop()
        return f"{total:.12g} {unit}" if unit else total
    return " + ".join(f"({value})" for value, one in zip(listed, found, strict=True) if one is None or float(one[1]))


def _number(text: Any) -> float | None:
    plain = _PLAIN.fullmatch(str(text).strip())
    return float(plain[1]) if plain else None


def _lost(before: Mapping[str, Any], form: Said, found: Any) -> str:
    """Return in words what was said before and cannot stand beside the new way of saying it."""
    words = [f"{key} {_words(before[key])}" for key in ("range", "shape", "correlated") if key in before]
    if "estimates" in before:
        rivals = [one for one in before["estimates"] if isinstance(one, Mapping)]
        words.append("rival estimates " + " or ".join(str(one.get("value") or one.get("range")) for one in rivals))
    for key in ("dates", "years", "grid", "sites", "of"):
        held = before.get(key)
        if not isinstance(held, Mapping) or (key in ("of", "sites") and form == "sites"):
            continue
        if key in ("dates", "years") and len(held) == 1:
            continue
        if len({str(value) for value in held.values()}) > 1 or key == "grid":
            words.append(_words(held))
    if words and "value" in before:
        words.insert(0, str(before["value"]))
    return f"said before: {'; '.join(words)}" if words else ""


def _words(found: Any) -> str:
    if isinstance(found, Mapping):
        text = ", ".join(f"{key} {_words(value)}" for key, value in found.items())
        return text if len(text) <= 300 else f"{text[:300]}…"
    return " to ".join(map(str, found)) if isinstance(found, list) else str(found)
