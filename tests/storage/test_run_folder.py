"""Run folders: what they say of a run, whichever way it ends."""

import json
import logging

import pytest
from omegaconf import OmegaConf

from unlearn_cli.errors import InputError, Preempted, RunError
from unlearn_cli.storage.environment import environment
from unlearn_cli.storage.run_folder import RunFolder

log = logging.getLogger("unlearn")


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "a" / "run", {"seed": 0, "method": {"lr": 0.1}})


def status(folder):
    return json.loads((folder.path / "status.json").read_text())


def test_a_run_that_never_began(folder):
    assert folder.status() == {"state": "absent"}
    assert folder.result() is None
    assert not folder.path.exists()


def test_a_run_from_beginning_to_end(folder, caplog):
    caplog.set_level(logging.INFO, logger="unlearn")
    with folder.running():
        assert status(folder)["state"] == "running"
        assert folder.result() is None
        (folder.path / "unlearn.resume.pt").write_text("")
        (folder.path / ".model.1.tmp").write_text("")
        log.info("told")
        folder.keep({"metrics": {"UA": 1.0}})
        folder.finish()
    log.info("not told")
    assert status(folder)["state"] == "finished"
    assert folder.result() == {"metrics": {"UA": 1.0}}
    assert OmegaConf.load(folder.path / "config.yaml") == {"seed": 0, "method": {"lr": 0.1}}
    text = (folder.path / "log.txt").read_text()
    assert "told" in text
    assert "not told" not in text
    assert {file.name for file in folder.path.iterdir()} == {
        ".lock",
        "config.yaml",
        "environment.json",
        "log.txt",
        "metrics.json",
        "status.json",
    }


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (RunError("the loss is not finite"), "failed", "the loss is not finite"),
        (ZeroDivisionError("by zero"), "failed", "ZeroDivisionError: by zero"),
        (KeyboardInterrupt(), "failed", "interrupted; the same command resumes"),
        (Preempted("stopped by SIGTERM"), "preempted", "stopped by SIGTERM"),
        (SystemExit(-1), "preempted", None),  # submitit's handler, when it has requeued the job
    ],
)
def test_a_run_that_does_not_come_to_the_end(folder, error, state, reason):
    with pytest.raises(type(error)), folder.running():
        raise error
    assert (status(folder)["state"], status(folder)["reason"]) == (state, reason)
    assert folder.result() is None
    assert not [handler for handler in log.handlers if isinstance(handler, logging.FileHandler)]


def test_what_a_failed_run_needs_to_go_on_stays(folder):
    folder.path.mkdir(parents=True)
    (folder.path / "unlearn.resume.pt").write_text("kept")
    with pytest.raises(RunError), folder.running():
        raise RunError("disk full")
    with folder.running():
        assert (folder.path / "unlearn.resume.pt").read_text() == "kept"
        assert status(folder)["state"] == "running"


def test_the_log_of_a_resumed_run_goes_on(folder):
    log.setLevel(logging.INFO)
    for line in ("first", "second"):
        with folder.running():
            log.info(line)
    assert [line.split()[-1] for line in (folder.path / "log.txt").read_text().splitlines()] == [
        "first",
        "second",
    ]


def test_metrics_without_the_word_finished_are_no_result(folder):
    """Killed between the two writes."""
    with folder.running():
        (folder.path / "metrics.json").write_text("{}")
        assert folder.result() is None


def test_other_processes_write_nothing(tmp_path):
    folder = RunFolder(tmp_path / "run", {}, is_main=False)
    with folder.running():
        folder.finish()
    assert list(folder.path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    folder = RunFolder(tmp_path / "file" / "run", {})
    with (
        pytest.raises(InputError, match=r"paths\.outputs: cannot write to .*give a writable folder"),
        folder.running(),
    ):
        pass


def test_environment_names_what_was_run():
    found = environment()
    assert found["packages"]["torch"]
    assert found["packages"]["unlearn-cli"]
    assert len(found["commit"]) == 40


def test_the_commit_is_that_of_the_code_that_a_process_has_imported(monkeypatch):
    """Not that of a tree which has changed since, as under a sweep of a night."""
    first = environment()
    monkeypatch.setattr("unlearn_cli.storage.environment._git", lambda *_: "another")
    assert environment()["commit"] == first["commit"]
