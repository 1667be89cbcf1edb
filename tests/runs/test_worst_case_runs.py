"""Worst-case forget sets through the whole command; all runs share one store."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tiny_run
from run_results import entries
from tiny_commands import EPOCH

from unlearn_cli.config.catalogue import options
from unlearn_cli.data.rows import digest
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.tasks.classification import Classification

SHORT = ("forget=worst_case", "forget.iterations=2", "forget.lower.epochs=1")
CHEAP = ("method=original", "oracle=false")
LOWERS = [option.name for option in options("lower")]


def manifest(result):
    return json.loads((Path(result["folder"]) / "forget.json").read_text())


def rows_of(result):
    return manifest(result)["indices"]


def difficulty(result):
    with (Path(result["folder"]) / "forget" / "difficulty.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def log_of(result):
    return (Path(result["folder"]) / "log.txt").read_text()


@pytest.fixture
def selections(outputs):
    """selections(): how many the store has."""
    return lambda: len(entries(outputs / "store", "selection"))


def test_these_are_all_lower_levels():
    assert LOWERS == ["be", "bs", "ft", "l1_sparse", "retrain", "rl", "scrub"]


@pytest.mark.parametrize("lower", LOWERS)
def test_every_lower_level_runs_to_the_end(run, lower):
    result = run(*SHORT, *CHEAP, f"lower@forget.lower={lower}")
    found, table = manifest(result)["found"], difficulty(result)
    assert result["forget"]["kind"] == "worst_case"
    assert result["forget"]["found"] == found
    assert (found["iterations"], found["selected"], found["units"]) == (2, 10, 103)
    assert found.keys() >= {"objective", "loss_selected", "loss_others", "kept", "random", "seconds"}
    assert found["loss_selected"] > 0 < found["loss_others"]
    assert len(rows_of(result)) == result["forget"]["count"] == 10
    assert sorted(int(unit["unit"]) for unit in table[:10]) == rows_of(result)
    assert sum(int(unit["random"]) for unit in table[:10]) == round(10 * found["random"])
    assert sum(float(unit["weight"]) for unit in table) == pytest.approx(10, abs=1e-3)
    assert "selection 2 of 2" in log_of(result)
    files = {file.name for file in (Path(result["folder"]) / "forget").iterdir()}
    assert files == {
        "difficulty.csv", "composition.csv", "composition.png", "weights.png", "extremes.png"
    }  # fmt: skip


def test_a_selection_is_made_once_for_all_methods(run, selections):
    first = run(*SHORT, *CHEAP)
    before = selections()
    second = run(*SHORT, "method=ft", EPOCH)
    third = run(*SHORT, "method=ga", EPOCH, "oracle=false")
    assert rows_of(first) == rows_of(second) == rows_of(third)
    assert selections() == before
    assert "selection 1 of" not in log_of(second) + log_of(third)
    for name in ("difficulty.csv", "composition.csv", "weights.png"):
        one, two = (Path(result["folder"]) / "forget" / name for result in (first, second))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("change", ["forget.eta=0.3", "forget.count=5 forget.fraction=null", "seed=1"])
def test_what_determines_a_selection_makes_another(run, selections, change):
    run(*SHORT, *CHEAP)
    before = selections()
    run(*SHORT, *CHEAP, *change.split())
    assert selections() == before + 1


def test_by_chance_they_are_the_rows_of_a_random_forget_set(run, selections):
    before = selections()
    result = run("forget=worst_case", "forget.mode=random", *CHEAP)
    assert rows_of(result) == rows_of(run("forget=random", *CHEAP))
    assert selections() == before, "nothing is selected"
    assert not (Path(result["folder"]) / "forget").exists()
    assert manifest(result)["found"] == {}


def test_the_easiest_set_has_the_larger_losses(run):
    worst, easiest = (run(*SHORT, *CHEAP, f"forget.mode={mode}") for mode in ("worst", "easiest"))
    assert not set(rows_of(worst)) & set(rows_of(easiest))
    found = manifest(easiest)["found"]
    assert found["loss_selected"] > found["loss_others"]
    assert found["objective"] < 0


def test_a_whole_class(run):
    result = run(*SHORT, "forget.unit=class", "forget.count=1", "forget.fraction=null", "method=ft", EPOCH)
    (chosen,) = manifest(result)["classes"]
    assert [unit["selected"] for unit in difficulty(result)] == ["1"] + ["0"] * 9
    assert difficulty(result)[0]["unit"] == str(chosen)
    assert manifest(result)["found"]["units"] == 10
    assert {"TA", "UA"} <= result["oracle"].keys()
    assert result["oracle"]["UA"] == 100, "the oracle never saw the class"


def test_a_set_found_with_one_model_serves_another(run, selections):
    first = run(*SHORT, *CHEAP)
    before, file = selections(), Path(first["folder"]) / "forget.json"
    other = run("forget=indices", f"forget.file={file}", *CHEAP, "model.width=4")
    assert manifest(other)["fingerprint"] == manifest(first)["fingerprint"]
    assert rows_of(other) == rows_of(first)
    assert selections() == before


def test_the_oracle_never_sees_the_selected(tmp_path, monkeypatch):
    seen, inside = set(), []
    loss, train = Classification.loss, Original.train

    def watched_loss(self, model, batch):
        if inside:
            seen.update(batch.index.tolist())
        return loss(self, model, batch)

    def watched_train(self, *arguments):
        inside.extend([self] if isinstance(self, Retrain) else [])
        trained = train(self, *arguments)
        inside.clear()
        return trained

    monkeypatch.setattr(Classification, "loss", watched_loss)
    monkeypatch.setattr(Original, "train", watched_train)
    (result,) = tiny_run.unlearn(*SHORT, "method=retrain", f"paths.outputs={tmp_path}")
    there, chosen = {int(unit["unit"]) for unit in difficulty(result)}, set(rows_of(result))
    assert chosen < there
    assert seen == there - chosen
    facts = json.loads((Path(result["folder"]) / "model.json").read_text())
    assert facts["rows"] == digest(np.array(sorted(seen)))


def test_a_sweep_selects_once(tmp_path):
    one, two = tiny_run.unlearn("-m", *SHORT, "method=ga,ft", EPOCH, f"paths.outputs={tmp_path}")
    assert rows_of(one) == rows_of(two)
    assert len(entries(tmp_path / "store", "selection")) == 1
    assert len(entries(tmp_path / "store", "model")) == 2
    assert not list(tmp_path.rglob("*.resume.pt"))


def test_a_damaged_selection_is_made_anew(tmp_path):
    command = (*SHORT, *CHEAP, f"paths.outputs={tmp_path}")
    (first,) = tiny_run.unlearn(*command)
    before = rows_of(first)
    (entry,) = entries(tmp_path / "store", "selection")
    (entry / "selection.pt").write_bytes((entry / "selection.pt").read_bytes()[:100])
    (Path(first["folder"]) / "status.json").unlink()
    (again,) = tiny_run.unlearn(*command)
    assert rows_of(again) == before
    assert "is damaged (selection.pt has changed)" in log_of(again)
    assert entry.with_name(f"{entry.name}.damaged-0").is_dir()
    assert len(entries(tmp_path / "store", "selection")) == 2  # the one set aside has its manifest still


class TestGeneration:
    def test_the_class_that_a_diffusion_model_knows_best(self, run):
        result = run("task=generation", *SHORT, "forget.iterations=1", *CHEAP)
        table = difficulty(result)
        assert [unit["selected"] for unit in table] == ["1"] + ["0"] * 9
        assert table[0]["unit"] == str(manifest(result)["classes"][0])
        assert "UA" in result["metrics"]

    def test_a_lower_level_that_it_lacks(self, refused):
        for lower, lacks in (("bs", "logits"), ("be", "logits, widen_head")):
            said = refused("task=generation", "forget=worst_case", f"lower@forget.lower={lower}")
            assert said.startswith(
                f"lower@forget.lower: '{lower}' does not fit task=generation (it needs {lacks}); those that "
            )
            fitting = said.split("those that do: ")[1].split(", ")
            assert set(fitting) >= {"ft", "retrain", "l1_sparse"}
            assert not {"be", "bs"} & set(fitting)

    def test_single_samples(self, refused):
        said = refused("task=generation", "forget=worst_case", "forget.unit=sample")
        assert "forget: generation is judged by whole classes" in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("forget.gamma=-1", "forget.gamma: input should be greater than or equal to 0, got -1"),
        ("forget.eta=0", "forget.eta: input should be greater than 0, got 0"),
        ("forget.iterations=0", "forget.iterations: input should be greater than 0"),
        ("forget.patience=0", "forget.patience: input should be greater than 0"),
        ("forget.tolerance=1", "forget.tolerance: input should be less than 1"),
        ("forget.mode=best", "forget.mode: input should be 'worst', 'easiest' or 'random'"),
        ("forget.step=sgd", "forget.step: input should be 'leader', 'rank', 'std' or 'plain'"),
        # what leaves nothing on one side
        ("forget.fraction=0.0001", "forget.fraction: 0.0001 is 0 of 103 units (sample); choose at least 1"),
        ("forget.fraction=0.999", "forget.fraction: 0.999 is 103 of 103 units (sample); choose at least 1"),
        ("forget.fraction=null forget.count=103", "forget.count: 103 is 103 of 103 units (sample); choose"),
        ("forget.fraction=null forget.count=200", "forget.count: 200 of 103 units (sample); give fewer"),
        (
            "forget.unit=class forget.fraction=null forget.count=10",
            "forget.count: 10 is 10 of 10 units (class); choose at least 1 and at most 9",
        ),
        ("forget.unit=class forget.fraction=0.01", "forget.fraction: 0.01 is 0 of 10 units (class); choose"),
        ("forget.mode=random forget.fraction=0.0001", "forget.fraction: 0.0001 is 0 of 103 units (sample)"),
        ("forget.count=5", "forget.fraction, forget.count: both given"),
        ("forget.fraction=null", "forget.fraction, forget.count: neither given"),
        ("forget.unit=prompt", "forget.unit: no column 'prompt' in digits; give sample, class or one of"),
        # the lower level
        ("lower@forget.lower=xx", "lower: no option 'xx'; there are: be, bs, ft, l1_sparse,"),
        ("lower@forget.lower=scrubb", "lower: no option 'scrubb'; did you mean 'scrub'?"),
        ("forget.lower.foo=1", "forget.lower.foo: no such key; forget.lower has "),
        ("+forget.lower.epoch=1", "forget.lower.epoch: no such key; did you mean 'epochs'?"),
        ("forget.lower.lr=0", "forget.lower.lr: input should be greater than 0, got 0"),
        ("forget.lower.ascent=-1", "forget.lower.ascent: input should be greater than or equal to 0"),
        ("forget.lower=ft", "forget.lower"),
    ],
    ids=lambda value: value if "=" in value and " is " not in value else "",
)
def test_wrong_input_is_one_line(refused, wrong, said):
    assert said in refused("forget=worst_case", *wrong.split())
