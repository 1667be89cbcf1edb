"""What unlearning has changed, in one file: into a fresh pipeline, and back to the same images."""

import json
from copy import deepcopy

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_pipeline import SIZE, built, pipeline, saved

from unlearn_cli.errors import InputError
from unlearn_cli.models.delta import DELTA, delta_at, facts_of, load_delta, save_delta
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.runtime.compute import Compute

PROMPTS = ["a photo of the airplane over hills", "a dog"]
FACTS = {"method": {"name": "doco"}, "data": "d1", "forget": "f1"}
KEY = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"
WORDS = "text_encoder.embeddings.token_embedding.weight"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("pipelines") / "pipe")


@pytest.fixture
def original(folder):
    return built(folder, PROMPTS)


def changed(original, *names: str):
    """A copy with other values in those tensors."""
    model = deepcopy(original)
    with torch.no_grad():
        for name in names:
            tensor = model.get_parameter(name)
            tensor += torch.randn(tensor.shape, generator=torch.manual_seed(len(name)))
    return model


@pytest.fixture
def delta(original, tmp_path):
    """The file of a model in which two tensors are others, and the model."""
    model = changed(original, KEY, WORDS)
    save_delta(tmp_path / DELTA, model, original, FACTS)
    return tmp_path / DELTA, model


def images(model) -> torch.Tensor:
    sampler = Sampler(steps=5, eta=0.0, guidance=5.0, batch_size=4, seed=0)
    noise = torch.randn(2, 4, SIZE // 2, SIZE // 2, generator=torch.manual_seed(1))
    return sampler.sample(model, noise, torch.arange(2), Compute("cpu", "fp32", False, False))


def test_only_what_changed_is_in_the_file(delta):
    file, model = delta
    found = load_file(file)
    assert set(found) == {KEY, WORDS}
    assert torch.equal(found[KEY], model.get_parameter(KEY))
    assert facts_of(file) == FACTS


def test_into_a_fresh_model_it_gives_the_same_images(delta, original, folder):
    file, model = delta
    fresh = built(folder, PROMPTS)
    assert load_delta(fresh, file, {"data": "d1"}) is fresh
    assert (images(original) - images(model)).abs().max() > 1e-3
    torch.testing.assert_close(images(fresh), images(model))


def test_into_a_pipeline_of_diffusers_it_gives_the_same_images(delta, folder):
    file, model = delta
    pipe = load_delta(StableDiffusionPipeline.from_pretrained(folder), str(file))
    fresh = built(folder, PROMPTS)
    fresh.unet, fresh.text_encoder = pipe.unet, pipe.text_encoder
    torch.testing.assert_close(images(fresh), images(model))


def test_the_targets_precision_stays(delta):
    file, model = delta
    pipe = load_delta(pipeline().to(torch.float16), file)
    own = pipe.unet.get_parameter(KEY.removeprefix("unet."))
    assert own.dtype == torch.float16
    assert torch.equal(own, model.get_parameter(KEY).half())


def test_nothing_changed_is_an_empty_delta(original, tmp_path, folder):
    save_delta(tmp_path / DELTA, original, original, FACTS)
    assert load_file(tmp_path / DELTA) == {}
    torch.testing.assert_close(images(load_delta(built(folder, PROMPTS), tmp_path / DELTA)), images(original))


def test_a_model_that_goes_on_from_a_delta_hands_on_both(delta, folder, tmp_path):
    """One file of the second run takes the plain pipeline to where both have come."""
    file, _ = delta
    second = built(folder, PROMPTS, delta=file)
    further = changed(second, KEY.replace("to_k", "to_v"))
    save_delta(tmp_path / "second.safetensors", further, second, FACTS)
    assert set(load_file(tmp_path / "second.safetensors")) == {KEY, WORDS, KEY.replace("to_k", "to_v")}
    fresh = load_delta(built(folder, PROMPTS), tmp_path / "second.safetensors")
    torch.testing.assert_close(images(fresh), images(further))


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"unet.nothing.weight": torch.zeros(1)}, "the model has no unet.nothing.weight; give the pipeline"),
        ({KEY: torch.zeros(8, 9)}, rf"{KEY} is \[8, 9\] in the file, \[8, 8\] in the model"),
    ],
)
def test_a_delta_of_another_architecture_changes_nothing(original, tmp_path, tensors, told):
    file = tmp_path / "other.safetensors"
    # a tensor that fits comes first
    save_file({WORDS: torch.zeros(original.get_parameter(WORDS).shape)} | tensors, file, {"unlearn": "{}"})
    before = {name: tensor.clone() for name, tensor in original.state_dict().items()}
    with pytest.raises(InputError, match=told):
        load_delta(original, file)
    assert all(torch.equal(before[name], tensor) for name, tensor in original.state_dict().items())


def test_what_is_no_delta(original, tmp_path):
    with pytest.raises(InputError, match="missing or damaged"):
        load_delta(original, tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no tensors")
    with pytest.raises(InputError, match="missing or damaged"):
        load_delta(original, tmp_path / "bad.safetensors")
    save_file({KEY: torch.zeros(8, 8)}, tmp_path / "plain.safetensors")
    with pytest.raises(InputError, match=r"not a delta of unlearn; give a run's delta\.safetensors"):
        load_delta(original, tmp_path / "plain.safetensors")


@pytest.mark.parametrize("facts", ["null", "[1]", "3", "nonsense", "", "[" * 5000])
def test_facts_that_are_no_object(original, tmp_path, facts):
    save_file({KEY: torch.zeros(8, 8)}, tmp_path / DELTA, {"unlearn": facts})
    for read in (facts_of, lambda file: load_delta(original, file)):
        with pytest.raises(
            InputError, match=r"facts are (damaged \(.*\)|no JSON object); give another"
        ) as end:
            read(tmp_path / DELTA)
        assert "\n" not in str(end.value)


def test_a_delta_of_other_data_is_refused_where_it_matters(delta, original):
    file, _ = delta
    with pytest.raises(InputError, match='made from other facts: data is "d1" in the file, "d2" here'):
        load_delta(original, file, {"data": "d2"})
    with pytest.raises(InputError, match="load the delta before offloading"):
        load_delta(pipeline().to("meta"), file)


def test_where_a_delta_is_meant(delta, tmp_path):
    file, _ = delta
    assert delta_at(tmp_path) == delta_at(file) == file
    plain = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(1)}, plain)
    assert delta_at(plain) is None
    assert delta_at(tmp_path / "model.pt") is None
    (tmp_path / "empty").mkdir()
    assert delta_at(tmp_path / "empty") is None


def test_its_facts_can_be_read_without_unlearn(delta):
    with safe_open(delta[0], "pt") as file:
        assert json.loads(file.metadata()["unlearn"])["method"] == {"name": "doco"}
