"""Pipeline folders that are not what they say: each is refused in a line, nothing is filled in by chance."""

import shutil

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EDMEulerScheduler,
    FlowMatchEulerDiscreteScheduler,
)
from tiny_pipeline import built, change, pipeline, rewrite, saved, scheduled

from unlearn_cli.errors import InputError

PROMPTS = ["a photo of the airplane over hills", "a dog"]
WEIGHED = ["unet", "vae", "text_encoder"]


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(copy, part):
    shutil.rmtree(copy / part)
    with pytest.raises(InputError, match=rf"^model\.path: '.*copy' has no {part}; a StableDiffusionPipeline"):
        built(copy, PROMPTS)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_weights_that_are_missing_or_damaged(copy, part):
    (weights,) = (copy / part).glob("*.safetensors")
    weights.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"^model\.path: .* cannot be opened \(\w+: ") as error:
        built(copy, PROMPTS)
    assert "\n" not in str(error.value)
    weights.unlink()
    with pytest.raises(InputError, match=rf"^model\.path: .* cannot be opened \(OSError: .*copy/{part}"):
        built(copy, PROMPTS)


def test_a_tokenizer_without_its_words(copy):
    for file in (copy / "tokenizer").glob("*"):
        if not file.name.endswith("config.json"):
            file.unlink()
    with pytest.raises(InputError, match="has no tokenizer"):
        built(copy, PROMPTS)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda place: None, "no such folder"),
        (lambda place: place.mkdir(), "has no model_index.json, so it is no pipeline"),
        (lambda place: (place.mkdir(), (place / "model_index.json").write_text("[")), "is damaged"),
    ],
)
def test_what_is_no_pipeline_folder(tmp_path, make, told):
    make(tmp_path / "thing")
    with pytest.raises(InputError, match=rf"^model\.path: .*{told}.*give a pipeline folder of diffusers"):
        built(tmp_path / "thing", PROMPTS)


@pytest.mark.parametrize("part", WEIGHED)
def test_a_tensor_that_is_missing_is_not_drawn_at_random(copy, part):
    rewrite(copy / part, lambda tensors: tensors.pop(sorted(tensors)[0]))
    with pytest.raises(InputError, match=rf"^model\.path: the weights of the {part} of .* lack 1 tensors"):
        built(copy, PROMPTS)


@pytest.mark.parametrize("part", WEIGHED)
def test_a_foreign_tensor_is_told(copy, part):
    rewrite(copy / part, lambda tensors: tensors.update({"other.weight": torch.zeros(2)}))
    with pytest.raises(
        InputError, match=rf"the {part} of .* hold 1 foreign tensors \(first: other\.weight\)"
    ):
        built(copy, PROMPTS)


def test_weights_of_another_text_encoder(copy):
    def renamed(tensors):
        for name in list(tensors):
            tensors[f"roberta.{name}"] = tensors.pop(name)

    rewrite(copy / "text_encoder", renamed)
    with pytest.raises(InputError, match=r"the text_encoder of '.*copy' lack \d\d tensors"):
        built(copy, PROMPTS)


def test_a_text_encoder_as_older_versions_saved_it(copy):
    """Their names began with text_model, and the positions were a tensor."""

    def older(tensors):
        for name in list(tensors):
            tensors[f"text_model.{name.removeprefix('text_model.')}"] = tensors.pop(name)
        tensors["text_model.embeddings.position_ids"] = torch.arange(16)[None]

    before = built(copy, PROMPTS).text_encoder.state_dict()
    rewrite(copy / "text_encoder", older)
    after = built(copy, PROMPTS).text_encoder.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("scheduler", "told"),
    [
        (FlowMatchEulerDiscreteScheduler(), "FlowMatchEulerDiscreteScheduler has no betas"),
        (EDMEulerScheduler(), "EDMEulerScheduler has no betas"),
        (DPMSolverMultistepScheduler(use_flow_sigmas=True), "the model predicts 'flow'"),
        (DDPMScheduler(beta_schedule="sigmoid"), "beta_schedule is 'sigmoid', and there is linear"),
        (DDIMScheduler(timestep_spacing="karras"), "timestep_spacing is 'karras', and there is leading"),
        (DDIMScheduler(trained_betas=[0.1] * 10), "trained_betas are 10, and num_train_timesteps is 1000"),
        (DDIMScheduler(rescale_betas_zero_snr=True), "rescale_betas_zero_snr with prediction_type epsilon"),
    ],
)
def test_a_scheduler_that_cannot_be_honoured(copy, scheduler, told):
    scheduled(copy, scheduler)
    with pytest.raises(InputError, match=rf"^model\.path: the scheduler of '.*copy' cannot .*: {told}"):
        built(copy, PROMPTS)


def test_other_kinds_of_pipeline_are_refused(copy):
    foreign = {"text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}
    change(copy / "model_index.json", _class_name="StableDiffusionXLPipeline", **foreign)
    with pytest.raises(
        InputError, match=r"is a StableDiffusionXLPipeline with text_encoder_2; .* 1\.x or 2\.x"
    ):
        built(copy, PROMPTS)


@pytest.mark.parametrize("entry", ["UNet2DConditionModel", ["diffusers"], {"class": "UNet2DConditionModel"}])
def test_an_index_that_does_not_name_a_class(copy, entry):
    change(copy / "model_index.json", unet=entry)
    with pytest.raises(InputError, match=r"model_index\.json is damaged \(unet names no library and class\)"):
        built(copy, PROMPTS)


def test_a_part_of_another_class(copy):
    change(copy / "model_index.json", text_encoder=["transformers", "T5EncoderModel"])
    with pytest.raises(InputError, match=r"with a text_encoder of class T5EncoderModel; what can be used"):
        built(copy, PROMPTS)


def test_an_inpainting_model(tmp_path):
    place = saved(tmp_path / "inpaint", in_channels=9)
    with pytest.raises(InputError, match="the UNet takes 9 channels, and the autoencoder's latents have 4"):
        built(place, PROMPTS)


def test_a_folder_of_half_precision_alone_names_its_variant(tmp_path):
    place = tmp_path / "half"
    pipeline().to(torch.float16).save_pretrained(place, variant="fp16")
    with pytest.raises(
        InputError, match=r"^model\.variant: .*half' has no plain weights .* model\.variant=fp16$"
    ):
        built(place, PROMPTS)
    with pytest.raises(
        InputError, match=r"no weights of variant 'bf16' of its unet; set model\.variant=fp16$"
    ):
        built(place, PROMPTS, variant="bf16")


def test_a_variant_that_is_not_there(folder):
    with pytest.raises(InputError, match=r"^model\.variant: .* no weights of variant 'fp16'; there is null$"):
        built(folder, PROMPTS, variant="fp16")


def test_a_part_alone(folder):
    with pytest.raises(
        InputError, match=r"has no model_index.json, so it is a UNet2DConditionModel alone: put"
    ):
        built(folder / "unet", PROMPTS)


@pytest.mark.parametrize("absolute", [True, False])
def test_a_file_is_no_folder(tmp_path, monkeypatch, absolute):
    """A relative path of two parts is no hub name, either."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "sd.safetensors").write_bytes(b"weights")
    path = str(tmp_path / "models" / "sd.safetensors") if absolute else "models/sd.safetensors"
    with pytest.raises(
        InputError, match=r"^model\.path: '.*sd\.safetensors' is a file, and a pipeline is a folder"
    ):
        built(path, PROMPTS)
