"""judged_on=validation: the same models and forget sets, judged on other rows; no test label can be read."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from noisy_labels import with_noise
from run_results import entries, lasting
from tiny_commands import short
from tiny_run import unlearn

from unlearn_cli import loading
from unlearn_cli.compare.keys import setting_keys
from unlearn_cli.compare.records import read
from unlearn_cli.data.splits import Splits

FT = ("method=ft", "method.epochs=1")
VALIDATION = "judged_on=validation"
FAMILIES = {
    "generation": ("task=generation", *short("ft")),
    "text_to_image": ("task=text_to_image", "data.val_fraction=0.2", *short("ft")),
    "clip": ("task=clip", "data.val_fraction=0.3", *short("ft")),
    "vlm": ("task=vlm", "data.val_fraction=0.3", *short("ft")),
}


def test_originals_and_oracles_are_those_of_an_ordinary_run(tmp_path):
    (ordinary,) = unlearn(*FT, f"paths.outputs={tmp_path}")
    models = entries(tmp_path / "store", "model")
    (judged,) = unlearn(*FT, VALIDATION, f"paths.outputs={tmp_path}")
    assert entries(tmp_path / "store", "model") == models
    assert judged["entries"] == ordinary["entries"]
    assert judged["forget"] == ordinary["forget"]
    assert judged["metrics"]["TA"] == ordinary["metrics"]["VA"]
    assert judged["oracle"]["TA"] == ordinary["oracle"]["VA"]
    assert judged["oracle"]["RA"] == ordinary["oracle"]["RA"]
    assert "VA" not in judged["metrics"]
    assert "MIA_leak_free" in judged["metrics"]
    assert judged["folder"] != ordinary["folder"]
    settings = [setting_keys(read(Path(result["folder"]))) for result in (ordinary, judged)]
    assert [keys.get("judged_on") for keys in settings] == [None, "validation"]


@pytest.mark.parametrize(
    "arguments",
    [FT, *(pytest.param(v, id=k, marks=pytest.mark.thorough) for k, v in FAMILIES.items())],
)
def test_labels_of_test_rows_are_not_read(arguments, tmp_path):
    (clean,) = unlearn(*arguments, VALIDATION, f"paths.outputs={tmp_path / 'clean'}")
    with patch.object(loading, "split", with_noise(loading.split)):
        (noisy,) = unlearn(*arguments, VALIDATION, f"paths.outputs={tmp_path / 'noisy'}")
    assert lasting(noisy)["metrics"] == lasting(clean)["metrics"]
    assert noisy["original"] == clean["original"]
    assert noisy["oracle"] == clean["oracle"]


def test_test_rows_are_in_no_part():
    parts = Splits(*map(np.array, ([0, 1, 2], [3, 4], [5, 6, 7])), seed=0, fingerprint="of all")
    judged = parts.judged_on_validation()
    assert judged.test.tolist() == judged.val.tolist() == [3, 4]
    assert judged.fingerprint == parts.fingerprint
    assert judged.outside_training.tolist() == parts.outside_training.tolist() == [3, 4, 5, 6, 7]
    assert replace(judged, unseen=judged.unseen[:0]).outside_training.tolist() == [3, 4, 3, 4]


def test_there_must_be_validation_rows(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        unlearn(*FT, VALIDATION, "data.val_fraction=0", f"paths.outputs={tmp_path}")
    assert ended.value.code == 2
    assert "judged_on: 0 validation rows, too few to be judged by" in capsys.readouterr().err
    assert not tmp_path.joinpath("classification").exists()
