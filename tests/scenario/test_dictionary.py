"""The data dictionary as data: every field that a planner may write is there once, as the classes say it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import fieldshift as fs
from fieldshift.scenario.dictionary import _REFERS, default_of, unit_of
from fieldshift.scenario.paths import fields_of, slots, union_of
from fieldshift.scenario.schema import COLLECTIONS, Amount, Price, Scenario
from fieldshift.scenario.sheets import sheet_kinds, types_at

KINDS = {kind.key: kind for kind in fs.dictionary()}


def field(kind: str, path: str) -> fs.Field:
    return next(found for found in KINDS[kind].fields if found.path == path)


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    for member in union_of(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            yield member
        for inner in get_args(member):
            yield from models(inner)


def everything(model: type[BaseModel], seen: set[type[BaseModel]]) -> set[type[BaseModel]]:
    if model not in seen:
        seen.add(model)
        for _, info, _ in fields_of(model):
            for inner in models(info.annotation):
                everything(inner, seen)
    return seen


def test_every_kind_of_part_is_there_once() -> None:
    keys = [kind.key for kind in fs.dictionary()]
    assert keys == [
        "scenario", "sites", *COLLECTIONS, "goals", "headlines", "choices.stages", "budgets.lapses", "policies.rules",
        "history.rows", "needs.steps", "estimates", "amount",
    ]  # fmt: skip
    assert {kind.key for kind in fs.dictionary() if kind.named} == set(COLLECTIONS)
    assert all(kind.title and kind.meaning and "`overlaid`" not in kind.meaning for kind in fs.dictionary())


def test_every_field_of_every_class_is_described_with_its_meaning() -> None:
    """Walk the classes and the dictionary side by side: neither knows a field that the other does not."""
    described = {(kind.key, found.path) for kind in fs.dictionary() for found in kind.fields}
    assert len(described) == sum(len(kind.fields) for kind in fs.dictionary())
    for kind in sheet_kinds():
        if not kind.path:
            continue
        expected = set()
        for model in kind.types:
            expected |= set(paths(model))
        assert {path for key, path in described if key == kind.kind.key} == expected
    meanings = {info.description for model in everything(Scenario, set()) for _, info, _ in fields_of(model)}
    told = "\n".join(found.meaning for kind in fs.dictionary() for found in kind.fields)
    collections = {Scenario.model_fields[key].description for key in (*COLLECTIONS, "sites", "goals", "headlines")}
    # what a part inside another is for is said by its own fields
    nested = {"horizon", "learning", "instructors", "share", "short", "over", "first", "then", "calibrate"}
    inside = {info.description for m in everything(Scenario, set()) for key, info, _ in fields_of(m) if key in nested}
    assert [text for text in meanings - collections - inside if text not in told] == []


def paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for key, info, _ in fields_of(model):
        inner = [m for m in union_of(info.annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
        if inner and inner != [Amount] and Amount not in inner:
            yield from paths(inner[0], f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


@pytest.mark.parametrize("name", sorted(_REFERS))
def test_each_reference_is_a_field_and_leads_to_a_collection(name: str) -> None:
    owner, key = name.split(".")
    model = next(found for found in everything(Scenario, set()) if found.__name__ == owner)
    assert key in model.model_fields
    assert set(_REFERS[name]) <= {*COLLECTIONS, "sites", "attributes"}


def test_names_that_the_checks_refuse_are_references() -> None:
    """A name that no part has is refused by the checks wherever the dictionary says that it refers to one."""
    case = fs.read("academy")
    wrong = {
        "flows.leave.tail": "nobody", "choices.retrain.head": "nobody", "choices.retrain.fail_to": "nobody",
        "work.inspections.by": "nobody", "budgets.pay.pays": "nobody", "policies.move.rules.0.choice": "nobody",
        "policies.both.extends": "nobody", "needs.field.of": "nobody",
    }  # fmt: skip
    for path, name in wrong.items():
        parts = path.split(".")
        key = "policies.rules" if "rules" in parts else parts[0]
        assert field(key, parts[-1]).refers
        found = [p for p in fs.problems(fs.overlaid(case, {path: name})) if p.level == "error" and name in p.what]
        assert found, path


def test_fields_say_kind_unit_default_and_choices() -> None:
    hours = field("stocks", "hours")
    assert (hours.kind, hours.unit, hours.default, hours.required) == ("amount", "hour/week", "40 hour/week", False)
    assert field("choices", "pass").default == 1
    assert field("choices", "returns").kind == "flag"
    assert field("scenario", "currency").default == "USD"
    assert field("scenario", "horizon.start").default == dt.date(2000, 1, 1)
    assert field("scenario", "horizon.periods").required
    assert field("scenario", "horizon.periods").whole
    assert field("needs", "need").required
    assert not field("stocks", "learning.lasts").required
    assert field("needs", "short.price").unit == "USD/person"
    assert field("goals", "at").choices == ("all", "end")
    assert field("work", "by").kind == "names"
    assert field("flows", "head").kind == "name"
    assert field("stocks", "at").kind == "where"
    assert field("stocks", "spread").kind == "text"
    assert field("quantities", "range").kind == "range"
    assert field("levers", "from").kind == "value"
    assert field("choices", "stages").lists == "choices.stages"
    assert field("needs", "over.steps").lists == "needs.steps"
    assert field("amount", "estimates").lists == "estimates"


def test_rules_are_one_kind_of_part_of_four_sorts() -> None:
    rules = KINDS["policies.rules"]
    assert rules.fields[0].path == "rule"
    assert rules.fields[0].choices == ("schedule", "fill", "escalate", "respond")
    assert [found.path for found in rules.fields[-3:]] == ["from", "until", "only"]
    assert field("policies.rules", "choice").only == ("schedule", "fill")
    assert field("policies.rules", "watch").only == ("escalate", "respond")
    assert field("policies.rules", "until").only == ()
    rule = get_args(
        union_of(get_args(Scenario.model_fields["policies"].annotation)[1])[0].model_fields["rules"].annotation
    )[0]
    for model in union_of(rule):
        sort = str(slots(model)["rule"].default)
        takes = {found.path for found in rules.fields if not found.only or sort in found.only}
        assert takes == set(paths(model))


def test_every_default_is_what_the_class_says() -> None:
    for kind in sheet_kinds():
        for found in kind.kind.fields:
            if not kind.path or "." in found.path or len(kind.types) > 1:
                continue
            info = slots(kind.types[0])[found.path]
            said = default_of(info)
            assert found.default == (list(said) if isinstance(said, tuple) else said)
            assert found.unit == unit_of(info)
            assert bool(types_at(kind.types, (found.path,)))
    assert default_of(slots(Price)["price"]) == 0
