"""scripts/gpu_check: each part in a process of its own, within its limit; none stops the others."""

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.gpu import __main__ as command
from scripts.gpu import child, told
from scripts.gpu.part import NotHere, Row, Wanted
from scripts.gpu.report import begun, table
from scripts.gpu.told import Told, measured, within


def test_a_command_is_killed_at_its_limit_with_what_it_started(tmp_path):
    os.mkfifo(tmp_path / "held")
    reader = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    holds = f"import time; held = open({str(tmp_path / 'held')!r}, 'w'); time.sleep(60)"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {holds!r}])"
    assert within(0.5, [sys.executable, "-S", "-c", starts], tmp_path / "log") is None
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # once nobody has it open
    os.close(reader)


def test_a_command_that_ends_tells_its_code(tmp_path):
    fails = [sys.executable, "-S", "-c", "print('here'); raise SystemExit(3)"]
    assert within(30, fails, tmp_path / "log") == 3
    assert (tmp_path / "log").read_text() == "here\n"


@pytest.fixture
def parts(monkeypatch):
    """Parts by what they do, in this process in place of one of their own."""

    def half(wanted):
        yield Row(what="first", value=1, unit="s")
        raise ValueError("no more\nof it")

    def never(wanted):
        raise NotHere("one GPU alone")
        yield

    def whole(wanted):
        yield Row(what="second", value=12345.678, unit="images/s")

    made = {
        f"scripts.gpu.parts.{part.__name__}": SimpleNamespace(measure=part) for part in (half, never, whole)
    }
    monkeypatch.setattr(child, "import_module", made.__getitem__)

    def here(limit, words, log):
        with log.open("w") as output, redirect_stdout(output):
            return None if words[3] == "slow" else child.main(*words[3:])

    monkeypatch.setattr(told, "within", here)


def test_what_becomes_of_parts(parts, tmp_path, capsys):
    into, limits = tmp_path / "found.json", {"half": 9.0, "slow": 9.0, "never": 9.0, "whole": 9.0}
    report = command.checked(begun(["--tiny"]), limits, Wanted(tiny=True), into)
    assert [(part.part, part.state, part.said) for part in report.parts] == [
        ("half", "failed", "ValueError: no more of it"),
        ("slow", "stopped", "at its limit of 9 s"),
        ("never", "left out", "one GPU alone"),
        ("whole", "done", ""),
    ]
    kept = json.loads(into.read_text())
    assert kept["command"] == "scripts/gpu_check --tiny"
    rows = [[row["what"] for row in part["rows"]] for part in kept["parts"]]
    assert rows == [["first"], [], [], ["second"]]
    assert "images/s" in capsys.readouterr().out


def test_a_table_says_why_and_rounds():
    rows = [Row(what=what, value=value, unit="s") for what, value in (("a", 0.01234), ("b", 12345.6))]
    found = Told(part="llava", state="failed", seconds=3.2, limit=60, rows=rows, said="out of memory")
    first, *lines = table(found).splitlines()
    assert first == "llava: failed (3 of 60 s): out of memory"
    assert [line.split()[1] for line in lines] == ["0.0123", "12,346"]


def test_parts_are_there_and_fit_the_eight_minutes():
    there = {file.stem for file in Path(command.__file__).parent.glob("parts/*.py")}
    assert set(command.PARTS) == there
    assert sum(command.PARTS.values()) <= command.WHOLE < 480


def test_a_part_that_there_is_not(capsys):
    with pytest.raises(SystemExit) as end:
        command.main(["throughputs"])
    assert end.value.code == 2
    assert "no part 'throughputs'; there is suite, throughput, " in capsys.readouterr().err


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(command.PARTS))
def test_every_part_measures_in_tiny_sizes(name, tmp_path):
    found = measured(name, 300, Wanted(tiny=True), tmp_path)
    assert found.state == "done", (tmp_path / f"{name}.log").read_text()
    assert found.rows
