"""Mutants of the package: one of its numbers is off, the rest is as it is.

Each number in a module's source is wrapped as the module is imported, `f(key, kind, number)`, so that one
process can try them all: `f` gives the number back, scaled if the mutant of that key is at work.

What is a number: a setting that is read, a constant by its name, a literal of an arithmetic expression, any
literal with a point; with `terms` also each term of a sum, whose coefficient is an unwritten 1. Left out:
what only refuses (the test of an `if` that raises, `check`, validators), what a message or the account of
passes says, whether a setting is there (`is None`, `if self.samples`), a literal index, 0, and what is so
small that it keeps a divisor from being 0 or tells when numbers are equal.
"""

import ast
import builtins
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, TypeGuard

FACTOR = 1.01
NEGLIGIBLE = 1e-5
WRAPPED = "__mutant__"
LITERAL, SETTING, TERM = "literal", "setting", "term"
NO_COEFFICIENTS = {"seed", "batch_size", "max_steps", "reads", "buffer"}
"""Settings that say with which numbers, or in how large pieces, something is computed."""
NO_SETTINGS = {"model", "original", "network", "target", "data", "sets", "layer", "weight"}
"""What has attributes of such names, too."""
VALIDATES = {"field_validator", "model_validator"}
SAYS = {"Field", "PrivateAttr", "debug", "info", "warning", "count_passes", "count_more"}


class Mutants(MetaPathFinder):
    """All of some files, and which is at work."""

    def __init__(self, files: Sequence[Path], names: set[str], terms: bool, root: Path):
        self.files, self.names, self.terms, self.root = {*files}, names, terms, root
        self.lines = {
            file: {key: node.lineno for node, key, _ in self.targets(self.tree(file), file)} for file in files
        }
        """Of each file's numbers, in their order."""
        self.active: str | None = None
        self.by_one = False
        """Whether a literal without a point counts: it becomes one more, and is not scaled."""
        self.reached: dict[str, bool] | None = None
        """While not None, it learns the key of what is come by, and whether that has been a number."""
        setattr(builtins, WRAPPED, self.value)
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if not name.startswith("unlearn_cli"):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec and spec.origin and Path(spec.origin) in self.files:
            spec.loader = Wrapping(self, name, spec.origin)
        return spec

    def tree(self, file: Path) -> ast.Module:
        return ast.parse(file.read_text(encoding="utf-8"))

    def targets(self, tree: ast.Module, file: Path) -> list[tuple[ast.expr, str, str]]:
        """Each number's node, key (of several alike the second is #2) and kind."""
        found = sorted(numbers(tree, self.names), key=lambda one: (one[0].lineno, one[0].col_offset))
        name, alike = file.relative_to(self.root).as_posix(), Counter[str]()
        keyed = []
        for node, kind in found:
            text = ast.unparse(node)
            alike[text] += 1
            keyed.append((node, f"{name}: {text}" + (f" #{alike[text]}" if alike[text] > 1 else ""), kind))
        return [one for one in keyed if self.terms or one[2] != TERM]

    def value(self, key: str, kind: str, number: Any) -> Any:
        """The number, or its mutant's."""
        if self.reached is None and key != self.active:
            return number
        other = changed(number, kind, self.by_one)
        if self.reached is not None:
            self.reached[key] = self.reached.get(key, False) or other is not None
            return number
        return number if other is None else other


class Wrapping(SourceFileLoader):
    """Reads a module with its numbers wrapped, and leaves no compiled file."""

    def __init__(self, mutants: Mutants, name: str, path: str):
        super().__init__(name, path)
        self.mutants = mutants

    def get_code(self, fullname: str) -> CodeType:
        file = Path(self.path)
        tree = self.mutants.tree(file)
        found = {id(node): (key, kind) for node, key, kind in self.mutants.targets(tree, file)}

        class Wrap(ast.NodeTransformer):
            def visit(self, node: ast.AST) -> ast.AST:
                inner = self.generic_visit(node)
                if id(node) not in found or not isinstance(inner, ast.expr):
                    return inner
                named = [ast.Constant(text) for text in found[id(node)]]
                return ast.Call(ast.Name(WRAPPED, ast.Load()), [*named, inner], [])

        return compile(ast.fix_missing_locations(Wrap().visit(tree)), self.path, "exec", dont_inherit=True)


def changed(value: Any, kind: str, by_one: bool) -> Any:
    """What a mutant makes of it; None: no number. A setting that counts is one more."""
    import torch  # once the package may be imported

    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        if kind == TERM:
            return None
        return value + 1 if kind == SETTING or by_one else value * FACTOR
    if isinstance(value, float):
        return value * FACTOR
    if isinstance(value, tuple) and kind == SETTING and value:
        parts = [changed(part, kind, by_one) for part in value]
        return None if None in parts else tuple(parts)
    if kind == SETTING:
        return None
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value * FACTOR
    return value * FACTOR if getattr(getattr(value, "dtype", None), "kind", None) == "f" else None


def names_of(trees: Sequence[ast.Module]) -> set[str]:
    """Names of the settings and of the constants that are numbers, or tuples of them."""
    settings = {
        line.target.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        if isinstance(line.value, ast.Call) and ast.unparse(line.value.func) == "Field"
        if {"int", "float", "PositiveInt"} & {ast.unparse(part) for part in ast.walk(line.annotation)}
    }
    constants = {
        name.id
        for tree in trees
        for line in tree.body
        if isinstance(line, ast.Assign) and is_number(line.value)
        for target in line.targets
        for name in (target.elts if isinstance(target, ast.Tuple) else [target])
        if isinstance(name, ast.Name)
    }
    return (settings | constants) - NO_COEFFICIENTS


def is_number(node: ast.expr) -> bool:
    """Arithmetic of literals, or a tuple of it."""
    match node:
        case ast.Constant(value=value):
            return type(value) in (int, float) and abs(value) > NEGLIGIBLE
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.Tuple(elts=parts):
            return all(is_number(part) for part in parts)
    return False


def numbers(tree: ast.AST, names: set[str]) -> Iterator[tuple[ast.expr, str]]:
    """The nodes that are numbers, with their kind."""
    left_out = {id(child) for node in ast.walk(tree) for child in without_number(node)}
    left_out |= {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inside = {id(child) for node in functions(tree) for line in node.body for child in ast.walk(line)}
    found: dict[int, tuple[ast.expr, str]] = {}
    for node in ast.walk(tree):
        if id(node) in left_out or id(node) not in inside:
            continue
        if is_setting(node, names):
            found[id(node)] = node, SETTING
        elif isinstance(node, ast.Constant) and type(node.value) is float and is_number(node):
            found[id(node)] = node, LITERAL
        for side in sides(node):
            if isinstance(side, ast.Constant) and type(side.value) is int and side.value:
                found[id(side)] = side, LITERAL
    for node in ast.walk(tree):
        if id(node) in inside and id(node) not in left_out and is_sum(node):
            for side in sides(node):
                if not any(
                    id(factor) in found or isinstance(factor, ast.Constant) for factor in factors(side)
                ):
                    found.setdefault(id(side), (side, TERM))
    yield from (one for key, one in found.items() if key not in left_out)


def functions(tree: ast.AST) -> Iterator[Any]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def is_setting(node: ast.AST, names: set[str]) -> TypeGuard[ast.expr]:
    """Whether it reads a setting, or a constant."""
    match node:
        case ast.Attribute(value=of, attr=name, ctx=ast.Load()):
            return name in names and ast.unparse(of).split(".")[-1] not in NO_SETTINGS
        case ast.Name(id=name, ctx=ast.Load()):
            return name in names and name.isupper()
    return False


def is_sum(node: ast.AST) -> bool:
    return isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, (ast.Add, ast.Sub))


def sides(node: ast.AST) -> list[ast.expr]:
    """Operands of arithmetic, without their signs."""
    match node:
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.LShift() | ast.RShift()):
            return []
        case ast.BinOp(left=left, right=right):
            return [unsigned(left), unsigned(right)]
        case ast.AugAssign(value=value, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
            return [unsigned(value)]
    return []


def unsigned(node: ast.expr) -> ast.expr:
    return node.operand if isinstance(node, ast.UnaryOp) else node


def factors(node: ast.expr) -> Iterator[ast.expr]:
    """Of a product or quotient its parts; else itself. Those of a sum scale nothing."""
    yield node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        yield from factors(unsigned(node.left))
        yield from factors(unsigned(node.right))


def without_number(node: ast.AST) -> list[ast.AST]:
    """What is left out below a node, by the rules above."""
    match node:
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot(), *_]):
            return [left]
        case ast.BoolOp(values=values):
            return [*values]
        case ast.If(test=test, body=[*_, ast.Raise()]):
            return [*ast.walk(test)]
        case ast.If(test=test) | ast.IfExp(test=test):
            return [test]
        case ast.FormattedValue() | ast.Raise() | ast.Assert():
            return [*ast.walk(node)]
        case ast.Subscript(slice=index):
            return [part for part in ast.walk(index) if not isinstance(part, ast.Attribute)]
        case ast.FunctionDef(name=name) if "check" in name.split("_") or validates(node):
            return [*ast.walk(node)]
        case ast.Call(func=function) if ast.unparse(function).split(".")[-1] in SAYS:
            return [*ast.walk(node)]
    return []


def validates(node: ast.FunctionDef) -> bool:
    return bool(VALIDATES & {ast.unparse(one).split("(")[0] for one in node.decorator_list})
