"""optuna's suggestions follow from the trials before; without optuna one line says what to install."""

import sys

import pytest
from tiny_tune import record, tune

import unlearn_cli.run
from unlearn_cli.config.ranges import Range
from unlearn_cli.config.tune_keys import TuneSettings
from unlearn_cli.errors import Preempted
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.evaluation.objective import Objective
from unlearn_cli.tuning import tpe
from unlearn_cli.tuning.rounds import run_trials
from unlearn_cli.tuning.trials import Setting, Trial

AVG = Objective(("avg_gap",), None, MEANINGS)
LR, EPOCHS = "method.lr", "method.epochs"


@pytest.fixture
def optuna():
    return pytest.importorskip("optuna")


class Search:
    """Trials whose runs are arithmetic: of values, the gap and the warnings; no gap is a failed run."""

    def __init__(self, monkeypatch, outcome, **spaces):
        self.setting, self.outcome, self.batches = Setting("ft", [], spaces), outcome, []
        self.in_force = {key: value for key, (_, value) in spaces.items()}
        monkeypatch.setattr(Setting, "runs", lambda _, values: [self.in_force | values])
        monkeypatch.setattr(Setting, "check", lambda *_: None)
        monkeypatch.setattr(Trial, "take", lambda trial, folders: self.take(trial, folders))

    def take(self, trial, folders):
        (values,) = folders
        gap, *warnings = self.outcome(values)
        found = {"avg_gap": gap, "warnings": warnings, "metrics": {}, "gap": {}}
        trial.results = [found if gap is not None else None]

    def launch(self, runs):
        self.batches.append(len(runs))
        return runs

    def trials(self, count: int, at_once: int = 1) -> list[Trial]:
        wanted = TuneSettings(trials=count, sampler="tpe")
        trials = {"ft": self.setting.trials(tpe.STARTUP, wanted.draw)}
        run_trials({"ft": self.setting}, trials["ft"], self.launch, False, AVG)
        tpe.run_suggested({"ft": self.setting}, trials, self.launch, wanted, AVG, at_once)
        return trials["ft"]


def spaces() -> dict:
    return {
        LR: (Range(times=[0.01, 100]), 0.1),
        EPOCHS: (Range(times=[0.5, 2]), 9),
        "method.k": ([8, [2]], 8),
    }


def near(values) -> tuple:
    return (abs(values[LR] - 2) + (values["method.k"] == 8),)


def test_suggestions_follow_from_the_trials_before(optuna, monkeypatch):
    search = Search(monkeypatch, near, **spaces())
    short, long = search.trials(14), search.trials(20)
    assert [trial.number for trial in long] == [*range(1, 21)]
    assert [trial.values for trial in short] == [trial.values for trial in long[:14]]
    assert [trial.values for trial in long[:10]] == [trial.values for trial in search.setting.trials(10, 0)]
    search.outcome = lambda values: (-near(values)[0],)
    assert [trial.values for trial in search.trials(14)][10:] != [trial.values for trial in short][10:]


def test_they_lie_in_the_ranges_near_the_best(optuna, monkeypatch):
    suggested = [trial.values for trial in Search(monkeypatch, near, **spaces()).trials(30)[10:]]
    for values in suggested:
        assert 0.001 <= values[LR] <= 10
        assert values[LR] == float(f"{values[LR]:.3g}")
        assert isinstance(values[EPOCHS], int)
        assert 4 <= values[EPOCHS] <= 18
        assert values["method.k"] in (8, [2])
    assert sum(0.5 < values[LR] < 5 for values in suggested) > 7, "5, were they drawn"
    assert sum(values["method.k"] == [2] for values in suggested) > 12, "10, were they drawn"


@pytest.mark.parametrize("bad", [(None,), (0.0, "The model is destroyed")], ids=["failed", "destroyed"])
def test_they_keep_from_what_failed_or_destroyed_a_model(optuna, monkeypatch, bad):
    """Though the best gap lies there."""
    search = Search(monkeypatch, lambda values: bad if values[LR] > 0.1 else (1.0,), **spaces())
    assert sum(trial.values[LR] > 0.1 for trial in search.trials(30)[10:]) < 8, "10, were they drawn"


def test_values_in_force_may_lie_outside_of_their_ranges(optuna, monkeypatch):
    outside = {LR: (Range(low=1, high=4), None), EPOCHS: ([1, 2], 5), "method.a": (Range(low=0, high=1), 0.5)}
    outside["method.n"] = (Range(low=0.1, high=9, log=True), 0)
    found = Search(monkeypatch, lambda values: (values["method.a"],), **outside).trials(12)
    assert found[0].values == {}
    assert all(1 <= trial.values[LR] <= 4 for trial in found[10:])


def test_a_parallel_launcher_has_different_ones_side_by_side(optuna, monkeypatch):
    search = Search(monkeypatch, near, **spaces())
    found = search.trials(20, at_once=tpe.SIDE_BY_SIDE)
    assert search.batches == [10, 4, 4, 2]
    assert len({trial.values[LR] for trial in found[10:]}) == 10


@pytest.mark.thorough
def test_a_killed_tuning_is_suggested_the_same_again(optuna, monkeypatch, tmp_path):
    runs, run = [], unlearn_cli.run.run

    def counted(config, *more):
        runs.append(config.method.lr)
        if len(runs) == 11:  # trial 12: two of the drawn are equal, and one run
            raise Preempted("stopped")
        return run(config, *more)

    monkeypatch.setattr(unlearn_cli.run, "run", counted)
    command = ("method=ga", "trials=12", "method.epochs=1", "sampler=tpe")
    with pytest.raises(SystemExit) as ended:
        tune(tmp_path, *command)
    assert ended.value.code == 143
    tune(tmp_path, *command)
    assert runs[:11] == runs[11:]
    found = record(tmp_path, "ga")
    assert (found["sampler"], len(found["list"])) == ("tpe", 12)
    assert all([*trial["values"]] == [LR] for trial in found["list"][1:])


def test_without_optuna(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SystemExit) as ended:
        tune(tmp_path, "method=ga", "sampler=tpe")
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "sampler: tpe needs optuna" in said[0]
    assert "pip install 'optuna>=3.0'" in said[0]
    assert not [*tmp_path.iterdir()]


def test_no_optuna_for_drawn_trials(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "optuna", None)
    tune(tmp_path, "method=ga", "trials=1", "plan")


def test_no_halving(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        tune(tmp_path, "method=ga", "sampler=tpe", "halving=true")
    assert ended.value.code == 2
    assert "halving: true does not go with sampler=tpe" in capsys.readouterr().err
