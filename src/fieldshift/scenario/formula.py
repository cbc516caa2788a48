"""Formulas over named quantities: parsed into a tree, never evaluated as Python.

    formula := term (("+" | "-") term)*
    term    := factor (("*" | "/") factor)*
    factor  := "-" factor | "(" formula ")" | "min(" list ")" | "max(" list ")" | name | number unit?

A unit directly after a number belongs to it (`60 %`, `0.4 hour/case`); a `/` continues the unit where a unit word
follows it. `1 / 44 day` is one per 44 days.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fieldshift.errors import FieldshiftError
from fieldshift.units import Unit, describe, is_unit, parse_unit

__all__ = ["Expr", "FormulaError", "evaluate", "names", "parse", "unit_of"]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)|(?P<sign>[-+*/(),%]))"
)
LONGEST, DEEPEST = 2000, 60


class FormulaError(FieldshiftError):
    """A formula that cannot be read, or whose units do not fit.

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
        value: Its number.
        unit: Its number's unit.
        name: Its name.
        parts: Its parts.
        position: Where it stands in the text.
    """

    kind: str
    value: float = 0.0
    unit: Unit = Unit()
    name: str = ""
    parts: tuple[Expr, ...] = ()
    position: int = 0


class _Reader:
    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise FormulaError(f"the formula is {len(text):,} characters long", f"at most {LONGEST:,}")
        self.tokens: list[tuple[str, str, int]] = []
        self.at, self.depth = 0, 0
        place = 0
        text = text.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                bad = text[place:].strip()[:1]
                raise FormulaError(
                    f"{bad!r} cannot stand in a formula", "only + - * / min max and brackets", place
                )
            kind = str(match.lastgroup)
            self.tokens.append((kind, match.group(kind), match.start(kind)))
            place = match.end()

    def peek(self, ahead: int = 0) -> tuple[str, str, int]:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else ("end", "", 0)

    def take(self) -> tuple[str, str, int]:
        token = self.peek()
        self.at += 1
        return token

    def formula(self) -> Expr:
        return self._chain(self.term, "+-")

    def term(self) -> Expr:
        return self._chain(self.factor, "*/")

    def _chain(self, inner: Callable[[], Expr], signs: str) -> Expr:
        left = inner()
        while self.peek()[0] == "sign" and self.peek()[1] in signs:
            _, sign, position = self.take()
            left = Expr(sign, parts=(left, inner()), position=position)
        return left

    def factor(self) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise FormulaError("the formula is nested too deeply", f"at most {DEEPEST} levels")
        try:
            return self._factor()
        finally:
            self.depth -= 1

    def _factor(self) -> Expr:
        kind, text, position = self.take()
        if kind == "sign" and text == "-":
            return Expr("neg", parts=(self.factor(),), position=position)
        if kind == "sign" and text == "+":
            return self.factor()
        if kind == "sign" and text == "(":
            inner = self.formula()
            self._close(position)
            return inner
        if kind == "number":
            return self._number(text, position)
        if kind == "name":
            if self.peek()[1] == "(":
                return self._call(text, position)
            return Expr("name", name=text, position=position)
        said = repr(text) if text else "the end"
        raise FormulaError(f"found {said} where a number or a name should stand", "", position)

    def _close(self, position: int) -> None:
        if self.take()[1] != ")":
            raise FormulaError("a bracket is not closed", "", position)

    def _call(self, name: str, position: int) -> Expr:
        if name not in ("min", "max"):
            raise FormulaError(f"{name!r} cannot be called", "a formula may call only min and max", position)
        self.take()
        parts = [self.formula()]
        while self.peek()[1] == ",":
            self.take()
            parts.append(self.formula())
        self._close(position)
        return Expr(name, parts=tuple(parts), position=position)

    def _number(self, text: str, position: int) -> Expr:
        value = float(text.replace("_", ""))
        if not math.isfinite(value):
            raise FormulaError(f"{text} is not a finite number", "", position)
        words = ""
        kind, word, _ = self.peek()
        if (kind == "name" and is_unit(word)) or word == "%":
            words = self.take()[1]
        while True:
            sign, after = self.peek()[1], self.peek(1)
            if sign == "/" and after[0] == "name" and is_unit(after[1]):
                self.take()
                words = f"{words or '1'}/{self.take()[1]}"
            else:
                break
        return Expr("number", value=value, unit=parse_unit(words) if words else Unit(), position=position)


@lru_cache(maxsize=8192)
def parse(text: str) -> Expr:
    """Return the tree of a formula.

    Raises:
        FormulaError: The text is not a formula.
    """
    reader = _Reader(text)
    if not reader.tokens:
        raise FormulaError("the formula is empty")
    tree = reader.formula()
    kind, word, position = reader.peek()
    if kind != "end":
        hint = f"{word!r} follows where an operator should stand" if kind != "sign" else ""
        raise FormulaError(f"cannot read {text!r} from {word!r} on", hint, position)
    return tree


def names(expr: Expr) -> frozenset[str]:
    """Return the names that a formula uses."""
    if expr.kind == "name":
        return frozenset({expr.name})
    return frozenset().union(*(names(part) for part in expr.parts)) if expr.parts else frozenset()


def unit_of(expr: Expr, env: Callable[[str], Unit]) -> Unit:
    """Return the unit of a formula, or raise.

    Raises:
        FormulaError: Things of different kinds are added, or compared.
    """
    if expr.kind == "number":
        return expr.unit
    if expr.kind == "name":
        return env(expr.name)
    parts = [unit_of(part, env) for part in expr.parts]
    if expr.kind == "*":
        return parts[0] * parts[1]
    if expr.kind == "/":
        return parts[0] / parts[1]
    first = parts[0]
    for index, other in enumerate(parts[1:]):
        zero = expr.parts[index + 1]
        if other.dims != first.dims and not (zero.kind == "number" and zero.value == 0.0):
            verb = {"+": "adds", "-": "subtracts"}.get(expr.kind, "compares")
            raise FormulaError(
                f"{verb} {describe(first)} and {describe(other)}", "both must be of one kind", expr.position
            )
    return first


def evaluate(expr: Expr, env: Mapping[str, float] | Callable[[str], float]) -> float:
    """Return the number of a formula in base units.

    Raises:
        FormulaError: It divides by zero, or is not finite.
    """
    look = env if callable(env) else env.__getitem__
    if expr.kind == "number":
        return expr.value * expr.unit.factor
    if expr.kind == "name":
        return look(expr.name)
    parts = [evaluate(part, look) for part in expr.parts]
    if expr.kind == "neg":
        return -parts[0]
    if expr.kind in ("min", "max"):
        return min(parts) if expr.kind == "min" else max(parts)
    a, b = parts
    if expr.kind == "/":
        if b == 0:
            raise FormulaError("divides by zero", "", expr.position)
        return a / b
    value = {"+": a + b, "-": a - b, "*": a * b}[expr.kind]
    if not np.isfinite(value):
        raise FormulaError("is not a finite number", "", expr.position)
    return value
