"""What cannot be used as a vision-language model, told in a line that says what to do."""

import json
from unittest.mock import Mock

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from safetensors.torch import load_file, save_file
from tiny_vlm_folders import CLASSES, LENGTH, PATCH, SIDE, built, settings

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.vlm.pretrained_vlm import _fetched


def change(file, **values) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_a_chat_template_that_is_none(folder, mllama):
    question = "{{ messages[0]['content'][1]['text'] }}"
    for place, image in ((folder, "<image>"), (mllama, r"<\|image\|>")):
        with pytest.raises(InputError, match=r"^model\.chat_template: .* \(TemplateSyntaxError: ") as error:
            built(place, chat_template="{% if %}")
        assert "\n" not in str(error.value)
        with pytest.raises(InputError, match=rf"^model\.chat_template: a question has no image; .* {image}$"):
            built(place, chat_template=question)
    with pytest.raises(InputError, match=r"^model\.chat_template: .*\(ValueError: "):
        built(mllama, chat_template=f"<|image|><|image|>{question}")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda place: None, "no such folder"),
        (lambda place: place.mkdir(), r"has no config\.json, so it is no model of transformers"),
        (lambda place: (place.mkdir(), (place / "config.json").write_text("[")), "is damaged"),
        (lambda place: (place.mkdir(), (place / "config.json").write_text("[]")), "is damaged"),
        (lambda place: (place.mkdir(), (place / "config.json").write_text("{}")), "no named architecture"),
    ],
)
def test_what_is_no_folder_of_a_model(tmp_path, make, told):
    make(tmp_path / "thing")
    with pytest.raises(InputError, match=rf"^model\.path: .*{told}"):
        built(tmp_path / "thing")


@pytest.mark.parametrize("kind", ["Qwen2VLForConditionalGeneration", "LlavaLlamaForCausalLM"])
def test_other_architectures_are_refused(copy, kind):
    """The second is that of LLaVA's own weights, which transformers would read as its own, at random."""
    change(copy / "config.json", architectures=[kind])
    with pytest.raises(InputError) as error:
        built(copy)
    assert str(error.value).endswith(
        f"is a {kind}; what can be used is LlavaForConditionalGeneration or MllamaForConditionalGeneration"
    )


def test_weights_that_are_missing_or_damaged(copy):
    weights = copy / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (b"damaged", whole[: len(whole) // 2]):
        weights.write_bytes(damaged)
        with pytest.raises(InputError, match=r"^model\.path: .*it cannot be opened \(\w+: ") as error:
            built(copy)
        assert "\n" not in str(error.value)
    weights.rename(copy / "pytorch_model.bin")  # would run code
    with pytest.raises(InputError, match=r"it cannot be opened \(OSError: "):
        built(copy)


def test_weights_that_lack_a_tensor(copy):
    """transformers would draw it at random."""
    change(copy / "config.json", text_config=json.loads((copy / "config.json").read_text())["text_config"])
    model = built(copy)
    model.net.save_pretrained(
        copy,
        state_dict={
            name: tensor for name, tensor in model.net.state_dict().items() if name != "lm_head.weight"
        },
    )
    with pytest.raises(InputError, match=r"lack 1 tensors \(first: lm_head\.weight\)"):
        built(copy)


def test_weights_with_a_foreign_tensor(copy):
    state = load_file(copy / "model.safetensors")
    save_file(state | {"other.weight": torch.zeros(2)}, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"hold 1 foreign tensors \(first: other\.weight\)"):
        built(copy)


@pytest.mark.parametrize(
    "values",
    [
        {"num_additional_image_tokens": 0},
        {"patch_size": 2 * PATCH},
        {"vision_feature_select_strategy": "full"},
    ],
)
def test_a_processor_that_does_not_fit(copy, values):
    """One image shows it: the tokens that stand for it are not as many as the model's features."""
    change(copy / "processor_config.json", **values)
    with pytest.raises(
        InputError, match=r"^model\.path: the processor of '.*copy' does not fit its model \("
    ) as error:
        built(copy)
    assert "\n" not in str(error.value)


def test_images_of_another_size_than_the_tower_takes(copy):
    config = json.loads((copy / "processor_config.json").read_text())
    side = {"crop_size": {"height": 3 * PATCH, "width": 3 * PATCH}, "size": {"shortest_edge": 3 * PATCH}}
    change(copy / "processor_config.json", image_processor=config["image_processor"] | side)
    with pytest.raises(InputError, match=r"does not fit its model \(\w+: "):
        built(copy)


def test_parts_of_the_processor_that_are_missing(copy):
    (copy / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"^model\.path: .* its processor cannot be opened|has no processor"):
        built(copy)
    for file in ("processor_config.json", "tokenizer_config.json"):
        (copy / file).unlink()
    with pytest.raises(
        InputError, match=r"^model\.path: .*(its processor cannot be opened|has no processor)"
    ):
        built(copy)


def test_texts_that_are_too_long(copy):
    longest = 15 + 4  # the image is 4 tokens
    assert built(copy).longest((SIDE, SIDE)) == longest
    assert longest < LENGTH
    config = json.loads((copy / "config.json").read_text())
    change(copy / "config.json", text_config=config["text_config"] | {"max_position_embeddings": longest - 1})
    with pytest.raises(
        InputError, match=rf"^task\.questions: .* up to {longest} tokens, .* knows {longest - 1}"
    ):
        built(copy)


def test_images_that_are_not_in_colour(folder):
    with pytest.raises(InputError, match=r"^data: images of 1 channel\(s\), but '.*llava' takes 3"):
        settings(folder).build(ImageSpec(CLASSES, 1, (SIDE, SIDE), [0.5], [0.5]))


def test_a_hub_name_without_network(monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"^model\.path: the hub cannot be reached for 'nobody/nothing'"):
        built("nobody/nothing")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            GatedRepoError,
            "'o/gated' is gated; accept its licence on the model's page of the hub, then log in",
        ),
        (RepositoryNotFoundError, "no 'o/gated' on the hub, or it needs a login"),
    ],
)
def test_weights_that_the_hub_withholds(monkeypatch, kind, told):
    def refused(*_, **__):
        raise kind("no", response=Mock(headers={}))

    _fetched.cache_clear()
    monkeypatch.setattr("unlearn_cli.models.hub_files.hf_hub_download", refused)
    with pytest.raises(InputError, match=rf"^model\.path: {told}"):
        built("o/gated")
