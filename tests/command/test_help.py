"""Help and completion: complete, and as wide as the terminal."""

import re

import pytest
from own_process import in_own_process
from tiny_commands import methods

from unlearn_cli.command.chosen import EVERY_GROUP
from unlearn_cli.config.catalogue import conf_folder, docs_folder, fits, options


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_help_is_short_and_fits_the_terminal(columns):
    lines = in_own_process("--help", COLUMNS=columns).stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert len(lines) <= (135 if columns == "60" else 100)
    assert lines[0] == "Usage"


def test_help_names_every_option():
    shown = in_own_process("--help").stdout
    for group in EVERY_GROUP:
        assert (f"\n{group}  " in shown) == bool(options(group))
        assert all(re.search(rf"\s{re.escape(option.name)}[,\n]", shown) for option in options(group))


@pytest.mark.parametrize("group", EVERY_GROUP)
def test_a_groups_help_has_a_line_for_each_option(unlearn, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "250")
    shown = unlearn(group, "--help").out
    assert f"{group}" in shown.splitlines()[0]
    for option in options(group):
        assert option.command.startswith("unlearn")
        assert re.search(rf"^{option.name} +{re.escape(option.description)}", shown, re.MULTILINE)


@pytest.mark.parametrize("task", [option.name for option in options("task")])
def test_a_tasks_help_lists_all_that_fits_it_and_nothing_else(unlearn, monkeypatch, task):
    monkeypatch.setenv("COLUMNS", "250")
    shown = unlearn(f"task={task}", "--help").out
    listed = {" ".join(line.split()) for line in shown.splitlines()}
    for group in set(EVERY_GROUP) - {"task"}:
        for option in options(group):
            assert (f"{option.name} {option.description}" in listed) == fits(option.path, task)
    assert set(methods(task)) < {option.name for option in options("method")}


def test_a_plans_help(unlearn):
    assert "unlearn plan method=salun" in unlearn("plan", "--help").out


OPENING = "# unlearn method=mine\n# Mine: a method of one's own\n"


@pytest.mark.parametrize("opening", [OPENING, f"# yaml-language-server: $schema=a.json\n{OPENING}"])
def test_help_shows_yaml_of_ones_own(unlearn, tmp_path, opening):
    (tmp_path / "method").mkdir()
    (tmp_path / "method" / "mine.yaml").write_text(opening)
    (tmp_path / "method" / "theirs.yaml").write_text(opening + "# Tasks: diffusion, clip\n")
    assert "theirs" in unlearn("--help", "--config-dir", str(tmp_path)).out
    shown = unlearn("task=classification", "--help", f"--config-dir={tmp_path}").out
    assert re.search("mine +Mine: a method of one's own", shown)
    assert "theirs" not in shown
    assert "theirs" in unlearn("--help", f"--config-dir={tmp_path}", "task=clip").out


def test_conf_and_docs_are_found():
    assert (conf_folder() / "config.yaml").is_file()
    assert (docs_folder() / "README.md").is_file()
