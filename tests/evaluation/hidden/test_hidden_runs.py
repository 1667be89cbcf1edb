"""`eval.hidden` in a run: off it changes nothing; on, its numbers stand beside the references'."""

from pathlib import Path

import pytest
import tiny_run
from omegaconf import OmegaConf
from run_results import entries
from tiny_commands import EPOCH

import unlearn_cli as unlearn
from unlearn_cli.config.dormant import INSPECTIONS, awake
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


def test_off_it_is_no_part_of_a_run():
    """Neither the switch, which earlier versions had not, nor the keys of what is off."""
    plain = identity()
    assert not {"hidden", *INSPECTIONS} & plain["eval"].keys()
    assert identity("eval.relearn.rows=3", "eval.cka.rows=50") == plain
    some = identity("eval.hidden=[probe]", "eval.relearn.rows=3")
    assert some["eval"]["hidden"] == ["probe"]
    assert set(INSPECTIONS) & some["eval"].keys() == {"probe"}


def test_a_vision_language_models_relearning_has_no_switch():
    """Nor have a text-to-image model's attacks: their values count always."""
    evaluation = {"relearn": {"rows": 3}, "attacks": {"p4d": {"steps": 3}}, "attacked": []}
    assert awake({"eval": evaluation}) == {"eval": evaluation}


def test_all_is_all_six():
    config, choices = unlearn.compose("eval.hidden=all")
    evaluation = read(OmegaConf.create(config), choices).eval
    assert [one.name for one in evaluation.inspections] == [*INSPECTIONS]
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


@pytest.mark.thorough
def test_a_clip_is_looked_into(tmp_path):
    """Of a domain, not of classes: both kinds of probe have a question."""
    there = (f"paths.store={tmp_path}/store", f"paths.outputs={tmp_path}/outputs")
    (result,) = tiny_run.unlearn("task=clip", *QUICK[:2], *QUICK[3:], *there, "eval.hidden=all")
    for key in ("relearned_retain_test", "TA_forget_int4", "probe_rows", "probe_class", "CKA_oracle"):
        assert key in result["gap"]
    assert list(result["hidden"]["cka"]["ft"]["forget"]["original"])[-1] == "embedding"
