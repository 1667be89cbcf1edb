"""The judge: what it sees, and which judge it is."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from unlearn_cli.config.run_keys import Paths
from unlearn_cli.data.splits import split
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation import judge as module
from unlearn_cli.evaluation.judge import BATCH, Judge, as_floats, judge_outputs
from unlearn_cli.experiment import Experiment
from unlearn_cli.methods.original import Original
from unlearn_cli.models.checkpoint import save_model
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.origins import Origins
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.tracking import NullSettings

NETWORK = {
    "_target_": "unlearn_cli.models.classifiers.timm_models.TimmSettings",
    "name": "small_cnn",
    "stem": "auto",
    "pretrained": False,
    "resize": None,
    "options": {"width": 4},
}


@pytest.fixture
def origins(toy, compute, tmp_path):
    """A run on `toy` that forgets class 1."""
    splits = split(toy, 0.1, 0)
    rows = splits.train[toy.labels[splits.train] == 1]
    forget_set = SimpleNamespace(rows=rows, classes=(1,), fingerprint="class 1")
    store = Store(tmp_path / "store")
    experiment = Experiment.model_construct(
        seed=5,
        progress=False,
        checkpoint_minutes=5,
        task=None,
        forget=SimpleNamespace(),
        train=SimpleNamespace(),
        method=Original(),
        eval=SimpleNamespace(meanings={}),
        metric={},
        tracking=NullSettings(),
        choices={
            "task": "generation",
            "data": "toy",
            "model": "unet",
            "forget": "class",
            "method": "original",
        },
        config={"forget": {}, "seed": 5, "paths": {"outputs": str(tmp_path)}},
        paths=Paths(outputs=tmp_path, store=store.root, data=None),
    )
    return Origins(experiment, compute, store, toy, splits, lambda _: forget_set)


@pytest.fixture
def judge(recipe):
    return Judge(model=NETWORK, train=recipe(), seed=3, path=None)


def saved(origins, judge, folder: Path, **facts):
    """The trained judge's weights, as if from elsewhere."""
    model, _ = judge.get(origins)
    save_model(folder, model, {"class_names": origins.data.classes} | facts)
    return model, folder


def equal(left, right):
    ours, theirs = left.state_dict(), right.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_it_sees_logits_and_what_enters_the_last_layer():
    """head(features) == logits; a layer that is hooked once stays as it was."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3))
    judge = Normalised(net, [0.5], [0.25]).eval()
    images = torch.rand(7, 1, 4, 4)
    found = judge_outputs(judge, images.split(3))
    hidden = (((images - 0.5) / 0.25).flatten(1) @ net[1].weight.T + net[1].bias).relu().detach()
    torch.testing.assert_close(found["features"], hidden)
    with torch.no_grad():
        torch.testing.assert_close(judge.head(found["features"]), found["logits"])
        torch.testing.assert_close(judge(images), found["logits"])
    assert not judge.head._forward_pre_hooks


def test_the_hook_is_gone_after_an_error_too():
    judge = Normalised(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), [0.5], [0.25])
    with pytest.raises(RuntimeError):
        judge_outputs(judge, [torch.rand(2, 1, 4, 4), torch.rand(2, 1, 5, 5)])
    assert not judge.head._forward_pre_hooks


def test_bytes_become_floats_in_batches():
    images = torch.arange(256, dtype=torch.uint8).repeat(3).view(-1, 1, 1, 1)
    parts = list(as_floats(images, torch.device("cpu")))
    assert [len(part) for part in parts] == [BATCH, 768 - BATCH]
    torch.testing.assert_close(torch.cat(parts).flatten()[:256], torch.arange(256) / 255)


def test_it_is_trained_once_on_every_class_and_whatever_the_runs_seed(origins, judge, monkeypatch):
    rows = []
    loss = Classification.loss
    monkeypatch.setattr(
        Classification,
        "loss",
        lambda self, model, batch: rows.extend(batch.index) or loss(self, model, batch),
    )
    model, key = judge.get(origins)
    assert {int(row) for row in rows} == set(origins.splits.train)
    assert not model.training
    rows.clear()
    origins.experiment = origins.experiment.model_copy(update={"seed": 6})
    again, same = judge.get(origins)
    assert (same, rows) == (key, [])
    assert equal(again, model)
    assert judge.model_copy(update={"seed": 4}).get(origins)[1] != key


def test_what_it_sees_in_real_images_is_kept(origins, judge, monkeypatch):
    found = judge.reference(origins)
    model, _ = judge.get(origins)
    x = origins.data.tensor[origins.all_rows].float() / 255
    expected = judge_outputs(model, [x])
    for name in ("logits", "features"):
        torch.testing.assert_close(found[name], expected[name])
    monkeypatch.setattr(module, "judge_outputs", None)
    assert torch.equal(judge.reference(origins)["logits"], found["logits"])


def test_a_judge_from_a_file(origins, judge, recipe, tmp_path):
    """The same weights under a key of their own: what follows from them is kept apart from all others'."""
    model, folder = saved(origins, judge, tmp_path / "elsewhere")
    _, trained = judge.get(origins)
    given = Judge(model=NETWORK, train=recipe(), seed=3, path=folder)
    loaded, key = given.get(origins)
    assert equal(loaded, model)
    assert not loaded.training
    assert key != trained
    assert given.get(origins)[1] == key
    with torch.no_grad():
        model.head.bias += 1
    save_model(tmp_path / "other", model, {"class_names": origins.data.classes})
    other, other_key = Judge(model=NETWORK, train=recipe(), seed=3, path=tmp_path / "other").get(origins)
    assert other_key not in (key, trained)
    assert not equal(other, loaded)


def test_a_judge_of_other_classes_or_shape_is_refused(origins, judge, recipe, tmp_path):
    _, folder = saved(origins, judge, tmp_path / "animals", class_names=["cat", "dog", "horse"])
    with pytest.raises(
        InputError,
        match=r"^eval\.judge: checkpoint .*class_names is \[\"cat\", .* in the file, \[\"a\", \"b\", \"c\"\]",
    ):
        Judge(model=NETWORK, train=recipe(), seed=3, path=folder).check(origins)
    wider = NETWORK | {"options": {"width": 8}}
    with pytest.raises(InputError, match=r"^eval\.judge: .*another architecture"):
        Judge(model=wider, train=recipe(), seed=3, path=folder).check(origins)


def test_a_model_without_a_last_layer_is_no_judge():
    with pytest.raises(
        InputError, match=r"^the class torch\.nn\..*Sequential must offer its last layer, `head`$"
    ):
        module.as_judge(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)))


def test_a_wrong_key_is_named_in_full(recipe):
    with pytest.raises(InputError, match=r"^eval\.judge\.model\.named: no such key; did you mean 'name'\?$"):
        Judge(model=NETWORK | {"named": "small_cnn"}, train=recipe(), seed=3, path=None)
