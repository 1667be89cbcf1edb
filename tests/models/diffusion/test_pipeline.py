"""A pipeline folder of diffusers as a model: the same images as diffusers draws, and what cannot be used."""

import logging
import os
import shutil

import huggingface_hub
import pytest
import recipes
import torch
from diffusers import DDIMScheduler, LCMScheduler, StableDiffusionPipeline
from tiny_pipeline import SIZE, built, change, pipeline, saved, scheduled, settings

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.pipeline_folder import _fetched
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.tiny_text_to_image import TinyTextToImage
from unlearn_cli.runtime.compute import Compute

PROMPTS = ["a photo of the airplane over hills", "a dog"]


def drawn(model, noise: torch.Tensor, guidance: float = 5.0) -> torch.Tensor:
    """Images of all PROMPTS by DDIM."""
    sampler = Sampler(steps=10, eta=0.0, guidance=guidance, batch_size=4, seed=0)
    compute = Compute("cpu", "fp32", False, False)
    return sampler.sample(model, noise, torch.arange(len(PROMPTS)), compute)


def by_diffusers(pipe: StableDiffusionPipeline, noise: torch.Tensor) -> torch.Tensor:
    pipe.scheduler = DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False)
    pipe.set_progress_bar_config(disable=True)
    options = {"num_inference_steps": 10, "guidance_scale": 6.0, "height": SIZE, "width": SIZE}
    return pipe(PROMPTS, latents=noise, output_type="pt", **options).images


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_images_are_those_of_diffusers_for_the_same_noise(tmp_path, prediction):
    place = saved(tmp_path / "pipe", seed=3, prediction=prediction)
    model = built(place, PROMPTS)
    noise = torch.randn(2, *model.state_shape(3, (SIZE, SIZE)), generator=torch.manual_seed(1))
    ours, theirs = drawn(model, noise), by_diffusers(StableDiffusionPipeline.from_pretrained(place), noise)
    assert model.process.config.prediction_type == prediction
    assert ours.std() > 0.02
    torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=0)
    assert (drawn(model, noise, guidance=0.0) - ours).abs().max() > 1e-3  # guidance counts


@pytest.mark.parametrize("spacing", ["linspace", "trailing", "leading"])
def test_every_spacing_of_the_timesteps_is_honoured(copy, spacing):
    """Each step goes to the next of the timesteps, by which a model without error is told at any time."""
    scheduled(copy, DDIMScheduler(beta_schedule="scaled_linear", timestep_spacing=spacing, steps_offset=1))
    model = built(copy, PROMPTS)
    alphas, clean = model.process.alphas_cumprod, torch.full((1, 4, 8, 8), 0.3)

    def knowing(x, t, conditioning):
        alpha = alphas[t].view(-1, 1, 1, 1)
        return (x - alpha.sqrt() * clean) / (1 - alpha).sqrt()

    model.predict = knowing
    start = torch.randn(1, 4, 8, 8, generator=torch.manual_seed(0))
    sampler = Sampler(steps=10, eta=0.0, guidance=0.0, batch_size=4, seed=0)
    x = sampler.sample(model, start, torch.tensor([0]), Compute("cpu", "fp32", False, False), stop_at=7)
    first, t = model.process.timesteps[0], model.process.timesteps[7]
    noise = (start - alphas[first].sqrt() * clean) / (1 - alphas[first]).sqrt()
    assert (first, t) == {"linspace": (999, 222), "trailing": (999, 299), "leading": (901, 201)}[spacing]
    torch.testing.assert_close(
        x, alphas[t].sqrt() * clean + (1 - alphas[t]).sqrt() * noise, atol=1e-4, rtol=0
    )


def test_a_process_that_ends_in_noise_alone_is_honoured_for_v(copy):
    scheduled(copy, DDIMScheduler(rescale_betas_zero_snr=True, prediction_type="v_prediction"))
    model = built(copy, PROMPTS)
    assert model.process.alphas_cumprod[-1] == 0
    assert drawn(model, torch.randn(2, 4, 8, 8)).isfinite().all()


@pytest.mark.parametrize(
    "kind",
    ["StableDiffusionImg2ImgPipeline", "StableDiffusionPipelineSafe", "LatentConsistencyModelPipeline"],
)
def test_a_pipeline_of_the_same_parts_is_taken(copy, kind):
    change(copy / "model_index.json", _class_name=kind, safety_text_concept="anything")
    if kind.startswith("Latent"):
        scheduled(copy, LCMScheduler())
    assert built(copy, PROMPTS).prompts == [*PROMPTS, ""]


def test_a_distilled_unet_is_told(tmp_path, caplog):
    place = saved(tmp_path / "lcm", time_cond_proj_dim=8)
    with caplog.at_level(logging.WARNING, "unlearn"):
        for _ in range(2):
            built(place, PROMPTS)
    (record,) = caplog.records
    assert "was distilled to read the guidance scale, which it is not given here" in record.getMessage()


@pytest.mark.parametrize("channels", [1, 3])
def test_what_a_tiny_model_writes_is_a_pipeline_to_go_on_with(tmp_path, channels):
    spec = ImageSpec(PROMPTS, channels, (8, 8), (0.0,) * channels, (1.0,) * channels)
    tiny = TinyTextToImage(**recipes.TINY_TEXT).build(spec)
    tiny.export(tmp_path)
    model = settings(tmp_path / "pipeline").build(spec)
    own = tiny.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.state_dict().items())
    assert model.process.config.timestep_spacing == "trailing"


def test_it_is_ready_made_and_can_be_guided(folder):
    assert settings(folder).ready_made
    model = built(folder, PROMPTS)
    assert model.unconditional
    assert model.prompts == [*PROMPTS, ""]
    assert model.state_shape(3, (SIZE, SIZE)) == (4, SIZE // 2, SIZE // 2)


def test_weights_are_in_fp32_whatever_they_are_stored_in(tmp_path):
    pipeline().to(torch.float16).save_pretrained(tmp_path / "half", variant="fp16")
    model = built(tmp_path / "half", PROMPTS, variant="fp16")
    assert {p.dtype for p in [*model.parameters(), *model.shared.vae.parameters()]} == {torch.float32}


def test_gradient_checkpointing_gives_the_same_gradients(folder):
    grads = []
    for checkpointing in (False, True):
        model = built(folder, PROMPTS, gradient_checkpointing=checkpointing)
        assert model.unet.is_gradient_checkpointing == checkpointing
        x = torch.randn(2, 4, 8, 8, generator=torch.manual_seed(2))
        model(x, torch.tensor([10, 900]), torch.tensor([0, 1])).square().mean().backward()
        grads.append(torch.cat([p.grad.flatten() for p in model.unet.parameters()]))
    torch.testing.assert_close(*grads)


def test_an_image_is_encoded_and_decoded_by_its_autoencoder(folder):
    """Latents of the posterior's mean; the random autoencoder's spread is not of interest."""
    model = built(folder, PROMPTS)
    x = torch.rand(1, 3, SIZE, SIZE, generator=torch.manual_seed(0))
    y = torch.zeros(1, dtype=torch.long)
    torch.manual_seed(5)
    latents = model.encode(Batch(x, y, y - 1, y > 0))
    vae = pipeline().vae
    torch.manual_seed(5)
    posterior = vae.encode(2 * x - 1).latent_dist
    expected = (posterior.mean + posterior.std * torch.randn(posterior.mean.shape)) * 0.18215
    torch.testing.assert_close(latents, expected)
    image = (vae.decode(latents / 0.18215).sample.clamp(-1, 1) + 1) / 2
    torch.testing.assert_close(model.decode(latents), image)


def test_a_hub_name_without_network(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"^model\.path: the hub cannot be reached for 'nobody/nothing'"):
        built("nobody/nothing", PROMPTS)


def test_a_safety_checker_is_left_out_and_told_of_once(copy, caplog):
    change(copy / "model_index.json", safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"])
    with caplog.at_level(logging.INFO, "unlearn"):
        for _ in range(2):
            assert built(copy, PROMPTS).pipeline().safety_checker is None
    assert [record.getMessage() for record in caplog.records] == [
        f"model: the safety checker of '{copy}' is left out: it blanks images"
    ]


def test_images_that_do_not_fit(folder):
    with pytest.raises(InputError, match=r"^data\.size: 15 x 16 pixels, .* multiples of 2$"):
        settings(folder).build(ImageSpec(PROMPTS, 3, (15, 16), [], []))
    with pytest.raises(InputError, match=r"^data: images of 1 channel"):
        settings(folder).build(ImageSpec(PROMPTS, 1, (16, 16), [], []))


def test_its_identity_is_that_of_the_weight_files(copy):
    first = settings(copy).facts()
    change(copy / "model_index.json", _name_or_path="elsewhere")
    index = settings(copy).facts()
    assert index != first
    (copy / "README.md").write_text("nothing that counts")
    assert settings(copy, gradient_checkpointing=True).facts() == index
    (weights,) = (copy / "unet").glob("*.safetensors")
    os.utime(weights, ns=(1, 1))
    assert settings(copy).facts() == index, "the same content"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert settings(copy).facts() != index


def test_a_hub_names_identity_is_the_commit(monkeypatch, folder, tmp_path):
    """Files of the cache move; the commit stays."""
    commit = shutil.copytree(folder, tmp_path / "snapshots" / "0123abc")
    monkeypatch.setattr(
        "unlearn_cli.models.diffusion.pipeline_folder._from_hub", lambda *_: commit / "model_index.json"
    )
    monkeypatch.setattr("unlearn_cli.models.diffusion.pipeline_folder._downloaded", lambda *_: commit)
    first = settings("owner/hub-identity").identity()
    (weights,) = (commit / "unet").glob("*.safetensors")
    os.utime(weights, ns=(1, 1))
    assert settings("owner/hub-identity").identity() == first
    _fetched.cache_clear()
    other = commit.rename(commit.with_name("4567def"))
    monkeypatch.setattr(
        "unlearn_cli.models.diffusion.pipeline_folder._from_hub", lambda *_: other / "model_index.json"
    )
    monkeypatch.setattr("unlearn_cli.models.diffusion.pipeline_folder._downloaded", lambda *_: other)
    assert settings("owner/hub-identity").identity() != first
