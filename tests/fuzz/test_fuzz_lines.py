"""Bad command lines end well: exit code 2, a line with the key as typed and the remedy, nothing written."""

import re
from collections import Counter
from pathlib import Path

import pytest
from fuzz.examples import always_the_same
from fuzz.lines import Line, lines
from hypothesis import given

from unlearn_cli.storage.run_folder import RunFolder

REMEDY = re.compile(
    r";|did you mean|should (be|have|match)|set |give |use |choose |there (is|are)|is right|belongs|at most|"
    r"as a text|unlearn -m"
)


def fault(line: Line, end) -> str | None:
    """What is wrong with how a command ended."""
    if "Traceback" in end.err:
        return f"a traceback: {end.err.splitlines()[-1]}"
    if end.code != 2:
        return f"exit code {end.code}: {end.err[-300:]}"
    if end.out or (written := [str(file) for file in Path().rglob("*") if file.is_file()]):
        return f"printed or written: {end.out or written}"
    if len(end.err.splitlines()) > 4:
        return f"{len(end.err.splitlines())} lines"
    if line.named not in end.error:
        return f"the key is not named: {end.error}"
    return None if REMEDY.search(end.error.lower()) else f"no remedy: {end.error}"


def faults_of(count: int, of_methods: bool, unlearn, monkeypatch) -> list[str]:
    """Of so many lines, always the same."""

    def begun(*_):
        raise AssertionError("begun")

    monkeypatch.setattr(RunFolder, "running", begun)
    found, tried = [], Counter()

    @always_the_same(count)
    @given(lines(of_methods))
    def each(line: Line) -> None:
        tried[line.arguments] += 1
        if tried[line.arguments] > 1:
            return
        try:
            end = unlearn(*line.arguments)
        except Exception as error:
            wrong = f"raised {type(error).__name__}: {error}"
        else:
            wrong = fault(line, end)
        if wrong:
            found.append(f"unlearn {' '.join(line.arguments)}\n    {wrong}")

    each()
    print(f"{len(tried)} lines, {len(found)} faults")
    return found


def test_some_bad_lines(unlearn, monkeypatch):
    found = faults_of(40, False, unlearn, monkeypatch)
    assert not found, "\n".join(found)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_a_thousand_bad_lines(unlearn, monkeypatch):
    found = faults_of(1100, True, unlearn, monkeypatch)
    assert not found, "\n".join([f"{len(found)} faults", *found])
