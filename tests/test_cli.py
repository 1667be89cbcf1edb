"""The command: exit codes, what it prints, what it leaves behind."""

import json
import logging
from pathlib import Path

import pytest

import unlearn_cli.run
from unlearn_cli.errors import Preempted, RunError

FILES = {
    ".lock",
    "config.yaml",
    "environment.json",
    "forget.json",
    "history.json",
    "identity.json",
    "log.txt",
    "metrics.json",
    "table.md",
    "model.json",
    "model.safetensors",
    "status.json",
}
GA = ("method=ga", "method.epochs=1")


def run_folders(outputs: Path = Path("outputs")) -> list[Path]:
    return sorted(file.parent for file in outputs.rglob("status.json"))


def raising(error: BaseException):
    def run(*_):
        raise error

    return run


def test_version(unlearn):
    code, out, _ = unlearn("--version")
    assert code == 0
    name, number = out.split()
    assert name == "unlearn"
    assert number[0].isdigit()


def test_a_run_leaves_its_folder_and_nothing_else(tiny, tmp_path):
    end = tiny(*GA, "paths.store=outputs/store")
    assert end.code == 0, end.err
    assert "UA" in end.out
    assert {path.name for path in tmp_path.iterdir()} == {"outputs"}
    assert {path.name for path in Path("outputs").iterdir()} == {"classification", "store"}
    (folder,) = run_folders()
    assert {path.name for path in folder.iterdir()} == FILES
    assert folder.parts[1:5] == ("classification", "digits", "resnet20", "random")
    assert "evaluating" in (folder / "log.txt").read_text()


def test_figures_are_drawn(unlearn, shared_store):
    small = ("data.subset=0.2", "train.epochs=1", "progress=false", "model.depth=8", "model.width=8")
    assert unlearn(*small, *GA, "device=cpu", f"paths.store={shared_store}").code == 0
    (folder,) = run_folders()
    assert {path.name for path in folder.iterdir()} == FILES | {"figures"}
    assert all(path.stat().st_size > 1000 for path in (folder / "figures").iterdir())


def test_a_finished_run_answers_from_its_folder(tiny):
    first = tiny(*GA)
    second = tiny(*GA)
    assert second.code == 0
    assert "already finished" in second.err
    assert second.out == first.out


def test_a_value_may_refer_to_another(tiny):
    assert tiny(*GA, "method.lr=${train.lr}").code == 0
    (folder,) = run_folders()
    assert "lr: 0.1" in (folder / "config.yaml").read_text().split("method:")[1]


def test_a_sweep_goes_on_after_a_failure(tiny):
    end = tiny("-m", "method=ga", "method.epochs=3", "method.lr=1e30,1e-3")
    assert end.code == 1
    assert "Traceback" not in end.err
    closing = end.err.split("error: 1 run(s) of the sweep failed:")[1].splitlines()
    assert [line for line in closing if "method.lr=1e30" in line and "not finite" in line]
    states = [json.loads((folder / "status.json").read_text())["state"] for folder in run_folders()]
    assert sorted(states) == ["failed", "finished"]
    assert {path.name for path in Path("outputs").iterdir()} == {"classification", "sweeps"}
    (sweep,) = Path("outputs/sweeps").iterdir()
    assert {path.name for path in sweep.iterdir()} == {"sweep.json"}


def test_a_sweep_with_a_wrong_value_is_not_begun(refused):
    said = refused("-m", "method=ga", "method.lr=1e-3,-1")
    assert said == "method.lr: input should be greater than 0, got -1 (in the sweep's run method.lr=-1)"


def test_a_sweep_over_no_value_is_refused(refused):
    assert refused("-m", "seed=range(0)") == "seed=range(0): a sweep over no value; range(3) is 0, 1, 2"


@pytest.mark.parametrize("value", ["inf", "1e400", "nan"])
def test_a_number_is_finite(refused, value):
    assert refused("method=ga", f"method.lr={value}").startswith("method.lr: input should be a finite number")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (" ", "cannot read ' ': key=value is right; "),
        ("=3", "cannot read '=3': key=value is right; "),
        ("statu", "cannot read 'statu': did you mean unlearn status?"),
        ("~method", "method: '~method' chooses nothing; method=NAME chooses an option"),
    ],
)
def test_a_word_that_is_no_override(refused, typed, said):
    assert refused(typed).startswith(said)


def test_flags_may_stand_anywhere(tiny):
    end = tiny("method=ga", "--cfg", "job", "seed=1", "--config-dir", ".", "data=digits")
    assert end.code == 0, end.err
    assert "GradientAscent" in end.out


def test_a_sweep_ends_at_an_interruption(tiny, monkeypatch):
    monkeypatch.setattr(unlearn_cli.run, "run", raising(KeyboardInterrupt()))
    end = tiny("-m", "method=ga,ft")
    assert end.code == 130
    assert "run 2 of" not in end.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (RunError("it broke"), 1, "it broke"),
        (Preempted("stopped by SIGTERM"), 143, "stopped by SIGTERM"),
        (KeyboardInterrupt(), 130, "interrupted; the same command resumes"),
        (OSError(5, "Input/output error", "x.json"), 1, "x.json: Input/output error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_how_a_run_may_end(tiny, monkeypatch, error, code, line):
    monkeypatch.setattr(unlearn_cli.run, "run", raising(error))
    end = tiny()
    assert end.code == code
    assert line in end.error
    assert "Traceback" not in end.err


def test_a_fault_of_the_program_keeps_its_traceback(tiny, monkeypatch):
    monkeypatch.setattr(unlearn_cli.run, "run", raising(ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError):
        tiny()


@pytest.mark.parametrize("wrong", ["mehtod=ga", "method.lr=-1"])
def test_a_traceback_on_demand(tiny, monkeypatch, wrong):
    monkeypatch.setenv("UNLEARN_TRACEBACK", "1")
    end = tiny(wrong)
    assert end.code == 2
    assert "Traceback" in end.err
    assert end.err.splitlines()[-1] == f"error: {end.error}"


def test_lines_come_once_whatever_libraries_say(tiny, monkeypatch):
    """The first logging.info() of a library, as open_clip's, gives the root logger a handler."""

    def speaks(*_):
        logging.info("a library")
        logging.getLogger("unlearn").info("a line of ours")
        raise RunError("it broke")

    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(unlearn_cli.run, "run", speaks)
    assert tiny().err.count("a line of ours") == 1
