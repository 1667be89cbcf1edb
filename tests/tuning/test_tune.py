"""Values are chosen on validation rows, each method with as many trials; a killed tuning goes on."""

from pathlib import Path
from unittest.mock import patch

import pytest
import yaml
from noisy_labels import with_noise
from tiny_run import unlearn
from tiny_tune import SMALL, VALUES, record, tune

import unlearn_cli.run
from unlearn_cli import loading
from unlearn_cli.errors import Preempted

TWO = ("method=ga,ft", "trials=2", "method.epochs=1")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """Killed at its third run, and begun again."""
    outputs, runs = tmp_path_factory.mktemp("tuned"), []
    run = unlearn_cli.run.run

    def counted(config, *more):
        runs.append(config.method.lr)
        if len(runs) == 3:
            raise Preempted("stopped")
        return run(config, *more)

    with patch.object(unlearn_cli.run, "run", counted):
        with pytest.raises(SystemExit) as ended:
            tune(outputs, *TWO)
        assert ended.value.code == 143
        tune(outputs, *TWO)
    return outputs, runs


def test_a_killed_tuning_goes_on(tuned):
    outputs, runs = tuned
    assert len(runs) == 3 + 4
    assert runs[:3] == runs[3:6]
    assert len([*(outputs / "tuned" / "trials").glob("classification/*/*/*/*/metrics.json")]) == 4
    assert not [*outputs.glob("classification")]


def test_every_method_has_as_many_trials_the_first_with_the_values_in_force(tuned):
    for method, lr in (("ga", 0.3), ("ft", 0.15)):
        found = record(tuned[0], method)
        assert [trial["trial"] for trial in found["list"]] == [1, 2]
        assert found["list"][0]["values"] == {}
        assert [*found["list"][1]["values"]] == ["method.lr"], "epochs were given"
        best = min(found["list"], key=lambda trial: trial["objective"])
        assert found["best"] == best["trial"]
        assert found["values"]["method.lr"] == best["values"].get("method.lr", lr)
        assert found["trials"] == 2
        assert found["seeds"] == [0]
        assert "VA" not in found["list"][0]["metrics"][0], "judged on validation rows"


def test_runs_take_what_was_found(tuned, capsys):
    outputs, _ = tuned

    def run(*arguments):
        more = (f"tuned={outputs / 'tuned'}", f"paths.outputs={outputs}", *SMALL[-2:])
        (result,) = unlearn(*arguments, *more)
        return yaml.safe_load((Path(result["folder"]) / "config.yaml").read_text())

    config = run("method=ft")
    assert config["method"]["lr"] == record(outputs, "ft")["values"]["method.lr"]
    chosen = record(outputs, "ft")["values"]
    assert config["tuning"] == {"trials": 2, "seeds": [0], "objective": "avg_gap", "values": chosen}
    assert config["judged_on"] == "test"
    assert config["method"]["epochs"] == 1, "typed when lr was chosen"
    assert run("method=ft", "method.lr=0.5")["method"]["lr"] == 0.5
    with pytest.raises(SystemExit) as ended:
        run("method=rl")
    assert ended.value.code == 2
    assert "holds no values of this method" in capsys.readouterr().err


def test_values_of_another_setting_are_taken_with_a_word(tuned, capsys):
    outputs, _ = tuned
    more = (f"tuned={outputs / 'tuned'}", f"paths.outputs={outputs}", *SMALL[-2:], "method=ft")
    (result,) = unlearn(*more)
    assert "tuned_for" not in result
    assert "were tuned for" not in capsys.readouterr().err
    (result,) = unlearn("forget.fraction=0.2", *more)
    assert result["tuned_for"] == {"forget.fraction": 0.1}
    assert "tuned: these values were tuned for forget.fraction=0.1" in capsys.readouterr().err
    table = (Path(result["folder"]) / "table.md").read_text()
    assert "ft's values were tuned for forget.fraction=0.1." in table
    of_random = "values=${task}/${data}/random/${method}"
    (result,) = unlearn("forget=class", "forget.classes=[3]", of_random, *more)
    assert result["tuned_for"] == {"forget": "random"}


def test_values_of_another_setting_are_not_overwritten(tuned, capsys):
    with pytest.raises(SystemExit) as ended:
        tune(tuned[0], *TWO, "forget.fraction=0.2")
    assert ended.value.code == 2
    assert (
        "holds values of ga for forget.fraction=0.1, and these are for forget.fraction=0.2"
        in capsys.readouterr().err
    )


def test_labels_of_test_rows_change_nothing(tuned, tmp_path):
    with patch.object(loading, "split", with_noise(loading.split)):
        tune(tmp_path, *TWO)
    for method in ("ga", "ft"):
        one, other = record(tuned[0], method), record(tmp_path, method)
        for key in ("best", "values"):
            assert one[key] == other[key]
        for first, second in zip(one["list"], other["list"], strict=True):
            assert first["metrics"] == second["metrics"]
        files = [outputs / VALUES / f"{method}.yaml" for outputs in (tuned[0], tmp_path)]
        assert yaml.safe_load(files[0].read_text()) == yaml.safe_load(files[1].read_text())


def test_values_that_do_not_go_together_are_a_failed_trial(tuned, tmp_path):
    store = f"paths.store={tuned[0] / 'store'}"
    tune(tmp_path, "method=ga", "trials=2", "method.epochs=1", "+method.search.momentum=[2.0]", store)
    first, second = record(tmp_path, "ga")["list"]
    assert first["failed"] is None
    assert second["failed"].startswith("method.momentum: input should be less than 1")


def test_a_destroyed_model_is_not_chosen(tuned, tmp_path):
    store = f"paths.store={tuned[0] / 'store'}"
    tune(tmp_path, "method=ga", "trials=2", "method.search.lr.times=[1e5,1e6]", store)
    found = record(tmp_path, "ga")
    assert found["best"] == 1
    assert found["list"][1]["destroyed"] or found["list"][1]["failed"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("method=nought",), "method: no option 'nought'"),
        (("method=retrain",), "method: retrain has nothing to tune"),
        (("method=ga", "method.lr=1", "method.epochs=1"), "method: ga has nothing to tune"),
        (("method=ga,ga",), "method: ga is given more than once"),
        (("method=ga", "trials=0"), "trials: input should be greater than or equal to 1"),
        (("method=ga", "data=digits,cifar10"), "data: one tuning is of one setting"),
        (("method=ga", "judged_on=test"), "judged_on: trials are judged on validation rows"),
        (("method=ga", "objective=nought"), "objective: no metric 'nought'"),
        (("method=ga", "oracle=false"), "objective: avg_gap is a distance to the oracle"),
        (("method=ga", "data.val_fraction=0"), "judged_on: 0 validation rows"),
        (("method=ga", "method.search.lr.times=[2,1]"), "its first end lies below the other"),
        (("method=ga", "+method.search.rate=[1,2]"), "no value 'rate'"),
        (("--many",), "unrecognized arguments: --many"),
    ],
)
def test_what_is_refused(arguments, told, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        tune(tmp_path, *arguments)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert told in said
    assert ended.value.code == 2


def test_what_no_trial_measures_is_told_after_the_first(tuned, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        tune(tmp_path, "method=ga", "objective=seconds", f"paths.store={tuned[0] / 'store'}")
    assert ended.value.code == 2
    assert "objective: these runs have no seconds" in capsys.readouterr().err
    assert len([*(tmp_path / "tuned" / "trials").glob("classification/*/*/*/*/metrics.json")]) == 1


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_trials_side_by_side(tuned, tmp_path):
    side_by_side = ("hydra/launcher=processes", "hydra.launcher.parallel=2")
    tune(tmp_path, "method=ga", *TWO[1:], *side_by_side, f"paths.store={tuned[0] / 'store'}")
    assert record(tmp_path, "ga")["values"] == record(tuned[0], "ga")["values"]
