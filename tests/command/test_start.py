"""What is imported when: an answer that needs no model waits for no package that models need."""

from pathlib import Path

import pytest
from own_process import IMPORTED, heavy_imports, in_own_process
from tiny_commands import TINY

import unlearn_cli.run


def test_the_package():
    assert heavy_imports(in_own_process(program=f"import sys, unlearn_cli; {IMPORTED}")) == []


@pytest.mark.parametrize(
    ("arguments", "environment", "answer"),
    [
        (["--help"], {}, "Usage"),
        (["--version"], {}, "unlearn "),
        (["--cfg", "job", "method=ga"], {}, "GradientAscent"),
        *[
            (["completion", "bash", "--reply"], {"COMP_LINE": line, "COMP_POINT": str(len(line))}, answer)
            for line, answer in (
                ("unlearn method=salu", "salun_soft"),
                ("unlearn method.ord", "method.order="),
            )
        ],
    ],
    ids=["help", "version", "composition", "option", "key"],
)
def test_before_any_run(arguments, environment, answer):
    done = in_own_process(*arguments, **environment)
    assert answer in done.stdout
    assert heavy_imports(done) == []


@pytest.fixture
def finished(unlearn, shared_store) -> list[str]:
    """The command of a run that is finished."""
    command = [*TINY, "method=original", "oracle=false", f"paths.store={shared_store}"]
    assert unlearn(*command).code == 0
    return command


def test_a_finished_run(finished):
    done = in_own_process(*finished)
    assert "UA" in done.stdout
    assert "already finished" in done.stderr
    assert heavy_imports(done) == []


def test_a_finished_run_is_found_when_keys_outside_its_path_differ(unlearn, finished):
    """They are checked as those of any run."""
    assert "already finished" in unlearn(*finished, "checkpoint_minutes=1").err
    wrong = unlearn(*finished, "checkpoint_minutes=-1")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.error.startswith("checkpoint_minutes: ")


@pytest.mark.parametrize("lost", ["metrics.json", "config.yaml"])
def test_a_folder_that_lacks_a_file_is_no_quick_answer(unlearn, finished, lost, monkeypatch):
    (file,) = Path("outputs").rglob(lost)
    file.unlink()
    asked = []
    monkeypatch.setattr(unlearn_cli.run, "run", lambda *run: asked.append(run) or raising())
    assert unlearn(*finished).code == 130
    assert len(asked) == 1


def raising():
    raise KeyboardInterrupt
