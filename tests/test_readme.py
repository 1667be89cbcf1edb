"""The README's tables are those of the code, and its commands compose."""

import re
import runpy
from pathlib import Path

import pytest
from commands import first_run

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [line.split("#")[0].strip() for line in README.splitlines() if line.startswith("    ")]
RUN = re.compile(r"(UNLEARN_DATA=\S+ )?unlearn( plan)?( -m)?( \w+[.@/\w]*=|$)")
RUNS = [command for command in COMMANDS if RUN.match(command)]


def test_tables_are_made_from_the_code():
    filled = runpy.run_path(str(ROOT / "scripts" / "readme_tables.py"))["filled"]
    assert filled(README) == README, "run scripts/readme_tables.py"


def test_there_are_commands():
    assert len(RUNS) > 10


@pytest.mark.parametrize("command", RUNS)
def test_commands_compose(command, unlearn):
    """Sweeps by their first choice; placeholders stand for themselves."""
    ended = unlearn(*first_run(command), "--cfg", "job")
    assert (ended.code, ended.err) == (0, "")
