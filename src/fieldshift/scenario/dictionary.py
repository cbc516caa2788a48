"""The data dictionary as plain data: each kind of part with its fields, for forms, workbooks and pages.

Made from the classes in `schema/` and from nothing else, but for one table: which names a field must be.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fieldshift.scenario.paths import fields_of, union_of
from fieldshift.scenario.schema import COLLECTIONS, Amount, Estimate, Price, PriceStep, Scenario
from fieldshift.scenario.schema.people import Where

__all__ = ["Field", "PartKind", "default_of", "dictionary", "unit_of"]

Kind = Literal[
    "amount", "value", "number", "text", "flag", "date", "choice", "name", "names", "where", "range", "list", "mapping"
]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One thing that a planner may write about a part.

    Attributes:
        path: Its key within the part, dotted where it stands inside another: `start`, `learning.lasts`.
        kind: `amount` (a number that may carry unit, range and evidence: the kind of part `amount`), `value` (number,
            text with unit or formula, nothing beside it), `number` (bare), `text`, `flag` (true or false), `date`,
            `choice` (one of `choices`), `name` (one of `refers`), `names` (one or several, or each with a share),
            `where` (sites), `range` (`5..6 %`), `list` (of parts: see the kind `lists`), `mapping`.
        unit: The unit that a bare number takes; `1` is a share, `unit` is what the resource counts, two are separated
            by `|`; empty where there is none.
        default: What holds when nothing is written, as a planner would write it; None where nothing does.
        meaning: What it says, in a sentence.
        required: Whether a part is not one without it.
        whole: Whether a number must be whole.
        choices: The words that it may be, where there are no others.
        refers: The collections whose names it may be (`stocks`, `sites`); `attributes` are further columns of sites.
        lists: For a list, the key of the kind of its parts.
        only: For a part of several sorts (rules), the sorts that take the field; empty where all do.
    """

    path: str
    kind: Kind
    unit: str
    default: Any
    meaning: str
    required: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()
    lists: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartKind:
    """A kind of part: the scenario itself, one of its collections, or a list inside a part.

    Attributes:
        key: `scenario`, the name of a collection (`stocks`), or a list with dots (`policies.rules`); `amount` and
            `estimates` are what any number may say in full.
        title: Its name for a reader.
        meaning: What such a part is, in a sentence.
        fields: All fields, in the order in which they are best written.
        named: Whether each part has a name of its own, by which others refer to it.
        within: The collection that a list's parts belong to; empty for others.
    """

    key: str
    title: str
    meaning: str
    fields: tuple[Field, ...]
    named: bool = False
    within: str = ""


_REFERS: Mapping[str, tuple[str, ...]] = {
    "Amount.by": ("attributes",),
    "Amount.sites": ("sites",),
    "Budget.pays": ("stocks", "choices", "work"),
    "Choice.at": ("sites",),
    "Choice.drop_to": ("stocks",),
    "Choice.fail_to": ("stocks",),
    "Choice.head": ("stocks",),
    "Choice.tail": ("stocks",),
    "Choice.takes": ("resources",),
    "Choice.to": ("sites",),
    "Choice.uses": ("resources",),
    "Add.choice": ("choices",),
    "Escalate.only": ("sites",),
    "Fill.choice": ("choices",),
    "Fill.only": ("sites",),
    "Fill.stock": ("stocks",),
    "Fit.policy": ("policies",),
    "Fit.to": ("history",),
    "Flow.head": ("stocks",),
    "Flow.response": ("profiles",),
    "Flow.tail": ("stocks",),
    "Instructors.stock": ("stocks",),
    "Need.of": ("stocks", "choices"),
    "Policy.extends": ("policies",),
    "Press.dial": ("dials",),
    "Profile.event": ("events",),
    "Resource.hold": ("stocks", "choices"),
    "Resource.rank": ("attributes",),
    "Resource.supply": ("stocks", "choices"),
    "Respond.dial": ("dials",),
    "Respond.only": ("sites",),
    "Row.site": ("sites",),
    "Schedule.choice": ("choices",),
    "Schedule.only": ("sites",),
    "Series.site": ("sites",),
    "ShareLimit.of": ("stocks", "choices"),
    "Stage.drop_to": ("stocks",),
    "Stage.fail_to": ("stocks",),
    "Stage.takes": ("resources",),
    "Stage.uses": ("resources",),
    "Stock.at": ("sites",),
    "Work.at": ("sites",),
    "Work.becomes": ("work",),
    "Work.by": ("stocks",),
    "Work.leave_to": ("work",),
    "Work.response": ("profiles",),
    "Work.takes": ("resources",),
    "Work.uses": ("resources",),
    "Work.vary": ("attributes",),
}
"""Fields that are plain names of other parts. Others name parts with a word around it (`needs.NAME`)."""

_TITLES = {"budgets": "Budgets", "work": "Work", "sites": "Sites", "history": "Observed series"}
_LISTS = (
    ("choices.stages", "choices", "Stages of choices"),
    ("budgets.lapses", "budgets", "Lapses of budgets"),
    ("policies.rules", "policies", "Rules of policies"),
    ("history.rows", "history", "Observed numbers"),
)
_STEPS, _AMOUNT, _ESTIMATES = "needs.steps", "amount", "estimates"


@cache
def dictionary() -> tuple[PartKind, ...]:
    """Return every kind of part that a planner may write, the scenario's own fields first, lists inside parts last."""
    kinds = [_kind("scenario", "The scenario", (Scenario,)), _of("sites")]
    kinds += [_of(key) for key in (*COLLECTIONS, "goals", "headlines")]
    for key, within, title in _LISTS:
        collection, name = key.split(".")
        owner = _models(Scenario.model_fields[collection].annotation)[0]
        kinds.append(_kind(key, title, _models(owner.model_fields[name].annotation), within=within))
    kinds.append(_kind(_STEPS, "Steps of prices", (PriceStep,), within="needs"))
    kinds.append(_kind(_ESTIMATES, "Rival estimates", (Estimate,)))
    kinds.append(_kind(_AMOUNT, "A number in full", (Amount,)))
    return tuple(kinds)


def unit_of(info: FieldInfo) -> str:
    """Return the unit that a bare number of a field takes, both with `|` between where there are two."""
    extra = info.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def default_of(info: FieldInfo) -> Any:
    """Return what holds where a planner says nothing, as it would be written; None where nothing does."""
    if info.is_required():
        return None
    value = info.get_default(call_default_factory=True, validated_data={})
    return None if value is None or value in ((), {}) else value


def _of(key: str) -> PartKind:
    models = _models(Scenario.model_fields[key].annotation)
    title = _TITLES.get(key, key.capitalize())
    return _kind(key, title, models, named=key in COLLECTIONS)


def _kind(key: str, title: str, models: tuple[type[BaseModel], ...], named: bool = False, within: str = "") -> PartKind:
    """Return a kind of part; several classes are the sorts of one kind, told apart by their field `rule`."""
    found: dict[str, Field] = {}
    for model in models:
        sort = str(model.model_fields["rule"].default) if "rule" in model.model_fields else ""
        for field in _fields(model, key):
            before = found.get(field.path)
            if before is None:
                found[field.path] = replace(field, only=(sort,) if sort else ())
            else:
                found[field.path] = _both(before, field, sort)
    if len(models) > 1:
        for path, field in found.items():
            if len(field.only) == len(models):
                found[path] = replace(field, only=())
    meaning = (models[0].__doc__ or "").strip().split("\n")[0] if len(models) == 1 else "What a policy does, and when."
    meaning = meaning.partition(" Frozen:")[0]
    return PartKind(key, title, meaning, tuple(_ordered(found)), named, within)


def _both(one: Field, other: Field, sort: str) -> Field:
    """Return a field that two sorts of a part have: any word of either; required where both require it."""
    choices = tuple(dict.fromkeys((*one.choices, *other.choices)))
    refers = one.refers if one.refers == other.refers else ()
    meaning = one.meaning if other.meaning in one.meaning else f"{one.meaning} Or: {other.meaning}"
    same = one.default == other.default
    return replace(
        one,
        choices=choices,
        refers=refers,
        meaning=meaning,
        required=one.required and other.required,
        default=one.default if same else None,
        unit="|".join(dict.fromkeys((*one.unit.split("|"), *other.unit.split("|")))),
        only=(*one.only, sort),
    )


def _ordered(found: Mapping[str, Field]) -> Iterator[Field]:
    """Yield fields as they are best written: what sort of rule it is first, and when and where it acts last."""
    late = ("from", "until", "only") if "rule" in found else ()
    yield from (field for path, field in found.items() if path == "rule")
    yield from (field for path, field in found.items() if path not in ("rule", *late))
    yield from (found[path] for path in late)


def _models(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the parts that a list or a mapping holds."""
    inner = [arg for arg in get_args(annotation) if arg is not Ellipsis][-1]
    return tuple(member for member in union_of(inner) if isinstance(member, type) and issubclass(member, BaseModel))


def _fields(model: type[BaseModel], key: str, prefix: str = "") -> Iterator[Field]:
    for name, info, attribute in fields_of(model):
        if model is Scenario and name in (*COLLECTIONS, "sites", "goals", "headlines"):
            continue
        annotation: Any = info.annotation
        members = [member for member in union_of(annotation) if member is not type(None)]
        inner = [member for member in members if _is_part(member) and member is not Amount]
        path = f"{prefix}{name}"
        if inner:
            yield from _fields(inner[0], key, f"{path}.")
            continue
        yield _field(model, attribute, info, path, key)


def _is_part(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)


def _field(model: type[BaseModel], attribute: str, info: FieldInfo, path: str, key: str) -> Field:
    annotation: Any = info.annotation
    members = tuple(member for member in union_of(annotation) if member is not type(None))
    optional = type(None) in union_of(annotation)
    refers = _REFERS.get(f"{model.__name__}.{attribute}", ())
    found = _kind_of(members, bool(refers))
    default = default_of(info)
    lists = {Price: _STEPS, Amount: _ESTIMATES}.get(model, f"{key}.{path}") if found == "list" else ""
    needed = info.is_required() or (Amount in members and default is None and not optional)
    return Field(
        path,
        found,
        unit_of(info),
        default,
        info.description or "",
        required=needed and "." not in path.removeprefix("horizon."),
        whole=found == "number" and float not in members,
        choices=tuple(str(w) for m in members if get_origin(m) is Literal for w in get_args(m)),
        refers=refers,
        lists=lists,
    )


def _kind_of(members: tuple[Any, ...], refers: bool) -> Kind:
    """Return the word for what may be written where these types stand."""
    origins = {get_origin(member): member for member in members}
    listed = [inner for member in members if get_origin(member) is tuple for inner in union_of(get_args(member)[0])]
    if Literal in origins:
        return "choice"
    if set(union_of(Where)) <= set(members):
        return "where"
    if listed:
        return "list" if any(map(_is_part, listed)) else "range" if float in listed else "names"
    if dict in origins:
        return "mapping" if str not in members else "names" if refers else "text"
    found = next(word for kinds, word in _SCALARS if kinds <= set(members))
    return "name" if found == "text" and refers else found


_SCALARS: tuple[tuple[set[Any], Kind], ...] = (
    ({Amount}, "amount"),
    ({float, str}, "value"),
    ({bool}, "flag"),
    ({dt.date}, "date"),
    ({int}, "number"),
    ({float}, "number"),
    ({str}, "text"),
)
