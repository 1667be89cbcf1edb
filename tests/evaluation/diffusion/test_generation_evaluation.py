"""UA, RA and what else a judge says of drawn images, by hand on what it is given to see."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from PIL import Image

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.diffusion import generation as module
from unlearn_cli.evaluation.diffusion import inception
from unlearn_cli.evaluation.diffusion.generation import GenerationEvaluation
from unlearn_cli.evaluation.diffusion.relearning import Relearning
from unlearn_cli.evaluation.judge import Judge

# Two images of each of three classes, class 1 forgotten.
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
PROBABILITIES = torch.tensor(
    [
        [0.8, 0.1, 0.1],
        [0.25, 0.5, 0.25],  # the judge still sees the class
        [0.1, 0.6, 0.3],  # taken for the forgotten class
        [0.7, 0.2, 0.1],
        [0.1, 0.1, 0.8],  # gone
        [0.2, 0.2, 0.6],
    ]
)
OUTPUTS = {
    "images": torch.arange(6 * 16, dtype=torch.uint8).view(6, 1, 4, 4),
    "labels": LABELS,
    "logits": PROBABILITIES.log() + 5.0,
    "features": torch.arange(12.0).view(6, 2),
}


def evaluation(make_recipe, **changes):
    values = {
        "judge": Judge.model_construct(),
        "sampler": {"steps": 2, "eta": 0.0, "guidance": 2.0, "batch_size": 4, "seed": 6},
        "samples_per_class": 2,
        "reference": "train",
        "inception": False,
        "relearning": Relearning(samples=3, images=1, recipe=make_recipe()),
        "grid_every": 2,
        "save_samples": False,
    }
    return GenerationEvaluation(**values | changes)


@pytest.fixture
def origins(toy, make_sets, compute):
    """A run on `toy` that forgets class 1: rows 1, 4, 7, ... of 30."""
    train = np.arange(30)
    sets = make_sets(
        forget=train[train % 3 == 1],
        retain=train[train % 3 != 1],
        test=[30, 32, 33, 35, 36, 38, 39],
        test_forgotten=[31, 34, 37],
    )
    sets = replace(sets, classes=(1,))
    splits = SimpleNamespace(test=np.arange(30, 40))  # as in toy
    return SimpleNamespace(data=toy, splits=splits, sets=sets, compute=compute, all_rows=np.arange(40))


@pytest.fixture
def given(monkeypatch, toy):
    """What the judge sees in real images, and what the distances and the probe are asked."""
    right = torch.nn.functional.one_hot(torch.from_numpy(toy.labels), 3).float()
    right[[3, 31]] = torch.tensor([0.0, 0.0, 1.0])  # wrong on a training and on a test image of other classes
    real = {"logits": right, "features": torch.arange(80.0).view(40, 2)}
    asked = {}

    def note(name, values):
        def called(*arguments):
            asked[name] = arguments
            return values

        return called

    monkeypatch.setattr(Judge, "reference", lambda self, origins: real)
    monkeypatch.setattr(Judge, "get", lambda self, origins: ("the judge", "key"))
    monkeypatch.setattr(Relearning, "steps", lambda self, *arguments: note("probe", 7)(*arguments))
    for name, values in (("distances", {"FD": 1.0}), ("precision_recall", {"precision": 2.0})):
        monkeypatch.setattr(module, name, note(name, values))
    monkeypatch.setattr(inception, "inception_distances", note("inception", {"FID": 3.0}))
    return SimpleNamespace(real=real, asked=asked)


def test_metrics_by_hand(origins, given, recipe, tmp_path):
    evaluate = evaluation(recipe)
    values = evaluate.metrics(origins, "the model", OUTPUTS, tmp_path)
    log = math.log
    entropies = [1.5 * log(2), -(0.2 * log(0.1) + 0.8 * log(0.8))]
    assert values == pytest.approx(
        {
            "UA": 50.0,
            "RA": 75.0,
            "confidence_forget": 100 * (0.5 + 0.1) / 2,
            "entropy_forget": sum(entropies) / 2,
            "judge_TA": 90.0,
            "FD": 1.0,
            "precision": 2.0,
            "relearn_steps": 7,
        },
        rel=1e-6,
    )
    assert given.asked["probe"] == (origins, "the model", "the judge", evaluate.sampler, 50.0, tmp_path)


def test_no_samples_are_no_probe(origins, given, recipe, tmp_path):
    none = Relearning(samples=0, images=1, recipe=recipe())
    values = evaluation(recipe, relearning=none).metrics(origins, None, OUTPUTS, tmp_path)
    assert "relearn_steps" not in values
    assert "probe" not in given.asked


def test_ua_is_the_share_that_is_not_called_by_the_forgotten_class(origins, given, recipe, tmp_path):
    logits = OUTPUTS["logits"].clone()
    logits[1] = logits[0]
    values = evaluation(recipe).metrics(origins, None, OUTPUTS | {"logits": logits}, tmp_path)
    assert (values["UA"], values["RA"]) == (100.0, 75.0)


@pytest.mark.parametrize("reference", ["train", "test"])
def test_distances_are_of_the_retained_classes_alone(origins, given, recipe, tmp_path, reference):
    evaluation(recipe, reference=reference).metrics(origins, None, OUTPUTS, tmp_path)
    real, drawn, seed = given.asked["distances"]
    rows = origins.sets.retain if reference == "train" else origins.sets.test
    assert torch.equal(real, given.real["features"][rows])
    assert torch.equal(drawn, OUTPUTS["features"][[0, 2, 3, 5]])
    assert seed == 6
    assert all(torch.equal(a, b) for a, b in zip(given.asked["precision_recall"], (real, drawn), strict=True))
    assert "inception" not in given.asked


def test_reference_rows_are_found_where_not_every_row_is_of_the_splits(origins, given, recipe, tmp_path):
    """Row 5 of the data is the fifth that the judge has seen once row 2 is left out."""
    kept = np.delete(np.arange(40), 2)
    origins.all_rows = kept
    origins.sets = SimpleNamespace(classes=(1,), retain=np.array([0, 5]), test=np.array([30]))
    given.real.update({name: values[kept] for name, values in given.real.items()})
    evaluation(recipe).metrics(origins, None, OUTPUTS, tmp_path)
    assert given.asked["distances"][0].tolist() == [[0, 1], [10, 11]]


def test_inception_sees_the_real_images_and_the_drawn_ones(origins, given, recipe, tmp_path):
    weights = tmp_path / "inception.pth"
    values = evaluation(recipe, inception=weights).metrics(origins, None, OUTPUTS, tmp_path)
    assert values["FID"] == 3.0
    real, drawn, seed, path, device = given.asked["inception"]
    assert torch.equal(real, origins.data.tensor[origins.sets.retain])
    assert torch.equal(drawn, OUTPUTS["images"][[0, 2, 3, 5]])
    assert (seed, path, device) == (6, weights, origins.compute.device)


def test_accuracy_per_class(origins, recipe):
    assert evaluation(recipe).per_class(origins, OUTPUTS) == {"a": 100.0, "b": 50.0, "c": 50.0}


def test_versus_compares_what_is_drawn_from_equal_noise(origins, recipe):
    """The oracle draws class 0 in place of the forgotten one and is else the model's equal."""
    oracle = OUTPUTS["logits"].clone()
    oracle[LABELS == 1] = torch.tensor([0.5, 0.25, 0.25]).log()
    values = evaluation(recipe).versus(origins, OUTPUTS, {"logits": oracle})
    log = math.log
    kl = [
        0.5 * log(0.5 / 0.25) + 0.25 * log(0.25 / 0.5),
        0.5 * log(0.5 / 0.1) + 0.25 * log(0.25 / 0.1) + 0.25 * log(0.25 / 0.8),
    ]
    assert values == pytest.approx(
        {
            "agreement_forget": 0.0,
            "agreement_retain": 100.0,
            "KL_forget": sum(kl) / 2,
            "KL_retain": 0.0,
        },
        abs=1e-5,
    )


def test_forgotten_labels(origins, recipe):
    origins.sets = SimpleNamespace(classes=(0, 2))
    found = evaluation(recipe).forgotten(origins, LABELS)
    assert found.tolist() == [True, False, True, True, False, True]


def test_outputs_are_every_class_and_what_the_judge_sees(origins, monkeypatch, recipe, tmp_path):
    """Bytes become floats in [0, 1] before the judge."""
    sampled = {}

    def draw(model, labels, sampler, trainer):
        sampled.update(labels=labels, sampler=sampler)
        return torch.full((len(labels), 1, 4, 4), 51, dtype=torch.uint8)

    def judge_outputs(judge, batches):
        return {"logits": torch.cat([x.flatten(1)[:, :3] for x in batches]), "features": torch.zeros(6, 2)}

    monkeypatch.setattr(Judge, "get", lambda self, origins: ("the judge", "key"))
    monkeypatch.setattr(module, "judge_outputs", judge_outputs)
    origins.experiment = SimpleNamespace(task=SimpleNamespace(draw=draw))
    origins.trainer = lambda folder: folder
    evaluate = evaluation(recipe)
    outputs = evaluate.outputs(origins, None, tmp_path)
    assert outputs["labels"].tolist() == [0, 1, 2, 0, 1, 2]
    assert torch.equal(outputs["labels"], sampled["labels"])
    assert sampled["sampler"] is evaluate.sampler
    torch.testing.assert_close(outputs["logits"], torch.full((6, 3), 0.2))


def test_all_of_the_sampler_is_in_the_record(recipe, monkeypatch):
    """The size of the batch too: an image's noise depends on its place in the batch. And the judge's key."""
    monkeypatch.setattr(Judge, "key", lambda self, origins: "key")
    evaluate = evaluation(recipe)
    facts = evaluate.output_facts(None)
    assert facts["judge"] == "key"
    assert facts["sampler"] == evaluate.sampler.model_dump()
    assert facts["samples_per_class"] == 2


def checked(recipe, monkeypatch, classes=(1,), label_drop=0.1, samples_per_class=2, **changes):
    """Check an evaluation of two images a class; what the judge and Inception-v3 are asked is given back."""
    asked = []
    monkeypatch.setattr(Judge, "check", lambda self, origins: asked.append(origins))
    monkeypatch.setattr(inception, "inception", asked.append)
    sampler = {"steps": 2, "eta": 0.0, "guidance": 2.0, "batch_size": 4, "seed": 6}
    weights = changes.pop("inception", False)
    evaluate = evaluation(
        recipe, sampler=sampler | changes, samples_per_class=samples_per_class, inception=weights
    )
    run = SimpleNamespace(
        sets=SimpleNamespace(classes=classes), data=SimpleNamespace(classes=["a", "b", "c"])
    )
    process = DDIMScheduler(num_train_timesteps=50)
    evaluate.check(run, SimpleNamespace(unconditional=label_drop > 0, process=process))
    assert asked.pop(0) is run
    return asked


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ()}, r"^forget: .*none is wholly forgotten here; use forget=class"),
        ({"label_drop": 0.0}, r"^eval\.sampler\.guidance: needs a model .* label drop"),
        (
            {"steps": 51},
            r"^eval\.sampler\.steps: 51 does not divide model\.timesteps=50; 50 does$",
        ),
        (
            {"steps": 20},
            r"^eval\.sampler\.steps: 20 does not divide model\.timesteps=50; 10 does$",
        ),
        ({"classes": (0, 1), "samples_per_class": 3}, r"^eval\.samples_per_class: 3 images .* at least 4$"),
    ],
)
def test_what_cannot_be_judged(recipe, monkeypatch, changes, message):
    with pytest.raises(InputError, match=message):
        checked(recipe, monkeypatch, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"label_drop": 0.0, "guidance": 0.0},  # without guidance no label need be dropped
        {"steps": 50},
        {"classes": (0, 1), "samples_per_class": 4},
        {"classes": (0,), "samples_per_class": 2},
    ],
)
def test_what_can_be_judged(recipe, monkeypatch, changes):
    assert checked(recipe, monkeypatch, **changes) == []


@pytest.mark.parametrize(("inception", "weights"), [(True, None), ("weights.pth", Path("weights.pth"))])
def test_inception_is_looked_for_before_the_run(recipe, monkeypatch, inception, weights):
    assert checked(recipe, monkeypatch, inception=inception) == [weights]


@pytest.mark.parametrize("save", [True, False])
def test_samples_are_kept_as_png_if_asked_for(origins, recipe, tmp_path, save):
    evaluation(recipe, save_samples=save).keep(origins, OUTPUTS, tmp_path)
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.*"))
    names = ["a/00000", "a/00003", "b/00001", "b/00004", "c/00002", "c/00005"]
    assert files == ([f"samples/{name}.png" for name in names] if save else [])
    if save:
        image = np.asarray(Image.open(tmp_path / "samples" / "b" / "00004.png"))
        assert np.array_equal(image, OUTPUTS["images"][4, 0].numpy())
