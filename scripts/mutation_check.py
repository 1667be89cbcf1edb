"""Does a parity test see an error of 1 % in any coefficient of its method?

Each number of a file (see scripts/mutants.py) is scaled by 1.01, one after another, a setting that counts is
one more; then the parity tests that come by it run, the quickest first, until one fails: it has caught the
mutant. A method has the test of its name, a part that several share one of its own or those of its family.
The numbers of scripts/mutants_left.yaml are left out, for the reasons given there.

Run: scripts/mutation_check [NAME…]
"""

import argparse
import ast
import io
import sys
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.runner import runtestprotocol

from scripts.mutants import Mutants, names_of

ROOT = Path(__file__).parents[1]
PACKAGE, TESTS = ROOT / "unlearn_cli", ROOT / "tests" / "parity"
LEFT = Path(__file__).with_name("mutants_left.yaml")
FORMULAS = (
    "methods/**/*",
    "forget/[blp]*",
    "training/[lmos]*",
    "tasks/**/*",
    "models/diffusion/[dns]*",
    "sae/[es]*",
    "sae/autoencoder",
    "evaluation/[adgp]*",
    "evaluation/attacks/*",
    "evaluation/classification/mia",
    "evaluation/clip/metrics",
    "evaluation/diffusion/[fil]*",
)
"""Where formulas are."""
CAUGHT, LEFT_OUT, MISSED, UNREACHED = OUTCOMES = "caught", "left out", "not caught", "not reached"


def main() -> int:
    parser = argparse.ArgumentParser("scripts/mutation_check", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="methods or other files, or folders of them as diffusion, training; none: all",
    )
    parser.add_argument("--terms", action="store_true", help="each term of a sum, too")
    asked = parser.parse_args()
    names = {*asked.names}
    files = [file for file in all_files() if not names or names & {*parts(file)}]
    if not files:
        parser.error(f"no file or folder of {', '.join(sorted(names))}")
    known = names_of([ast.parse(file.read_text("utf-8")) for file in all_files()])
    check = Check(Mutants(files, known, asked.terms, PACKAGE))
    tests = sorted({str(test) for file in files for test in tests_of(file)})
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", *tests]
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main(arguments, plugins=[check])
    if code:
        raise SystemExit(said.getvalue())
    table(check.found)
    return 0 if {*check.found.values()} <= {CAUGHT, LEFT_OUT} else 1


def all_files() -> list[Path]:
    return sorted({file for place in FORMULAS for file in PACKAGE.glob(f"{place}.py")})


def parts(file: Path) -> tuple[str, ...]:
    return file.relative_to(PACKAGE).with_suffix("").parts


def tests_of(file: Path) -> list[Path]:
    """Its parity test; if it has none, its test elsewhere and its family's parity tests; else all of them."""
    inside, family = file.relative_to(PACKAGE).parent, TESTS / file.parent.name
    own = [*TESTS.glob(f"*/test_{file.stem}.py")]
    elsewhere = [*(TESTS.parent / inside).glob(f"test*_{file.stem}*.py")]
    return own or [*elsewhere, *([family] if family.is_dir() else [])] or [TESTS]


class Check:
    """In place of pytest's loop: each test as it is, then each mutant with the tests that reach it."""

    def __init__(self, mutants: Mutants):
        self.mutants = mutants
        self.left = {key for keys in yaml.safe_load(LEFT.read_text("utf-8")).values() for key in keys}
        self.found: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reach: dict[str, list[tuple[float, pytest.Item]]] = {}
        seen: set[str] = set()
        for item in session.items:
            self.mutants.reached, start = {}, time.perf_counter()
            if self.failure(item):
                raise SystemExit(f"{item.nodeid} fails as it is")
            seconds = time.perf_counter() - start
            seen |= {*self.mutants.reached}
            for key in (key for key, number in self.mutants.reached.items() if number):
                reach.setdefault(key, []).append((seconds, item))
        self.mutants.reached = None
        for file, lines in sorted(self.mutants.lines.items()):
            own = tests_of(file)
            for key in (key for key in lines if key in reach or key not in seen):
                tests = sorted(reach.get(key, []), key=lambda one: one[0])
                items = [item for _, item in tests if {item.path, *item.path.parents} & {*own}]
                self.found[key] = LEFT_OUT if key in self.left else self.outcome(key, items)
                print(f"{self.found[key]} {key} (line {lines[key]})", file=sys.__stderr__, flush=True)
        return True

    def outcome(self, key: str, items: list[pytest.Item]) -> str:
        self.mutants.active = key
        try:
            return (CAUGHT if any(self.sees(item) for item in items) else MISSED) if items else UNREACHED
        finally:
            self.mutants.active = None

    def sees(self, item: pytest.Item) -> bool:
        failure = self.failure(item)
        if failure.startswith(("TypeError", "IndexError")):  # it wants a whole number
            self.mutants.by_one = True
            failure = self.failure(item)
            self.mutants.by_one = False
        return bool(failure)

    def failure(self, item: Any) -> str:
        """What a test that fails says; "": it passes."""
        item._initrequest()
        reports = [report for report in runtestprotocol(item, log=False, nextitem=None) if report.failed]
        crash = getattr(reports[0].longrepr, "reprcrash", None) if reports else None
        return str(crash.message if crash else "fails") if reports else ""


def table(found: dict[str, str]) -> None:
    """By folder, in Markdown."""
    counts = Counter((key.split(": ")[0].rpartition("/")[0], outcome) for key, outcome in found.items())
    print(f"| | numbers | {' | '.join(OUTCOMES)} |\n|---|{'---|' * (1 + len(OUTCOMES))}")
    for folder in sorted({folder for folder, _ in counts}):
        row = [counts[folder, outcome] for outcome in OUTCOMES]
        print(f"| {folder} | {sum(row)} | {' | '.join(map(str, row))} |")


if __name__ == "__main__":
    sys.exit(main())
