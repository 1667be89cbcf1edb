"""The verbs of a diffusion model in closed form, on networks that are given."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch import nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.tasks.diffusion import unwrapped
from unlearn_cli.tasks.generation import Generation
from unlearn_cli.training.trainer import Trainer

CLASSES, TIMESTEPS = 3, 20
SAMPLER = Sampler(steps=4, eta=1.0, guidance=0.5, batch_size=4, seed=0)


def generation(other="next", compat="paper"):
    return Generation(other=other, compat=compat)


task = generation()


class Table(Denoiser):
    """Predicts one number for each class, whatever the image; the last is the one for no class."""

    def __init__(self, prediction="epsilon", values=(0.5, -1.0, 2.0, 0.25)):
        process = DDIMScheduler(
            num_train_timesteps=TIMESTEPS, prediction_type=prediction, timestep_spacing="trailing"
        )
        super().__init__(process, null=CLASSES, label_drop=0.0)
        self.values = nn.Parameter(torch.tensor(values))

    def predict(self, x, t, labels):
        return self.values[labels].view(-1, 1, 1, 1).expand_as(x)


class Knowing(Table):
    """Predicts what it should for the images that it was given."""

    def __init__(self, batch, prediction):
        super().__init__(prediction)
        self.image = 2 * batch.x - 1

    def predict(self, x, t, labels):
        alpha = self.process.alphas_cumprod[t].view(-1, 1, 1, 1)
        noise = (x - alpha.sqrt() * self.image) / (1 - alpha).sqrt()
        return {
            "epsilon": noise,
            "sample": self.image,
            "v_prediction": alpha.sqrt() * noise - (1 - alpha).sqrt() * self.image,
        }[self.process.config.prediction_type]


PREDICTIONS = ["epsilon", "sample", "v_prediction"]
LABELS = torch.tensor([0, 1, 2, 0, 2])
FORGET = LABELS == 0


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def batch():
    return images(2, 2)


def images(channels, side):
    x = torch.rand(5, channels, side, side, generator=torch.Generator().manual_seed(0))
    return Batch(x, LABELS, torch.arange(5), FORGET)


@pytest.fixture
def trainer(toy, compute, tmp_path):
    return Trainer(toy, np.zeros(40, bool), compute, 0, tmp_path)


def seeded(function, *arguments, **options):
    """Equal t and ε for each call."""
    torch.manual_seed(4)
    return function(*arguments, **options)


def noise_of(batch):
    """ε of the same draw, as the target of a model that predicts it."""
    return seeded(task.noised, Table(), batch)[2]


def mse(output, target):
    return (output - target).square().flatten(1).mean(1)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_noised_images_and_targets(batch, prediction):
    """x_t = √ᾱ x + √(1 − ᾱ) ε of images in [-1, 1]; v = √ᾱ ε − √(1 − ᾱ) x."""
    model, image, noise = Table(prediction), 2 * batch.x - 1, noise_of(batch)
    x, t, target = seeded(task.noised, model, batch)
    alpha = torch.cumprod(1 - torch.linspace(1e-4, 0.02, TIMESTEPS), 0)[t].view(-1, 1, 1, 1)
    torch.testing.assert_close(x, alpha.sqrt() * image + (1 - alpha).sqrt() * noise)
    expected = {
        "epsilon": noise,
        "sample": image,
        "v_prediction": alpha.sqrt() * noise - (1 - alpha).sqrt() * image,
    }
    torch.testing.assert_close(target, expected[prediction])


def test_noise_is_standard_and_every_timestep_comes():
    many = Batch(torch.zeros(4000, 1, 2, 2), *(torch.zeros(4000, dtype=torch.long) for _ in range(3)))
    _, t, noise = seeded(task.noised, Table(), many)
    assert abs(float(noise.mean())) < 5 / 16_000**0.5
    assert abs(float(noise.var()) - 1) < 5 * (2 / 16_000) ** 0.5
    assert set(t.tolist()) == set(range(TIMESTEPS))


@pytest.mark.parametrize("size", [4, 5])
def test_timesteps_are_antithetic(batch, size):
    _, t, _ = task.noised(Table(), batch.select(slice(size)))
    half = (size + 1) // 2
    assert len(t) == size
    assert torch.equal(t[half:], TIMESTEPS - 1 - t[: size - half])


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_model_without_error_has_no_loss(batch, prediction):
    model = Knowing(batch, prediction)
    torch.testing.assert_close(task.loss(model, batch), torch.zeros(5), atol=1e-4, rtol=0)
    assert (task.loss(Table(prediction), batch) > 0.01).all()


def test_loss_is_the_mean_over_a_samples_elements(batch):
    model = Table()
    expected = mse(model.values[LABELS].view(-1, 1, 1, 1), noise_of(batch))
    torch.testing.assert_close(seeded(task.loss, model, batch), expected)


@pytest.mark.parametrize("drop", [True, False])
def test_the_model_is_told_whether_to_drop_labels(batch, drop):
    told = []

    class Told(Table):
        def forward(self, x, t, labels, drop=True):
            told.append(drop)
            return super().forward(x, t, labels)

    task.loss(Told(), batch, drop=drop)
    assert told == [drop]


def test_wrong_loss_is_towards_the_prediction_for_the_next_class(batch):
    model = Table()
    values = model.values.detach()
    torch.testing.assert_close(
        task.wrong_loss(model, batch), (values[LABELS] - values[(LABELS + 1) % 3]).square()
    )


def test_no_gradient_flows_into_the_wrong_target(batch):
    """From class 0 alone: 2·(v_0 − v_1) to v_0, nothing to v_1."""
    model = Table()
    task.wrong_loss(model, batch.select(FORGET)).sum().backward()
    torch.testing.assert_close(model.values.grad, torch.tensor([2 * 2 * (0.5 - -1.0), 0, 0, 0]))


def test_wrong_loss_where_it_is_asked_for_alone(batch):
    """The denoising loss elsewhere, of the same t and ε; the gradients as well."""
    model = Table()
    losses = seeded(task.wrong_loss, model, batch, where=FORGET)
    denoising = seeded(task.loss, model, batch)
    torch.testing.assert_close(losses[~FORGET], denoising[~FORGET])
    torch.testing.assert_close(losses[FORGET].detach(), torch.full((2,), 1.5**2))
    losses[~FORGET].sum().backward()
    residual = model.values.detach()[LABELS].view(-1, 1, 1, 1) - noise_of(batch)
    expected = [2 * float(residual[c == LABELS].flatten(1).mean(1).sum()) for c in (1, 2)]
    torch.testing.assert_close(model.values.grad, torch.tensor([0, *expected, 0]))


def test_wrong_loss_with_nothing_to_forget_is_the_loss(batch):
    model, nowhere = Table(), torch.zeros(5, dtype=torch.bool)
    torch.testing.assert_close(
        seeded(task.wrong_loss, model, batch, where=nowhere), seeded(task.loss, model, batch)
    )


def test_a_model_that_ignores_the_class_has_no_wrong_loss(batch):
    assert not task.wrong_loss(Table(values=(0.7,) * 4), batch).any()


@pytest.mark.parametrize(
    ("other", "exclude_true", "shifts"),
    [("next", True, {1}), ("next", False, {1}), ("random", True, {1, 2, 3}), ("random", False, {0, 1, 2, 3})],
)
def test_other_classes(other, exclude_true, shifts):
    """Every allowed one as often, five standard deviations at most."""
    labels, n = torch.arange(4).repeat(2000), 8000
    found = (generation(other).other_class(labels, 4, exclude_true) - labels) % 4
    counts = torch.bincount(found, minlength=4)
    assert {shift for shift in range(4) if counts[shift]} == shifts
    p = 1 / len(shifts)
    assert all(abs(int(counts[shift]) - n * p) <= 5 * (n * p * (1 - p)) ** 0.5 for shift in shifts)


def test_the_release_sums_the_denoising_loss_and_means_the_wrong_one():
    """On CIFAR-10 a sum over 3 x 32 x 32 elements: its alpha 1e-3 is 3.072 in like units."""
    batch, model, release = images(3, 32), Table(), generation(compat="release")
    paper = seeded(task.wrong_loss, model, batch, where=FORGET)
    sums = seeded(release.wrong_loss, model, batch, where=FORGET)
    torch.testing.assert_close(1e-3 * sums[~FORGET], 3.072 * paper[~FORGET])
    torch.testing.assert_close(sums[FORGET], paper[FORGET])
    torch.testing.assert_close(
        seeded(release.loss, model, batch), 3072 * seeded(task.loss, model, batch), rtol=1e-5, atol=1e-3
    )


def test_divergence_is_between_the_predictions(batch):
    student, teacher = Table(), Table(values=(0.5, 1.0, 1.0, 0.0))
    found = task.divergence(student, teacher, batch)
    torch.testing.assert_close(found.detach(), torch.tensor([0.0, 4.0, 1.0, 0.0, 1.0]))
    found.sum().backward()
    torch.testing.assert_close(student.values.grad, torch.tensor([0.0, 2 * -2.0, 2 * 2 * 1.0, 0.0]))
    assert teacher.values.grad is None
    assert not task.divergence(student, Table(), batch).any()


def test_guided_loss_is_a_sum_over_the_guided_prediction(batch):
    model = Table()
    guided = 3 * model.values[LABELS] - 2 * model.values[CLASSES]
    expected = (guided.view(-1, 1, 1, 1) - noise_of(batch)).square().flatten(1).sum(1)
    torch.testing.assert_close(seeded(task.guided_loss, model, batch, 2.0), expected)


def test_a_preview_leaves_nothing_behind(trainer):
    model, labels = Table(), torch.tensor([0, 1, 2, 0])
    torch.manual_seed(9)
    before = torch.random.get_rng_state()
    seen = task.preview(model, labels, SAMPLER, trainer)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not list(trainer.folder.iterdir())
    assert seen.dtype == torch.uint8
    assert seen.shape == (4, 1, 4, 4)
    torch.manual_seed(1)
    assert torch.equal(task.preview(model, labels, SAMPLER, trainer), seen)
    assert not torch.equal(task.preview(Table(values=(0.0,) * 4), labels, SAMPLER, trainer), seen)


def test_draw_is_the_samplers(trainer):
    model, labels = Table().train(), torch.tensor([0, 1, 2, 0, 1])
    images = task.draw(model, labels, SAMPLER, trainer, stage="there")
    expected = SAMPLER.draw(model, labels, (1, 4, 4), trainer.compute, trainer.folder / "again")
    assert torch.equal(images, expected)
    names = {file.name for file in trainer.folder.glob("*.safetensors")}
    assert names == {"there-0.resume.safetensors", "there-1.resume.safetensors"}


def test_a_glance_is_the_same_each_time(trainer):
    """And in the same units, whatever the loss is."""
    model, rows = Table(), np.arange(30)
    first = task.glance(model, trainer, rows)
    torch.manual_seed(1)
    assert task.glance(model, trainer, rows) == first
    assert generation(compat="release").glance(model, trainer, rows) == pytest.approx(first)
    trainer.seeded("losses")
    (batch,) = trainer.batches(rows)
    losses = task.loss(model, batch).detach()
    assert first == {"error": pytest.approx(float(losses.mean()))}
    assert task.losses(model, trainer, rows).tolist() == pytest.approx(losses.tolist())


def test_verbs_take_a_compiled_model(batch):
    model = Table()
    compiled = torch.compile(model, backend="eager")
    assert unwrapped(compiled) is model
    torch.testing.assert_close(
        seeded(task.wrong_loss, compiled, batch, where=FORGET),
        seeded(task.wrong_loss, model, batch, where=FORGET),
    )
