"""Does a parity test see an error of 1 % in any coefficient of its method?

A mutant is a method's file in which one number is changed: a use of one of its own numeric settings, or a
literal in an arithmetic expression. It is scaled by 1.01; a setting that counts is one more. The mutant takes
the module's place in memory, and the method's parity test runs: a test that fails has caught it.
What is known of a file and a test that have not changed, nor this, is kept.

Run: scripts/mutation_check [NAME…]
"""

import argparse
import ast
import importlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from unlearn_cli.config.settings import Settings
from unlearn_cli.training.optim import Recipe

ROOT = Path(__file__).parents[1]
PACKAGE, TESTS = ROOT / "unlearn_cli", ROOT / "tests" / "parity"
RESULTS = ROOT / "outputs" / "mutation_check.json"
ELSEWHERE = {
    "lower": "forget/lower.py",
    "selection": "forget/bilevel.py",
    "one_pass": "tasks/recognition.py",
    "mia": "evaluation/classification/mia.py",
    "unlearndiffatk": "evaluation/attacks/unlearndiffatk.py",
    "p4d": "evaluation/attacks/p4d.py",
    "cce": "evaluation/attacks/cce.py",
    "ring_a_bell": "evaluation/attacks/ring_a_bell.py",
}
"""Files of parity tests that are of no method."""
CHANGE = "__changed__"
FACTOR = 1.01


def main() -> int:
    parser = argparse.ArgumentParser("scripts/mutation_check", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="methods, or families as classification; none: all"
    )
    asked = parser.parse_args().names
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    caught = total = 0
    for name, file, test in pairs(asked):
        found = known[name] = checked(file, test, known.get(name, {}))
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        report(name, found)
        caught += sum(found["mutants"].values())
        total += len(found["mutants"])
    print(f"{caught} of {total} caught")
    return 0 if caught == total else 1


def pairs(asked: list[str]) -> Iterator[tuple[str, Path, Path | None]]:
    """Name, file and parity test of what is asked for; no test: None."""
    tests = {path.stem.removeprefix("test_"): path for path in sorted(TESTS.glob("*/test_*.py"))}
    files = {
        path.stem: path for path in sorted((PACKAGE / "methods").rglob("*.py")) if path.stem != "__init__"
    }
    files |= {name: PACKAGE / path for name, path in ELSEWHERE.items()}
    for name, file in files.items():
        room = tests[name].parent.name if name in tests else file.parent.name
        if not asked or name in asked or room in asked:
            yield name, file, tests.get(name)


def report(name: str, found: dict[str, Any]) -> None:
    mutants = found["mutants"]
    note = found.get("note") or f"{sum(mutants.values())} of {len(mutants)} caught"
    print(f"{name}: {note}", flush=True)
    for mutant in (mutant for mutant, seen in mutants.items() if not seen):
        print(f"  not caught: {mutant}", flush=True)


def checked(file: Path, test: Path | None, known: dict[str, Any]) -> dict[str, Any]:
    """Whether each mutant of the file is caught, by what it scales; `known`: the last answer."""
    source = file.read_text(encoding="utf-8")
    texts = [file, *([test] if test else []), Path(__file__)]
    of = sha256("".join(path.read_text(encoding="utf-8") for path in texts).encode()).hexdigest()[:12]
    if known.get("of") == of:
        return known
    module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    targets = scalable(ast.parse(source), settings_of(module))
    found: dict[str, Any] = {"of": of, "mutants": {}}
    if not targets:
        return found | {"note": "nothing to scale"}
    if not test:
        return found | {
            "note": f"no parity test; {len(targets)} numbers",
            "mutants": dict.fromkeys(spelt(targets), False),
        }
    if not passes(test):
        return found | {"note": "its test fails as it is", "mutants": dict.fromkeys(spelt(targets), False)}
    try:
        for number, mutant in enumerate(spelt(targets)):
            exec(compile(mutated(source, module, number), str(file), "exec"), vars(module))
            found["mutants"][mutant] = not passes(test)
    finally:
        exec(compile(source, str(file), "exec"), vars(module))
    return found


def settings_of(module: ModuleType) -> set[str]:
    """Numeric fields of the module's settings classes, but for those of every recipe."""
    kinds = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Settings) and kind.__module__ == module.__name__
    ]
    fields = {name: field.annotation for kind in kinds for name, field in kind.model_fields.items()}
    numbers = {
        name for name, annotation in fields.items() if {int, float} & {annotation, *get_args(annotation)}
    }
    return numbers - {*Recipe.model_fields}


def scalable(tree: ast.AST, fields: set[str]) -> list[ast.expr]:
    """Uses of these fields of `self`, and literals other than 0 in arithmetic, by position.

    Left out: whether a setting is there (`is None`, `if self.samples`), and what a message says.
    """
    found: dict[int, ast.expr] = {}
    idle = {id(child) for node in ast.walk(tree) for child in without_number(node)}
    for node in ast.walk(tree):
        if id(node) in idle:
            continue
        if isinstance(node, ast.Attribute) and node.attr in fields and isinstance(node.value, ast.Name):
            if node.value.id == "self" and isinstance(node.ctx, ast.Load):
                found[id(node)] = node
        elif isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.BitOr, ast.BitAnd)):
            for side in (node.left, node.right):
                if isinstance(side, ast.Constant) and type(side.value) in (int, float) and side.value:
                    found[id(side)] = side
    return sorted(found.values(), key=lambda node: (node.lineno, node.col_offset))


def without_number(node: ast.AST) -> list[ast.AST]:
    """Children of which only the truth is asked, or that are part of a message."""
    match node:
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot(), *_]):
            return [left]
        case ast.BoolOp(values=values):
            return [*values]
        case ast.If(test=test) | ast.IfExp(test=test):
            return [test]
        case ast.FormattedValue(value=value):
            return [value]
    return []


def spelt(targets: list[ast.expr]) -> list[str]:
    return [f"line {node.lineno}, column {node.col_offset}: {ast.unparse(node)}" for node in targets]


def mutated(source: str, module: ModuleType, number: int) -> ast.Module:
    """The source with its `number`th target scaled."""
    tree = ast.parse(source)
    target = scalable(tree, settings_of(module))[number]
    vars(module)[CHANGE] = changed

    class Scale(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if node is target:
                if isinstance(target, ast.Constant) and isinstance(target.value, (int, float)):
                    return ast.Constant(target.value * FACTOR)
                return ast.Call(ast.Name(CHANGE, ast.Load()), [target], [])
            return self.generic_visit(node)

    Scale().visit(tree)
    return ast.fix_missing_locations(tree)


def changed(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value + 1
    return value * FACTOR if isinstance(value, float) else value


def passes(test: Path) -> bool:
    """Whether the test passes with the modules as they are in memory."""
    for name in [name for name in sys.modules if name.startswith("parity.")]:
        del sys.modules[name]  # they hold the classes of the mutant before
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([str(test), "-x", "-q", "-p", "no:cacheprovider", "--no-header"])
    if code not in (0, 1):
        raise SystemExit(said.getvalue())
    return code == 0


if __name__ == "__main__":
    sys.exit(main())
