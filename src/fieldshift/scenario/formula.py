"""Formulas over named quantities: parsed into a tree, never evaluated as Python.

    formula := term (("+" | "-") term)*
    term    := factor (("*" | "/" | "per") factor)*
    factor  := ("-" | "+") factor | "(" formula ")" | ("min" | "max") "(" formula ("," formula)* ")" | name
             | number (unit? ("/" unit)*)

A unit binds tighter than any operator: one directly after a number belongs to it, and a `/` after that goes
on with the unit as long as a unit word follows. So `officers * 60 %` is officers times a share, `0.4
hour/case` is one number, `1 / 44 day` is one per 44 days, and `docket / 7000 case/person` divides by 7,000
cases a person. Elsewhere a word is the name of a quantity. Where a unit word under a `/` is also a
quantity's name, `Values` refuses to guess. `per` is read as `/`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from fieldshift.errors import FieldshiftError
from fieldshift.units import Unit, UnitError, describe, is_unit, nearest_unit, number_at, parse_unit

__all__ = ["Expr", "FormulaError", "evaluate", "names", "parse", "unit_of", "unit_words"]

Float = npt.NDArray[np.float64]
T = TypeVar("T")

_TOKEN = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.]*)|(?P<sign>\*\*|//|\.\.|[-+*/(),%])")
_NONE = Unit()
LONGEST, DEEPEST, MOST = 2000, 40, 100
"""Characters, levels of nesting and operators that a formula may have."""


class FormulaError(FieldshiftError):
    """A formula that cannot be read or evaluated, or whose units do not fit.

    Attributes:
        what: What is wrong.
        hint: What would be right.
        position: Where in the text, from 0.
    """

    exit_code = 2

    def __init__(self, what: str, hint: str = "", position: int = 0) -> None:
        self.what, self.hint, self.position = what, hint, position
        super().__init__(f"{what} ({hint})" if hint else what)


@dataclass(frozen=True)
class Expr:
    """A node: `number`, `name`, or an operation on others.

    Attributes:
        kind: `number`, `name`, `+`, `-`, `*`, `/`, `neg`, `min`, `max`.
        value: Its number, as written.
        unit: Its number's unit.
        name: Its name.
        parts: Its parts.
        position: Where it stands in the text, from 0.
    """

    kind: str
    value: float = 0.0
    unit: Unit = _NONE
    name: str = ""
    parts: tuple[Expr, ...] = ()
    position: int = 0


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int
    value: float = 0.0


def _tokens(text: str) -> list[_Token]:
    if len(text) > LONGEST:
        raise FormulaError(f"the formula is {len(text):,} characters long", f"at most {LONGEST:,}")
    found: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            number = number_at(text, at)
        except UnitError as error:
            raise FormulaError(error.what, error.hint, at) from None
        if number is not None:
            found.append(_Token("number", text[at : number[1]], at, number[0]))
            at = number[1]
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise FormulaError(f"{text[at]!r} cannot stand in a formula", "only + - * / min max and brackets", at)
        said = match.group()
        if said == "per":
            found.append(_Token("sign", "/", at))
        elif said == "..":
            raise FormulaError("a range cannot stand in a formula", "write it as `range`", at)
        else:
            found.append(_Token(str(match.lastgroup), said, at))
        at = match.end()
    return found


class _Reader:
    """A recursive descent over the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens = text, _tokens(text)
        self.end = _Token("end", "", len(text))
        self.at, self.depth, self.operators = 0, 0, 0

    def peek(self, ahead: int = 0) -> _Token:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else self.end

    def take(self) -> _Token:
        token = self.peek()
        self.at += 1
        return token

    def stop(self, token: _Token, hint: str) -> FormulaError:
        return FormulaError(f"cannot read {self.text!r} from {token.text!r} on", hint, token.position)

    def formula(self) -> Expr:
        return self._chain(self._term, ("+", "-"))

    def _term(self) -> Expr:
        return self._chain(self._factor, ("*", "/"))

    def _chain(self, inner: Callable[[], Expr], signs: tuple[str, str]) -> Expr:
        left = inner()
        while self.peek().kind == "sign" and self.peek().text in signs:
            sign = self.take()
            self.operators += 1
            if self.operators > MOST:
                raise FormulaError("the formula is too long", f"at most {MOST} operators", sign.position)
            left = Expr(sign.text, parts=(left, inner()), position=sign.position)
        return left

    def _factor(self) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError("the formula is nested too deeply", f"at most {DEEPEST} levels", self.peek().position)
        try:
            return self._one()
        finally:
            self.depth -= 1

    def _one(self) -> Expr:
        token = self.take()
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            return self._call(token) if self.peek().text == "(" else self._name(token)
        if token.text in ("-", "+"):
            inner = self._factor()
            return Expr("neg", parts=(inner,), position=token.position) if token.text == "-" else inner
        if token.text == "(":
            inner = self.formula()
            self._close(token)
            return inner
        said = repr(token.text) if token.text else "the end"
        raise FormulaError(
            f"found {said} where a number or a name should stand",
            "only + - * / min max and brackets" if token.text in ("**", "//") else "",
            token.position,
        )

    def _close(self, opened: _Token) -> None:
        token = self.take()
        if token.text != ")":
            if token.kind == "end":
                raise FormulaError("a bracket is not closed", "close it with `)`", opened.position)
            raise FormulaError(f"found {token.text!r} where `)` or an operator should stand", "", token.position)

    def _name(self, token: _Token) -> Expr:
        if token.text.endswith(".") or ".." in token.text:
            raise FormulaError(f"{token.text!r} is not a name", "no point at its end, nor two in a row", token.position)
        return Expr("name", name=token.text, position=token.position)

    def _call(self, token: _Token) -> Expr:
        if token.text not in ("min", "max"):
            hint = "a formula may call only min and max; write `*` to multiply"
            raise FormulaError(f"{token.text!r} cannot be called", hint, token.position)
        opened = self.take()
        parts = [self.formula()]
        while self.peek().text == ",":
            self.take()
            parts.append(self.formula())
        self._close(opened)
        return Expr(token.text, parts=tuple(parts), position=token.position)

    def _number(self, token: _Token) -> Expr:
        words = []
        after = self.peek()
        if after.text == "%" or (after.kind == "name" and is_unit(after.text)):
            words.append(self.take().text)
        elif after.text == "1" and self.peek(1).text == "/" and is_unit(self.peek(2).text):
            self.take()
        elif after.kind == "name":
            hint = ", ".join(filter(None, (f"{after.text!r} is not a unit", nearest_unit(after.text))))
            raise self.stop(after, hint)
        while self.peek().text == "/" and self.peek(1).kind == "name" and is_unit(self.peek(1).text):
            self.take()
            words = [*(words or ["1"]), self.take().text]
        unit = parse_unit("/".join(words))
        return Expr("number", value=token.value, unit=unit, position=token.position)


@lru_cache(maxsize=8192)
def parse(text: str) -> Expr:
    """Return the tree of a formula.

    Raises:
        FormulaError: The text is not a formula, or is longer or deeper than one should be.
    """
    reader = _Reader(text)
    if not reader.tokens:
        raise FormulaError("the formula is empty", "a number, or names with + - * / between them")
    tree = reader.formula()
    token = reader.peek()
    if token.kind != "end":
        hint = "" if token.kind == "sign" else f"{token.text!r} follows where an operator should stand"
        if token.text in ("**", "//", "%"):
            hint = "only + - * / min max and brackets"
        raise reader.stop(token, hint)
    return tree


def names(expr: Expr) -> frozenset[str]:
    """Return the names that a formula uses."""
    if expr.kind == "name":
        return frozenset({expr.name})
    return frozenset().union(*(names(part) for part in expr.parts)) if expr.parts else frozenset()


def unit_words(expr: Expr) -> frozenset[str]:
    """Return the words under a `/` that a formula reads as units, which a reader could take for names."""
    if expr.kind == "number":
        return frozenset(expr.unit.text.split("/")[1:])
    return frozenset().union(*(unit_words(part) for part in expr.parts)) if expr.parts else frozenset()


def _is_zero(expr: Expr) -> bool:
    return expr.kind == "number" and expr.value == 0.0 and expr.unit.bare


def unit_of(expr: Expr, env: Callable[[str], Unit] | Mapping[str, Unit]) -> Unit:
    """Return the unit of a formula.

    A bare 0 is of any kind: `max(0, officers - 500 person)`. What is computed counts persons, cases and whole
    money, per its own calendar word; a share stays one (`share * 50 %` is no bare number).

    Args:
        expr: The tree of the formula.
        env: The unit of each name.

    Raises:
        FormulaError: Things of different kinds are added or compared, or a name is unknown.
    """
    if expr.kind == "number":
        return expr.unit
    if expr.kind == "name":
        return _look(env, expr)
    units = [unit_of(part, env) for part in expr.parts]
    if expr.kind == "*":
        return (units[0] * units[1]).plain
    if expr.kind == "/":
        return (units[0] / units[1]).plain
    of_a_kind = [unit for unit, part in zip(units, expr.parts, strict=True) if not _is_zero(part)] or units
    first = of_a_kind[0]
    for other in of_a_kind[1:]:
        if other.dims != first.dims:
            verb = {"+": "adds", "-": "subtracts"}.get(expr.kind, "compares")
            what = f"{verb} {describe(first)} and {describe(other)}"
            raise FormulaError(what, "both must be of one kind", expr.position)
    return next((unit for unit in of_a_kind if not unit.bare), first)


def _look(env: Callable[[str], T] | Mapping[str, T], expr: Expr) -> T:
    if callable(env):
        return env(expr.name)
    if expr.name not in env:
        raise FormulaError(f"there is no quantity {expr.name!r}", "", expr.position)
    return env[expr.name]


@overload
def evaluate(expr: Expr, env: Callable[[str], float] | Mapping[str, float]) -> float: ...
@overload
def evaluate(expr: Expr, env: Callable[[str], Float] | Mapping[str, Float]) -> Float: ...
def evaluate(expr: Expr, env: Any) -> Any:
    """Return the number of a formula in base units, elementwise where names stand for arrays.

    Args:
        expr: The tree of the formula.
        env: The number of each name, in base units.

    Raises:
        FormulaError: It divides by zero, is not finite, or uses an unknown name.
    """
    if expr.kind == "number":
        value: Any = expr.value * expr.unit.factor
    elif expr.kind == "name":
        value = _look(env, expr)
        value = value if isinstance(value, np.ndarray) else float(value)
    else:
        parts = [evaluate(part, env) for part in expr.parts]
        plain = all(isinstance(part, float) for part in parts)
        if expr.kind == "/" and (parts[1] == 0 if plain else np.any(parts[1] == 0)):
            below = expr.parts[1]
            raise FormulaError("divides by zero", f"{below.name!r} is 0" if below.name else "", expr.position)
        value = _operate(expr.kind, parts) if plain else _elementwise(expr.kind, parts)
    if not (math.isfinite(value) if isinstance(value, float) else np.isfinite(value).all()):
        raise FormulaError("is not a finite number", "it is too large to compute with", expr.position)
    return value


def _operate(kind: str, parts: list[Any]) -> Any:
    if kind == "neg":
        return -parts[0]
    if kind in ("min", "max"):
        return min(parts) if kind == "min" else max(parts)
    a, b = parts
    if kind == "+":
        return a + b
    if kind == "-":
        return a - b
    return a * b if kind == "*" else a / b


def _elementwise(kind: str, parts: list[Any]) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        if kind in ("min", "max"):
            return reduce(np.minimum if kind == "min" else np.maximum, parts)
        return _operate(kind, parts)
