"""The relearning probe with looks that are given: when it starts, and when it ends."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from unlearn_cli.evaluation.diffusion import relearning as module
from unlearn_cli.evaluation.diffusion.relearning import Relearning
from unlearn_cli.training.trainer import Trainer

STEPS = 3  # of five samples in batches of two


class Task:
    """Notes the rows it trains on and the classes of its previews."""

    def __init__(self):
        self.rows, self.labels = [], []

    def loss(self, model, batch):
        self.rows.append(batch.index.numpy())
        return model(batch.x.flatten(1)).square().mean(1)

    def preview(self, model, labels, sampler, trainer):
        self.labels.append(labels)
        return torch.zeros(len(labels), 1, 4, 4, dtype=torch.uint8)


@pytest.fixture
def probe(toy, make_sets, compute, recipe, tmp_path, monkeypatch):
    """probe(looks, ua): steps, where the k-th look finds that UA; four passes at most."""
    task = Task()
    model = nn.Linear(16, 3)
    sets = replace(make_sets(forget=np.arange(0, 30, 3), retain=[1, 2]), classes=(0, 2))
    experiment = SimpleNamespace(task=task, seeds=SimpleNamespace(eval=0))
    origins = SimpleNamespace(experiment=experiment, sets=sets)
    origins.trainer = lambda folder: Trainer(toy, np.zeros(40, bool), compute, 0, folder)
    settings = Relearning(samples=5, images=10, recipe=recipe(epochs=4, batch_size=2))

    def run(looks, ua=100.0):
        remaining = iter(looks)

        def judge_outputs(judge, batches):
            shape = [x.shape for x in batches]
            assert (judge, shape) == ("the judge", [(10, 1, 4, 4)])
            labels, wrong = task.labels[-1], round(next(remaining) / 10)
            judged = torch.cat([(labels[:wrong] + 1) % 3, labels[wrong:]])
            return {"logits": nn.functional.one_hot(judged, 3).float()}

        monkeypatch.setattr(module, "judge_outputs", judge_outputs)
        steps = settings.steps(origins, model, "the judge", "the sampler", ua, tmp_path)
        assert list(remaining) == []
        return steps

    run.task, run.model, run.sets = task, model, sets
    return run


def test_a_class_that_is_there_needs_no_step(probe):
    assert probe([], ua=49.9) == 0
    assert not probe.task.rows


@pytest.mark.parametrize(
    ("looks", "passes"),
    [
        ([40.0], 1),
        ([100.0, 60.0, 40.0], 3),
        ([50.0, 40.0], 2),
        ([100.0] * 4, 4),
        ([100.0, 90.0, 80.0, 0.0], 4),
    ],
)
def test_it_ends_at_the_first_look_under_half_or_at_the_limit(probe, looks, passes):
    """Half is not under half."""
    assert probe(looks, ua=50.0) == STEPS * passes
    assert len(probe.task.rows) == STEPS * passes


def test_it_trains_a_copy_on_a_few_forget_samples_and_looks_at_forgotten_classes(probe):
    before = probe.model.weight.detach().clone()
    probe([100.0] * 4)
    assert torch.equal(probe.model.weight, before)
    first, *others = (set(np.concatenate(probe.task.rows[i : i + STEPS])) for i in range(0, 4 * STEPS, STEPS))
    assert len(first) == 5
    assert first <= set(probe.sets.forget)
    assert all(rows == first for rows in others)
    assert all(labels.tolist() == [0, 2] * 5 for labels in probe.task.labels)


def test_begun_again_it_does_not_train_further(probe):
    """Its rows come back from the checkpoint."""
    assert probe([100.0, 40.0]) == 2 * STEPS
    assert probe([]) == 2 * STEPS
    assert len(probe.task.rows) == 2 * STEPS
