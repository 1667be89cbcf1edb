"""Help and completion: complete, and as wide as the terminal."""

import os
import shutil
import subprocess
import sys

import pytest
from own_process import PROGRAM, in_own_process
from tiny_commands import methods

from unlearn_cli.config.catalogue import conf_folder, groups, options


@pytest.fixture(scope="module")
def wide() -> subprocess.CompletedProcess[str]:
    return in_own_process("--help", COLUMNS="200")


def test_help_lists_every_option_with_its_description(wide):
    shown = listed(wide.stdout)
    for group in groups():
        assert (f"({group}=…)" in wide.stdout) == bool(options(group))
        for option in options(group):
            fits = group != "method" or option.name in methods("classification")
            assert ((option.name, option.description) in shown) == fits
    assert "(optim@method=…, optim@train=…)" in wide.stdout
    assert "(sampler@eval.sampler=…, sampler@method.sampler=…)" in wide.stdout
    for group in ("optim", "sampler"):
        assert {(option.name, option.description) for option in options(group)} <= shown


def listed(text: str) -> set[tuple[str, str]]:
    """What the lines of a wide help say, as (name, description)."""
    return {
        (name, what.strip()) for name, _, what in (line.strip().partition(" ") for line in text.splitlines())
    }


def test_help_has_no_option_without_a_line(wide):
    for group in (*groups(), "optim", "sampler"):
        assert all(option.description and option.command.startswith("unlearn") for option in options(group))


@pytest.mark.parametrize("task", [option.name for option in options("task")])
def test_help_names_the_methods_of_the_task(task):
    shown = listed(in_own_process("--help", f"task={task}", COLUMNS="200").stdout)
    own = {option.name for option in options("method") if (option.name, option.description) in shown}
    assert own == set(methods(task)) < {option.name for option in options("method")}


@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal(columns):
    lines = in_own_process("--help", COLUMNS=str(columns)).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert "unlearn -m method=retrain,ft,ga,salun seed=0,1,2" in "\n".join(lines)


@pytest.mark.parametrize(
    ("line", "first", "absent"),
    [
        ("unlearn method=s", "method=sa", "method=ga"),
        ("unlearn meth", "method.", "mask="),
        ("unlearn method=ga data=ci", "data=cifar10", "data=svhn"),
        ("unlearn method=ga method.l", "method.lr=", "method.batch_size="),
    ],
)
def test_completion(line, first, absent):
    """As the installed bash script asks."""
    done = in_own_process("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert done.stdout.split()[0] == first
    assert absent not in done.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_tab_in_bash(tmp_path):
    """The script that help names, installed in a shell: what TAB would put on the line."""
    program = tmp_path / "unlearn"
    program.write_text(f"#!{sys.executable}\n{PROGRAM}")
    program.chmod(0o755)
    script = """
    eval "$(unlearn --shell-completion install=bash)"
    [[ $(complete -p unlearn) == *hydra_bash_completion* ]] || exit 1
    COMP_LINE="unlearn method=sal" COMP_CWORD=1 COMP_POINT=18
    hydra_bash_completion
    echo "${COMPREPLY[@]}"
    """
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=os.environ | path)
    assert done.stdout.split() == ["method=salun", "method=salun_soft"], done.stderr


def test_help_limits_methods_to_the_task_and_shows_own_yaml(tmp_path):
    (tmp_path / "method").mkdir()
    opening = "# unlearn method=mine\n# Mine: a method of one's own\n"
    (tmp_path / "method" / "mine.yaml").write_text(opening)
    (tmp_path / "method" / "theirs.yaml").write_text(opening + "# Tasks: diffusion, clip\n")
    shown = in_own_process("--help", "--config-dir", str(tmp_path)).stdout
    assert "Mine: a method of one's own" in shown
    assert "theirs" not in shown
    shown = in_own_process("--help", f"--config-dir={tmp_path}", "task=clip").stdout
    assert "theirs" in shown


def test_conf_is_found():
    assert (conf_folder() / "config.yaml").is_file()
