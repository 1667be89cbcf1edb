"""The classifier's verbs against formulas written out, on logits that are given."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks import classification
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.tasks.recognition import wrong_labels
from unlearn_cli.training.trainer import Trainer

task = Classification()
LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [0.0, 3.0, 1.0]])
LABELS = torch.tensor([0, 2, 1])


class Given(nn.Module):
    """Its output is its parameter, whatever the images."""

    def __init__(self, logits):
        super().__init__()
        self.values = nn.Parameter(logits.clone())

    def forward(self, x):
        return self.values


@pytest.fixture
def model():
    return Given(LOGITS)


@pytest.fixture
def batch():
    return Batch(torch.zeros(3, 1, 2, 2), LABELS, torch.arange(3), torch.tensor([True, False, True]))


def entropy_towards(labels):
    """-log softmax(LOGITS)[label], written out."""
    probabilities = LOGITS.exp() / LOGITS.exp().sum(1, keepdim=True)
    return -probabilities[range(3), labels].log()


def test_loss_is_cross_entropy_of_each_sample(model, batch):
    torch.testing.assert_close(task.loss(model, batch), entropy_towards([0, 2, 1]))
    torch.testing.assert_close(task.relabel_loss(model, batch, LABELS.flip(0)), entropy_towards([1, 2, 0]))


def test_smoothed_labels_are_shared_by_all_classes(model, batch):
    """(1 − s) of the loss towards the label and s of its mean over all, in every loss towards a label."""
    smoothed = replace(batch, smoothing=0.3)
    spread = torch.stack([entropy_towards([label] * 3) for label in range(3)]).mean(0)
    expected = 0.7 * entropy_towards([0, 2, 1]) + 0.3 * spread
    torch.testing.assert_close(task.loss(model, smoothed), expected)
    torch.testing.assert_close(task.relabel_loss(model, smoothed, LABELS), expected)
    torch.testing.assert_close(task.wrong_and_true_loss(model, smoothed)[1], expected)
    torch.testing.assert_close(task.loss_and_divergence(model, Given(LOGITS), smoothed)[0], expected)
    assert smoothed.select(slice(2)).smoothing == 0.3


def test_wrong_loss_is_towards_another_label(model, batch):
    torch.manual_seed(0)
    labels = wrong_labels(LABELS, 3, exclude_true=True)
    torch.manual_seed(0)
    torch.testing.assert_close(task.wrong_loss(model, batch), entropy_towards(labels.tolist()))
    assert (labels != LABELS).all()


def test_wrong_loss_where_it_is_asked_for_alone(model, batch):
    """True labels elsewhere; the same draw, whichever part is asked for."""
    torch.manual_seed(0)
    everywhere = task.wrong_loss(model, batch)
    torch.manual_seed(0)
    some = task.wrong_loss(model, batch, where=batch.forget)
    torch.testing.assert_close(some[batch.forget], everywhere[batch.forget])
    torch.testing.assert_close(some[~batch.forget], task.loss(model, batch)[~batch.forget])


@pytest.mark.parametrize("exclude_true", [True, False])
def test_wrong_labels_are_uniform(exclude_true):
    """Over the other classes, or over all; 5 standard deviations of a count of n·p."""
    torch.manual_seed(0)
    n, classes = 30_000, 4
    counts = Counter(wrong_labels(torch.full((n,), 1), classes, exclude_true).tolist())
    allowed = {0, 2, 3} if exclude_true else {0, 1, 2, 3}
    assert set(counts) == allowed
    p = 1 / len(allowed)
    assert all(abs(count - n * p) < 5 * (n * p * (1 - p)) ** 0.5 for count in counts.values())


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_divergence_is_hintons(model, batch, temperature):
    """T²·Σ_c p_c (log p_c − log q_c), p the teacher's; the gradient goes to the student alone."""
    teacher = Given(LOGITS.flip(1))
    p = (LOGITS.flip(1) / temperature).softmax(1)
    q = (LOGITS / temperature).softmax(1)
    found = task.divergence(model, teacher, batch, temperature)
    torch.testing.assert_close(found, temperature**2 * (p * (p.log() - q.log())).sum(1))
    found.sum().backward()
    torch.testing.assert_close(model.values.grad, temperature * (q - p))
    assert teacher.values.grad is None
    assert not task.divergence(model, model, batch, temperature).any()


def test_gradients_flow_through_every_loss(model, batch):
    """Softmax minus one-hot."""
    task.loss(model, batch).sum().backward()
    expected = LOGITS.softmax(1) - nn.functional.one_hot(LABELS, 3)
    torch.testing.assert_close(model.values.grad, expected)


def test_a_cpu_predicts_few_large_images_at_once():
    cpu = torch.device("cpu")
    assert [task.at_once((size, size), cpu) for size in (8, 32, 224, 512)] == [512, 128, 4, 4]
    assert task.at_once((224, 224), torch.device("cuda")) == 512


def test_predictions_do_not_depend_on_how_many_are_made_at_once(toy, tmp_path, monkeypatch):
    trainer = Trainer(toy, None, Compute("cpu", "fp32", False, False), 0, tmp_path)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.LazyLinear(len(toy.classes)))
    whole = task.predict(net, trainer, np.arange(len(toy)))
    monkeypatch.setattr(classification, "CACHED_PIXELS", 1)
    torch.testing.assert_close(task.predict(net, trainer, np.arange(len(toy))), whole)
