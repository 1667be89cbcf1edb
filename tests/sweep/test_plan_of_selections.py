"""A plan with forget sets that have to be selected: known without making anything."""

import re

import pytest
import tiny_commands
import tiny_run

SWEEP = ("-m", "forget=worst_case", "forget.iterations=2", "forget.lower.epochs=1", "method=ft,ga")


@pytest.fixture
def planned(unlearn, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments):
        end = unlearn("plan", *tiny_commands.TINY, f"paths.outputs={tmp_path}/out", *arguments)
        assert end.code == 0, end.err
        return " ".join(end.out.split())

    return command


def test_of_an_empty_store(planned, tmp_path):
    said = planned(*SWEEP)
    assert "2 runs, 2 to do" in said
    assert "forget set 0 1" in said
    assert "oracle 0 1 ? each" in said
    assert said.index("original 0 1") < said.index("forget set") < said.index("oracle")
    assert not (tmp_path / "out").exists()


def test_as_jobs_the_selection_is_made_before_the_runs(planned):
    said = planned(*SWEEP, "hydra/launcher=processes")
    for kind in ("original", "forget set", "oracle"):
        assert f"{kind} 0 1 (1 as jobs of their own)" in said


def test_two_selections_are_told_apart(planned):
    assert "forget set 0 2" in planned(*SWEEP, "forget.mode=worst,easiest")
    assert "original 0 1" in planned(*SWEEP, "forget.mode=worst,easiest")
    assert "forget set" not in planned(*SWEEP, "forget.mode=random")


def test_after_the_run_it_is_there_and_the_rest_is_estimated(planned, tmp_path):
    def run(*arguments):
        return tiny_run.unlearn(*arguments, f"paths.outputs={tmp_path}/out")

    run("forget=random", "method=ft", "method.epochs=1")
    said = planned(*SWEEP)
    assert "forget set 0 1" in said
    assert re.search(r"oracle 0 1 \d+ s each", said), "the like of it was trained for the random set"
    run(*SWEEP[1:4], "method=ft")
    said = planned(*SWEEP)
    assert "2 runs, 1 to do" in said
    for kind in ("original", "forget set", "oracle"):
        assert f"{kind} 1 0" in said
    assert re.search(r"forget set 0 1 \d+ s each", planned(*SWEEP, "seed=1"))
