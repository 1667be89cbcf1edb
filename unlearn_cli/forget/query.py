"""Conditions on the columns of a data set, in a line of text: `person == 'x' and year < 2020`.

Python's parser reads them and nothing evaluates them: what stands in no table below is refused.
"""

from __future__ import annotations

import ast
import operator
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from numbers import Number
from typing import Any

import numpy as np

from unlearn_cli.data.names import listed, one_line, unknown
from unlearn_cli.errors import InputError, in_a_line

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    **{ast.Eq: operator.eq, ast.NotEq: operator.eq},  # != is whatever == is not, missing values included
    **{ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge},
}
JOINED: dict[type[ast.boolop], Any] = {ast.And: np.logical_and, ast.Or: np.logical_or}
TRUTHS = {"true": True, "false": False}
"""As the command line spells them."""
GRAMMAR = (
    "compare columns by ==, !=, <, <=, >, >= or in ('a', 'b') with texts in quotes, numbers, true and false; "
    "join by and, or, not"
)
BACKTICKS = re.compile(r"'[^']*'|\"[^\"]*\"|`([^`]+)`")
LONGEST = 60  # characters of a part that a message repeats


@dataclass(frozen=True)
class Operand:
    """One side of a comparison."""

    text: str
    """As it was typed."""
    kind: str
    """numbers, texts or truths."""
    values: Any
    """(N,) of a column, or one value."""
    missing: Any = False
    """(N,) bool: rows of the column without a value."""
    is_column: bool = False


@dataclass(frozen=True)
class Query:
    """A condition, parsed. `key` is what messages call it by."""

    key: str
    tree: ast.expr
    named: Mapping[str, str]
    """Column by what stands for it in the tree, where its name is in backticks."""

    @classmethod
    def parsed(cls, key: str, text: str) -> Query:
        """InputError: it is no condition."""
        named: dict[str, str] = {}

        def stand_in(found: re.Match[str]) -> str:
            if found[1] is None:
                return found[0]
            named[name := f"column_in_backticks_{len(named)}"] = found[1]
            return name

        try:
            tree = ast.parse(BACKTICKS.sub(stand_in, text.strip()), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            why = error.msg if isinstance(error, SyntaxError) else in_a_line(error)
            raise InputError(f"{key}: cannot read '{one_line(text)[:LONGEST]}' ({why}); {GRAMMAR}") from error
        return cls(key, tree, named)

    def rows(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """(N,) bool: which rows meet it. A missing value meets nothing but != and not.

        Raises:
            InputError: a column or a value that is not there, kinds that do not fit, no condition.
        """
        try:
            return self._truth(self.tree, columns)
        except RecursionError as error:
            raise InputError(f"{self.key}: nested too deeply; {GRAMMAR}") from error

    def _truth(self, node: ast.expr, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """(N,) bool of a condition."""
        match node:
            case ast.BoolOp(op, values):
                joined: np.ndarray = JOINED[type(op)].reduce([self._truth(one, columns) for one in values])
                return joined
            case ast.UnaryOp(ast.Not(), operand):
                return ~self._truth(operand, columns)
            case ast.Compare(left, ops, comparators):
                sides = pairwise([left, *comparators])
                found = [self._compared(op, *two, columns) for op, two in zip(ops, sides, strict=True)]
                return np.logical_and.reduce(found)
            case ast.Name():
                one = self._operand(node, columns)
                if one.is_column and one.kind == "truths":
                    truths: np.ndarray = one.values & ~one.missing
                    return truths
                raise InputError(f"{self.key}: '{one.text}' holds {one.kind}; compare it with one of them")
            case _:
                raise self._refused(node)

    def _compared(
        self, op: ast.cmpop, left: ast.expr, right: ast.expr, columns: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        one = self._operand(left, columns)
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
                raise InputError(
                    f"{self.key}: 'in {self._said(right)}' names no list; write in ('a', 'b'), or in ('a',)"
                )
            others = [self._operand(element, columns) for element in right.elts]
            met = np.logical_or.reduce([self._met(ast.Eq(), one, other) for other in others])
            return ~met if isinstance(op, ast.NotIn) else met
        if type(op) not in COMPARISONS:
            raise InputError(f"{self.key}: write == and != in place of is and is not")
        met = self._met(op, one, self._operand(right, columns))
        return ~met if isinstance(op, ast.NotEq) else met

    def _met(self, op: ast.cmpop, one: Operand, other: Operand) -> np.ndarray:
        """(N,) bool; of != what == gives."""
        column, value = (one, other) if one.is_column else (other, one)
        if not column.is_column:
            raise InputError(f"{self.key}: neither {one.text} nor {other.text} is a column; {GRAMMAR}")
        if one.kind != other.kind:
            raise InputError(
                f"{self.key}: '{column.text}' holds {column.kind}, {value.text} is of {value.kind}; "
                f"{_right(column)}"
            )
        try:
            found = COMPARISONS[type(op)](one.values, other.values)
        except OverflowError as error:  # a whole number that no float holds, with a column of floats
            raise InputError(f"{self.key}: {value.text[:LONGEST]} is too large a number") from error
        met: np.ndarray = found & ~(one.missing | other.missing)
        if isinstance(op, ast.Eq) and not value.is_column and column.kind != "truths" and not met.any():
            there = np.unique(column.values[~column.missing]).tolist()
            raise unknown(self.key, f"value of '{column.text}' that is", value.values, list(map(str, there)))
        return met

    def _operand(self, node: ast.expr, columns: Mapping[str, np.ndarray]) -> Operand:
        said = self._said(node)
        match node:
            case ast.Name(name):
                name = self.named.get(name) or _as_spelt(name, columns)
                if name in columns:
                    return Operand(name, *_of_column(columns[name]), is_column=True)
                if name in TRUTHS:
                    return Operand(said, "truths", TRUTHS[name])
                raise unknown(self.key, "column", name, list(columns))
            case ast.Constant(bool(value)):
                return Operand(said, "truths", value)
            case ast.Constant(str(value)):
                return Operand(said, "texts", value)
            case ast.Constant(int(value) | float(value)):
                return Operand(said, "numbers", value)
            case ast.UnaryOp(ast.USub(), ast.Constant(int(value) | float(value))):
                return Operand(said, "numbers", -value)
            case _:
                raise self._refused(node)

    def _said(self, node: ast.AST) -> str:
        """A part of it, as it was typed."""
        text = ast.unparse(node)
        for name, column in self.named.items():
            text = text.replace(name, f"`{column}`")
        return one_line(text)[:LONGEST]

    def _refused(self, node: ast.expr) -> InputError:
        return InputError(f"{self.key}: '{self._said(node)}' is no part of a query; {GRAMMAR}")


def _as_spelt(name: str, columns: Collection[str]) -> str:
    """The column that Python's parser, which composes letters and accents (NFKC), has made this name of."""
    alike = (column for column in columns if unicodedata.normalize("NFKC", column) == name)
    return name if name in columns else next(alike, name)


def _of_column(values: np.ndarray) -> tuple[str, np.ndarray, np.ndarray]:
    """Kind, values (N,) and which are missing (N,) of a column; times are texts, as in 2020-01-31."""
    if values.dtype.kind in "biu":
        return ("truths" if values.dtype.kind == "b" else "numbers"), values, np.zeros(len(values), bool)
    if values.dtype.kind == "f":
        return "numbers", values, np.isnan(values)
    missing = np.array([value is None or value != value for value in values], dtype=bool)
    there = values[~missing]
    if values.dtype.kind == "O" and len(there) and all(isinstance(value, bool) for value in there):
        return "truths", np.array([value is True for value in values]), missing
    if values.dtype.kind == "O" and len(there) and all(isinstance(value, Number) for value in there):
        return "numbers", np.where(missing, np.nan, values).astype(float), missing
    return "texts", np.where(missing, "", values.astype(str)), missing


def _right(column: Operand) -> str:
    """What a value of the column looks like."""
    some = np.unique(column.values[~column.missing])[:3].tolist()
    shown = {"texts": [f"'{one_line(value)}'" for value in some], "truths": ["true", "false"]}
    return f"its values are like {listed(shown.get(column.kind, some), 3)}"
