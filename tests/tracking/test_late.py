"""`unlearn track`: what is told afterwards is what would have been told while the run went on."""

import json
import shutil

import pytest
from run_results import run_folders
from tiny_run import unlearn as made
from tracked_run import offline, sync

from unlearn_cli.config.catalogue import options
from unlearn_cli.config.describe import values_of
from unlearn_cli.config.settings import kind_of
from unlearn_cli.tracking.late import JOBS


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that nobody tracked, and its result."""
    outputs = tmp_path_factory.mktemp("outputs")
    (result,) = made(f"paths.outputs={outputs}", "method=ft", "method.epochs=2", figures=True)
    (folder,) = run_folders(outputs)
    return folder, result


def points(run, stage, axis="step"):
    key = f"{stage}/{axis}"
    return [{name: value for name, value in row.items() if "/" in name} for row in run.rows if key in row]


def by_job(server):
    return {run.sent("jobType"): run for run in server.runs.values()}


def check(server, folder, result):
    """One run each for the method, the original and the oracle, whole."""
    runs = by_job(server)
    assert runs.keys() == {"unlearn", "original", "oracle"}
    assert len(server.runs) == 3
    own, oracle, original = (runs[job] for job in ("unlearn", "oracle", "original"))

    history = [row for row in json.loads((folder / "history.json").read_text()) if row["stage"] == "unlearn"]
    curve = points(own, "unlearn")
    steps = [row["step"] for row in history]
    assert steps != [1, 2]
    assert [(row["unlearn/step"], row["unlearn/epoch"]) for row in curve] == [
        *zip(steps, (1, 2), strict=True)
    ]
    for row, kept in zip(curve, history, strict=True):
        assert row["unlearn/val/acc"] == pytest.approx(kept["val/acc"])

    for name, value in result["metrics"].items():
        assert own.summary[f"metrics/{name}"] == pytest.approx(value)
    for name, value in result["oracle"].items():
        assert own.summary[f"oracle/{name}"] == pytest.approx(value)
        assert own.summary[f"gap/{name}"] == pytest.approx(result["gap"][name])
    assert own.summary["avg_gap"] == pytest.approx(result["avg_gap"])
    for run, key in ((oracle, "oracle"), (original, "original")):
        for name, value in result[key].items():
            assert run.summary[f"metrics/{name}"] == pytest.approx(value)
    assert oracle.summary["avg_gap"] == 0
    assert len({run.config["setting"] for run in runs.values()}) == 1
    assert "method" not in oracle.config

    lines = {job: [row["course/UA"] for row in points(run, "course", "share")] for job, run in runs.items()}
    ua = {key: result[key]["UA"] for key in ("original", "oracle", "metrics")}
    assert lines["unlearn"] == pytest.approx([ua["original"], ua["metrics"]])
    assert lines["oracle"] == pytest.approx([ua["oracle"]] * 2)  # a line beside the methods
    assert lines["original"] == pytest.approx([ua["original"]] * 2)

    assert not {key for run in runs.values() for key in run.config if key.startswith("metrics")}
    glossary = json.loads(own.files["glossary.json"])
    assert glossary["UA"].startswith("UA (%) →oracle: ")
    made_with = json.loads((folder / "environment.json").read_text())
    assert own.config["environment"].items() <= made_with.items()
    media = {key for row in own.rows for key in row}
    assert {"figures/training_curves", "figures/confidence", "per_class"} <= media


def test_told_online_twice_it_is_one_run_and_its_curves_are_told_once(finished, unlearn, server):
    folder, result = finished
    end = unlearn("track", str(folder))
    assert (end.code, end.out) == (
        0,
        f"{folder}: {server.url}/tester/unlearn/runs/{by_job(server)['unlearn'].name}\n",
    )
    check(server, folder, result)
    moved = folder.with_name("moved")
    shutil.copytree(folder, moved)  # with what the client has put there
    assert unlearn("track", str(moved)).code == 0
    check(server, folder, result)
    shutil.rmtree(moved)


def test_told_offline_and_synced(finished, unlearn, server, tmp_path):
    folder, result = finished
    shutil.rmtree(folder / "wandb", ignore_errors=True)
    end = unlearn("track", str(folder), "tracking.mode=offline", f"paths.outputs={tmp_path}")
    assert end.code == 0
    assert end.out.startswith(f"{folder}: offline; to send it: wandb sync {folder}")
    assert len(offline(tmp_path)) == 2  # the original's and the oracle's
    shutil.move(folder / "wandb", tmp_path / "wandb")
    sync(tmp_path)
    check(server, folder, result)


def test_what_cannot_be_told_is_said_in_a_line(finished, unlearn, tmp_path):
    folder, _ = finished
    for arguments, message in (
        (["nowhere"], "nowhere: no such folder; give run folders"),
        ([str(tmp_path)], "no run there"),
        ([str(folder), "seed=1"], "track: seed changes nothing of a finished run; give tracking.KEY=VALUE"),
        (
            [str(folder), "tracking.mod=offline"],
            "tracking.mod: no such key or group; did you mean 'tracking.mode'?",
        ),
        ([str(folder), "tracking=none"], "track: tracking=none keeps nothing"),
        (["tracking.mode=offline"], "track: no folder"),
    ):
        end = unlearn("track", *arguments)
        assert end.code == 2
        assert message in end.error, end.error


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("history.json", None, "No such file or directory"),
        ("history.json", "{", "Expecting property name"),
        ("history.json", "[1]", "it holds no rows of epochs"),
        ("environment.json", None, "no environment.json"),
        ("environment.json", "[1]", "it holds no keys"),
    ],
)
def test_a_damaged_run_is_told_with_its_file(finished, unlearn, tmp_path, name, content, message, sealed):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    if not sealed:  # as an earlier version left it
        (folder / "status.json").write_text(json.dumps({"state": "finished", "reason": None}))
    end = unlearn("track", str(folder))
    assert end.code == 2
    wrong = f"{name} {'has changed' if content else 'is missing'}"
    assert (wrong if sealed else message) in end.error
    assert name in end.error


def test_a_run_that_is_not_told_is_an_error(finished, unlearn, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    end = unlearn("track", str(finished[0]))
    assert (end.code, end.error) == (1, f"track: 1 of 1 runs were not told whole: {finished[0]}")


def test_jobs_are_those_of_the_methods():
    for option in options("method"):
        kind = kind_of(values_of(option.path)["_target_"], option.name)
        assert JOBS.get(option.name, "unlearn") == kind.job
