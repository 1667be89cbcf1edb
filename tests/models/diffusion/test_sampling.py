"""The sampler against diffusers' own loops, on networks in closed form."""

import logging
import signal
from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMScheduler
from harm import HARMS, harm
from torch import nn

from unlearn_cli.errors import InputError, Preempted, RunError
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.unet import ClassConditional
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.runtime.stopping import stop_signals

CLASSES = 3
SHAPE = (1, 4, 4)
LABELS = torch.tensor([0, 1, 2, 2, 0, 1])
TIMESTEPS = 40
NOISING = {"num_train_timesteps": TIMESTEPS, "beta_schedule": "linear", "timestep_spacing": "trailing"}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def sampler(**changes):
    return Sampler(**{"steps": 8, "eta": 0.0, "guidance": 2.0, "batch_size": 4, "seed": 0} | changes)


def process(prediction="epsilon"):
    return DDIMScheduler(**NOISING, prediction_type=prediction)


class Curved(nn.Module):
    """In a UNet's place: a smooth function of state, time and class, which notes what it is asked."""

    def __init__(self):
        super().__init__()
        self.states = []

    def forward(self, x, t, class_labels):
        self.states.append(x)
        c = class_labels.view(-1, 1, 1, 1)
        return SimpleNamespace(sample=(x * (1 + c / 5) + t.view(-1, 1, 1, 1) / TIMESTEPS).tanh())


def curved():
    return ClassConditional(Curved(), process(), CLASSES, label_drop=0.1).eval()


class Pictured(nn.Module):
    """A UNet to diffusers' pipeline: the classes are fixed, guidance is two calls."""

    config = SimpleNamespace(sample_size=4, in_channels=1)
    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, network, labels, guidance):
        super().__init__()
        self.network, self.labels, self.guidance = network, labels, guidance

    def forward(self, x, t):
        times = t.expand(len(x))
        conditional = self.network(x, times, self.labels).sample
        free = self.network(x, times, torch.full_like(self.labels, CLASSES)).sample
        return SimpleNamespace(sample=conditional + self.guidance * (conditional - free))


class Knowing(Denoiser):
    """Predicts without error for images that are a function of the class alone."""

    def __init__(self, prediction="epsilon"):
        super().__init__(process(prediction), null=CLASSES, label_drop=0.0)
        self.images = torch.rand(CLASSES, *SHAPE, generator=torch.Generator().manual_seed(3)) * 1.8 - 0.9

    def guided(self, x, t, labels, guidance):
        return self.predict(x, t, labels)  # without error, there is nothing to guide

    def predict(self, x, t, labels):
        alpha = self.process.alphas_cumprod[t].view(-1, 1, 1, 1)
        image = self.images[labels]
        noise = (x - alpha.sqrt() * image) / (1 - alpha).sqrt()
        return {
            "epsilon": noise,
            "sample": image,
            "v_prediction": alpha.sqrt() * noise - (1 - alpha).sqrt() * image,
        }[self.process.config.prediction_type]


@pytest.mark.parametrize("guidance", [0.0, 2.0])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_equal_to_diffusers_pipeline_at_equal_noise(compute, guidance, eta):
    torch.manual_seed(7)
    noise = torch.randn(len(LABELS), *SHAPE)
    found = sampler(guidance=guidance, eta=eta).sample(curved(), noise, LABELS, compute)

    pipeline = DDIMPipeline(Pictured(Curved(), LABELS, guidance), process())
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(7)
    expected = pipeline(
        len(LABELS), generator, eta, num_inference_steps=8, output_type="pt", return_dict=False
    )[0]
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("stop_at", [1, 17, 39])
def test_all_steps_at_eta_one_are_ddpm(compute, stop_at):
    """η = 1 over every timestep is ancestral sampling (Song et al., ICLR 2021, Section 4.1)."""
    model, noise = Knowing(), torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(3)
    torch.manual_seed(7)
    found = sampler(steps=TIMESTEPS, eta=1.0).sample(model, noise, labels, compute, stop_at=stop_at)

    ddpm = DDPMScheduler(**NOISING, variance_type="fixed_small")
    ddpm.set_timesteps(TIMESTEPS)
    generator, x = torch.Generator().manual_seed(7), noise
    for t in ddpm.timesteps[:stop_at]:
        x = ddpm.step(model.guided(x, t.expand(3), labels, 0), t, x, generator=generator).prev_sample
    torch.testing.assert_close(found, x, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_a_model_without_error_draws_its_images(compute, prediction, eta):
    """Whatever it predicts; of any mix of classes."""
    model = Knowing(prediction)
    images = sampler(eta=eta).sample(model, torch.randn(6, *SHAPE), LABELS, compute)
    torch.testing.assert_close(images, (model.images[LABELS] + 1) / 2, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stop_at", [0, 3, 7])
def test_stopped_early_it_gives_the_state_of_the_next_timestep(compute, stop_at):
    """η = 0 keeps the noise of the start: x_t = √ᾱ_t x_0 + √(1 − ᾱ_t) ε."""
    model, start = Knowing(), torch.randn(6, *SHAPE)
    x = sampler().sample(model, start, LABELS, compute, stop_at=stop_at)
    alpha, image = model.process.alphas_cumprod, model.images[LABELS]
    first, t = model.process.timesteps[0], model.process.timesteps[stop_at]
    noise = (start - alpha[first].sqrt() * image) / (1 - alpha[first]).sqrt()
    assert t == TIMESTEPS - 1 - 5 * stop_at
    torch.testing.assert_close(x, alpha[t].sqrt() * image + (1 - alpha[t]).sqrt() * noise)


def test_images_stay_within_their_range(compute):
    """The last state is clamped: a scheduler that clips nothing leaves it as far out as the noise."""
    model = curved()
    model.process = DDIMScheduler(**NOISING, clip_sample=False)
    images = sampler().sample(model, 100 * torch.randn(6, *SHAPE), LABELS, compute)
    assert (images.min(), images.max()) == (0, 1)


@pytest.mark.parametrize(
    ("spacing", "offset", "steps", "first"), [("leading", 1, TIMESTEPS, TIMESTEPS), ("linspace", 0, 1, 0)]
)
def test_steps_that_begin_outside_of_the_timesteps_are_refused(spacing, offset, steps, first):
    model = curved()
    model.process = DDIMScheduler(**NOISING | {"timestep_spacing": spacing}, steps_offset=offset)
    with pytest.raises(
        InputError, match=rf"^k\.steps: {steps} steps of .* begin at timestep {first}, and it has 1"
    ):
        sampler(steps=steps).check(model, "k")
    sampler(steps=8).check(model, "k")


@pytest.mark.parametrize("stop_at", [None, 3])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_ends_the_run(compute, value, stop_at):
    """Black images have metrics, too."""
    model = curved()
    model.unet.register_forward_hook(lambda *_: SimpleNamespace(sample=torch.full((6, *SHAPE), value)))
    with pytest.raises(RunError, match=r"^sampling: what the model draws is not finite"):
        sampler(guidance=0.0).sample(model, torch.randn(6, *SHAPE), LABELS, compute, stop_at=stop_at)


def test_drawn_images_are_bytes_in_the_order_of_the_labels(compute, tmp_path):
    model = Knowing()
    images = sampler().draw(model, LABELS, SHAPE, compute, tmp_path)
    assert images.dtype == torch.uint8
    assert images.shape == (6, *SHAPE)
    wanted = (model.images[LABELS] + 1) / 2 * 255
    assert (images - wanted).abs().max() < 0.51


def test_colour_images_in_channels_last_layout(tmp_path):
    """Their chunks are written as files, which take contiguous tensors alone."""
    layout = Compute("cpu", "fp32", channels_last=True, compile=False)
    images = sampler(steps=2).draw(curved(), LABELS, (3, 4, 4), layout, tmp_path)
    assert images.shape == (len(LABELS), 3, 4, 4)


def test_a_second_start_draws_what_is_missing_alone(compute, tmp_path):
    expected = sampler(batch_size=2, eta=1.0).draw(curved(), LABELS, SHAPE, compute, tmp_path)
    files = [f"samples-{number}.resume.safetensors" for number in range(3)]
    assert sorted(file.name for file in tmp_path.iterdir()) == files

    (tmp_path / files[1]).unlink()
    model = curved()
    assert torch.equal(sampler(batch_size=2, eta=1.0).draw(model, LABELS, SHAPE, compute, tmp_path), expected)
    assert len(model.unet.states) == 8
    model.unet.states.clear()
    assert torch.equal(sampler(batch_size=2, eta=1.0).draw(model, LABELS, SHAPE, compute, tmp_path), expected)
    assert not model.unet.states


@pytest.mark.parametrize("kind", HARMS)
def test_a_damaged_chunk_is_drawn_anew(compute, tmp_path, caplog, kind):
    expected = sampler(batch_size=2).draw(curved(), LABELS, SHAPE, compute, tmp_path)
    file = tmp_path / "samples-1.resume.safetensors"
    harm(file, kind)
    model = curved()
    assert torch.equal(sampler(batch_size=2).draw(model, LABELS, SHAPE, compute, tmp_path), expected)
    assert len(model.unet.states) == 8
    (told,) = caplog.messages
    assert f"{file} is damaged (" in told


def test_a_stop_signal_loses_no_finished_chunk(compute, tmp_path):
    whole = sampler(batch_size=2).draw(curved(), LABELS, SHAPE, compute, tmp_path / "whole")
    model = curved()
    handle = model.unet.register_forward_pre_hook(lambda *_: signal.raise_signal(signal.SIGTERM))
    with stop_signals(), pytest.raises(Preempted, match="while sampling"):
        sampler(batch_size=2).draw(model, LABELS, SHAPE, compute, tmp_path)
    handle.remove()
    assert len(model.unet.states) == 8
    assert torch.equal(sampler(batch_size=2).draw(model, LABELS, SHAPE, compute, tmp_path), whole)
    assert len(model.unet.states) == 3 * 8


def test_every_model_starts_from_the_same_noise(compute, tmp_path):
    """Other chunks, other noise; another seed, other noise."""
    one, other, reseeded = curved(), curved(), curved()
    other.unet.register_forward_hook(lambda module, inputs, output: SimpleNamespace(sample=-output.sample))
    for name, model, seed in (("one", one, 0), ("other", other, 0), ("reseeded", reseeded, 1)):
        torch.manual_seed(len(name))
        sampler(seed=seed, batch_size=3).draw(model, LABELS, SHAPE, compute, tmp_path / name)
    for chunk in (0, 8):
        assert torch.equal(one.unet.states[chunk], other.unet.states[chunk])
        assert not torch.equal(one.unet.states[chunk + 1], other.unet.states[chunk + 1])
        assert not torch.equal(one.unet.states[chunk], reseeded.unet.states[chunk])
    assert not torch.equal(one.unet.states[0], one.unet.states[8])


def exhausted(model, most):
    """The model with a memory for so many images."""

    def check(module, inputs):
        if len(inputs[0]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")

    model.unet.register_forward_pre_hook(check)
    return model


def test_out_of_memory_halves_the_batch_and_says_so(compute, caplog):
    """Guidance doubles what goes through the model: six images, three, two, four at once."""
    noise = torch.randn(6, *SHAPE)
    expected = sampler().sample(curved(), noise, LABELS, compute)
    model = exhausted(curved(), most=4)
    with caplog.at_level(logging.WARNING, "unlearn"):
        found = sampler().sample(model, noise, LABELS, compute)
    torch.testing.assert_close(found, expected)
    told = [f"sampling: out of memory; {size} images at once from here on" for size in (3, 2)]
    assert caplog.messages == told
    assert [len(state) for state in model.unet.states] == [4, 4, 4] * 8


def test_memory_for_less_than_one_image_is_an_error(compute):
    with pytest.raises(torch.OutOfMemoryError):
        sampler().sample(exhausted(curved(), most=1), torch.randn(2, *SHAPE), LABELS[:2], compute)
