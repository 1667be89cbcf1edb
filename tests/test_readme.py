"""README's and docs' tables are those of the code, their commands compose, README stays short."""

import re
import runpy
from pathlib import Path

import pytest
from commands import first_run

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINES = [line for page in PAGES for line in page.read_text().splitlines()]
COMMANDS = [line.split("  #")[0].strip() for line in LINES if line.startswith("    ")]
RUN = re.compile(r"(UNLEARN_DATA=\S+ )?unlearn( plan)?( -m)?( '?\w+[.@/\w]*=|$)")
RUNS = [command for command in dict.fromkeys(COMMANDS) if RUN.match(command)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tables_are_made_from_the_code(page):
    filled = runpy.run_path(str(ROOT / "scripts" / "readme_tables.py"))["filled"]
    assert filled(page.read_text()) == page.read_text(), "run scripts/readme_tables.py"


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 250


def test_there_are_commands():
    assert len(RUNS) > 60


@pytest.mark.parametrize("command", RUNS)
def test_commands_compose(command, unlearn):
    """Sweeps by their first choice; placeholders stand for themselves."""
    ended = unlearn(*first_run(command), "--cfg", "job")
    assert (ended.code, ended.err) == (0, "")
