"""Files are UTF-8 whatever the locale says, and a terminal that shows less costs signs, never a run."""

import ast
from pathlib import Path

import pytest
from own_process import in_own_process
from tiny_commands import TINY

ROOT = Path(__file__).parents[2]
FILES = [
    file for folder in ("unlearn_cli", "hydra_plugins", "scripts") for file in (ROOT / folder).rglob("*.py")
]
READING = ("open", "read_text", "write_text", "fdopen", "FileHandler", "LogFile")
TEMPORARY = ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile")


def binary(call: ast.Call) -> bool:
    mode = [*call.args, *(k.value for k in call.keywords if k.arg == "mode")]
    return any(isinstance(m, ast.Constant) and isinstance(m.value, str) and "b" in m.value for m in mode)


def by_locale(call: ast.Call) -> bool:
    """Whether the call reads or writes text without naming its encoding."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    of = getattr(getattr(call.func, "value", None), "id", "")
    given = {keyword.arg for keyword in call.keywords}
    if isinstance(call.func, ast.Name) and name.endswith("_text"):  # our own
        return False
    if name == "read_text" and call.args:
        return False
    if of in ("os", "Image", "Pillow", "tarfile", "zipfile") or "encoding" in given:
        return False
    if name in TEMPORARY:  # binary unless a mode says otherwise
        return "mode" in given and not binary(call)
    return (name in READING and not binary(call)) or any(
        k.arg == "text" and getattr(k.value, "value", None) is True for k in call.keywords
    )


def test_every_text_names_its_encoding():
    found = []
    for file in FILES:
        calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
        found += [f"{file.relative_to(ROOT)}:{call.lineno}" for call in calls if by_locale(call)]
    assert found == []


PLAINEST = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def command(tmp_path, shared_store):
    """That of a run, into a folder with a sign that is not in ASCII."""
    outputs = f"paths.outputs={tmp_path / 'été'}"
    return [*TINY, outputs, f"paths.store={shared_store}", "method=ft", "method.epochs=1"]


def answered(command, tmp_path, **environment):
    """A run or its table, its plan and its comparison, each in a process of its own."""
    done = in_own_process(*command, **environment)
    (folder,) = [file.parent for file in tmp_path.rglob("metrics.json")]
    assert "–" in (folder / "table.md").read_text("utf-8")
    assert "Avg Gap" in done.stdout
    assert in_own_process("plan", *command, **environment).stdout
    compared = in_own_process(str(tmp_path), program=COMPARE, **environment)
    assert "ft" in compared.stdout


def test_a_run_and_its_comparison_in_the_plainest_locale(command, tmp_path):
    answered(command, tmp_path, **PLAINEST)


@pytest.mark.thorough
def test_a_terminal_of_few_signs_shows_a_run_and_its_comparison(command, tmp_path, unlearn):
    """Which its files know nothing of: the run is made here."""
    assert unlearn(*command).code == 0
    answered(command, tmp_path, PYTHONIOENCODING="latin-1")


def test_signs_that_a_terminal_lacks_are_plainer_ones():
    shown = in_own_process(program=SIGNS, PYTHONIOENCODING="ascii").stdout
    assert shown == "a - b +- c > d ? ?\n"


COMPARE = "from unlearn_cli.compare.command import main; main()"
SIGNS = """
from unlearn_cli.runtime.terminal import print_plainer
print_plainer()
print("a – b ± c → d é \\udce9")
"""
