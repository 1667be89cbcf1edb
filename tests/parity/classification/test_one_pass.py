"""Verbs that give two losses: both of one output, each equal to its own verb's, whatever a model draws."""

import pytest
import torch
from torch import nn

from parity.classification.small import Small
from unlearn_cli.tasks.generation import Generation
from unlearn_cli.tasks.recognition import Recognition
from unlearn_cli.tasks.text_to_image import TextToImage


class Plain(Recognition):
    """The verbs that classifiers and CLIPs share."""

    name = "plain"


@pytest.fixture
def dropping(small):
    """A classifier with dropout, in train mode, and its frozen teacher."""
    model = small.model()
    model.body.append(nn.Dropout(0.4))
    return model.train(), small.model()


def test_terms_of_a_classifier_see_the_same_dropout(small, dropping):
    model, teacher = dropping
    (batch,) = small.trainer.batches(small.rows)
    torch.manual_seed(3)
    logits = model(batch.x)
    outputs, softened = logits.log_softmax(1), (logits / 0.7).log_softmax(1)
    torch.manual_seed(3)
    model.passed = 0
    loss, divergence = Plain().loss_and_divergence(model, teacher, batch, 0.7)
    assert model.passed == len(batch)
    target = (teacher(batch.x) / 0.7).softmax(1)
    torch.testing.assert_close(loss, -outputs[torch.arange(12), batch.y])
    torch.testing.assert_close(divergence, 0.49 * (target * (target.log() - softened)).sum(1))


def test_a_glance_is_in_percent(small):
    right = small.model()(small.x(small.rows)).argmax(1) == small.y(small.rows)
    found = Plain().glance(small.model(), small.trainer, small.rows)["acc"]
    assert found == pytest.approx(100 * float(right.float().mean()), rel=1e-5)
    assert found > 0


def test_wrong_and_true_labels_of_a_classifier(tmp_path):
    two, log = Small(tmp_path, classes=2), nn.LogSoftmax(1)
    model = two.model()
    (batch,) = two.trainer.batches(two.rows)
    wrong, true = Plain().wrong_and_true_loss(model, batch)
    assert model.passed == len(batch)
    outputs, at = log(model(batch.x)), torch.arange(12)
    torch.testing.assert_close(true, -outputs[at, batch.y])
    torch.testing.assert_close(wrong, -outputs[at, 1 - batch.y])


class Noiser(nn.Module):
    """Predicts a multiple of x_t that hangs on the class, and remembers what it was given."""

    def __init__(self, process, scale):
        super().__init__()
        self.process, self.null, self.scale, self.seen = process, 3, nn.Parameter(torch.tensor(scale)), []

    def encode(self, batch):
        return 2 * batch.x - 1

    def forward(self, x, t, labels, drop=True):
        self.seen.append(x)
        return self.scale * (1 + labels.view(-1, 1, 1, 1)) * x


@pytest.mark.parametrize("compat", ["paper", "release"])
def test_terms_of_a_diffusion_model_are_at_the_same_noise(small, compat):
    from diffusers import DDPMScheduler

    task = Generation(other="next", compat=compat)
    process = DDPMScheduler(num_train_timesteps=20)
    student, teacher = Noiser(process, 0.3), Noiser(process, 0.7)
    (batch,) = small.trainer.batches(small.rows)
    factor = 4 if compat == "release" else 1  # elements of an image
    torch.manual_seed(5)
    x, _, noise = task.noised(student, batch)
    output, multiples = 0.3 * (1 + batch.y).view(-1, 1, 1, 1) * x, (1 + batch.y).view(-1, 1, 1, 1)

    torch.manual_seed(5)
    loss, divergence = task.loss_and_divergence(student, teacher, batch)
    assert len(student.seen) == len(teacher.seen) == 1
    torch.testing.assert_close(loss, factor * (output - noise).square().flatten(1).mean(1))
    torch.testing.assert_close(divergence, (0.4 * multiples * x).square().flatten(1).mean(1))

    torch.manual_seed(5)
    wrong, true = task.wrong_and_true_loss(student, batch)
    assert len(student.seen) == 3  # the model's own prediction for the next class, without a gradient
    torch.testing.assert_close(true, loss)
    others = 0.3 * (1 + (batch.y + 1) % 3).view(-1, 1, 1, 1) * x
    torch.testing.assert_close(wrong, (output - others).square().flatten(1).mean(1))


@pytest.mark.parametrize("task", [Generation, TextToImage])
def test_a_wrong_target_of_a_diffusion_model_costs_a_pass(task):
    assert task.wrong_forwards == 1
