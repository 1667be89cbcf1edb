"""`eval.hidden` in a run: off it changes nothing; on, its numbers stand beside the references'."""

from pathlib import Path

import pytest
import tiny_run
from omegaconf import OmegaConf
from run_results import entries
from tiny_commands import EPOCH

import unlearn_cli as unlearn
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.experiment import read
from unlearn_cli.storage.files import read_json

QUICK = (
    *("method=ft", EPOCH, "eval.mia.leak_free=false", "eval.relearn.recipe.max_steps=2"),
    *("eval.distance.points=3", "eval.cka.rows=8", "eval.relearn.every=1"),
)


def identity(*overrides):
    config, choices = unlearn.compose(*overrides)
    return read(OmegaConf.create(config), choices).identity.configuration


@pytest.mark.parametrize("task", ["classification", "clip"])
def test_off_it_is_no_part_of_a_run(task):
    """Neither the switch, which earlier versions had not, nor the keys of what is off."""
    chosen = f"task={task}"
    plain = identity(chosen)
    assert not {"hidden", "relearn", "quantise", "prune", "probe", "cka", "distance"} & plain["eval"].keys()
    assert identity(chosen, "eval.relearn.rows=3", "eval.cka.rows=50") == plain
    some = identity(chosen, "eval.hidden=[probe]")
    assert some["eval"]["hidden"] == ["probe"]
    assert {"probe", "relearn", "cka"} & some["eval"].keys() == {"probe"}
    assert identity(chosen, "eval.hidden=[probe]", "eval.relearn.rows=3") == some
    assert identity(chosen, "eval.hidden=[probe]", "eval.probe.neighbours=3") != some


def test_all_is_all_six():
    config, choices = unlearn.compose("eval.hidden=all")
    evaluation = read(OmegaConf.create(config), choices).eval
    names = ["relearn", "quantise", "prune", "probe", "cka", "distance"]
    assert [one.name for one in evaluation.inspections] == names
    with pytest.raises(InputError, match=r"eval\.hidden: no inspection 'knn'; there is relearn, quantise"):
        identity("eval.hidden=[knn]")


def test_a_run_has_its_numbers_and_keeps_those_of_its_references(tmp_path):
    there = (f"paths.store={tmp_path}/store", f"paths.outputs={tmp_path}/outputs")
    (result,) = tiny_run.unlearn(*QUICK, *there, "eval.hidden=all")
    hidden = {key for key in result["metrics"] if key in result["original"]} & MEANINGS.keys()
    for key in ("relearned_retain", "UA_int4", "TA_pruned_60", "probe_rows", "CKA_oracle", "barrier"):
        assert key in hidden
        assert result["gap"][key] == abs(result["metrics"][key] - result["oracle"][key])
    assert result["original"]["CKA_original"] == pytest.approx(1)
    assert result["oracle"]["CKA_oracle"] == pytest.approx(1)
    assert result["original"]["L2_original"] == 0 < result["metrics"]["L2_original"]
    curves = result["hidden"]["relearn"]
    assert list(curves) == ["original", "ft", "oracle"]
    assert curves["ft"]["retain"]["step"] == [0, 1, 2]
    assert curves["ft"]["retain"]["forget"][0] == pytest.approx(100 - result["metrics"]["UA"])
    folder = Path(result["folder"])
    assert (folder / "figures" / "relearning.png").stat().st_size > 0
    assert not [*folder.rglob("*.resume.*")]
    kept = entries(tmp_path / "store", "inspection")
    assert len(kept) == 12
    assert not [*(tmp_path / "store").rglob("*.resume.*")]
    assert {
        read_json(one / "entry.json")["facts"]["inspection"]["class"].rpartition(".")[2] for one in kept
    } == {*("Relearn", "Quantise", "Prune", "Probe", "Cka", "Distance")}
