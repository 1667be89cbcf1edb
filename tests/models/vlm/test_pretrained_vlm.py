"""Folders of LLaVA's and Llama-3.2-Vision's layouts as models."""

import json
import os
import shutil
from copy import deepcopy
from unittest.mock import Mock

import pytest
import torch
from tiny_vlm_folders import CLASSES, PAIRS, SIDE, built, nll, settings
from transformers.utils.quantization_config import QuantizationMethod

from unlearn_cli.data.questions import SEPARATOR
from unlearn_cli.errors import InputError
from unlearn_cli.models.vlm.pretrained_vlm import _fetched

KEY = "gradient_checkpointing"
QUESTIONS, ANSWERS = [q for q, _ in PAIRS], [a for _, a in PAIRS]


@pytest.fixture
def x():
    return torch.rand(4, 3, SIDE, SIDE, generator=torch.manual_seed(0))


def test_it_is_ready_made(folder):
    assert settings(folder).ready_made
    model = built(folder)
    assert model.pairs == PAIRS
    assert model.device == torch.device("cpu")
    assert {p.dtype for p in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(("dtype", "kept"), [("auto", torch.float32), ("bf16", torch.bfloat16)])
def test_weights_in_another_precision(folder, mllama, x, dtype, kept):
    for place in (folder, mllama):
        model = built(place, dtype=dtype)
        assert {p.dtype for p in model.parameters()} == {kept}
        found, _ = nll(model, x, QUESTIONS, ANSWERS)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, nll(built(place), x, QUESTIONS, ANSWERS)[0], rtol=0.05, atol=0)
        assert len(model.answer(x, QUESTIONS, 3)) == 4


@pytest.mark.parametrize(
    "lacking",
    [
        ("num_additional_image_tokens",),
        ("patch_size", "num_additional_image_tokens"),
        ("patch_size", "vision_feature_select_strategy", "num_additional_image_tokens"),
    ],
)
def test_a_processor_of_earlier_years_is_completed_by_its_model(folder, tmp_path, x, lacking):
    copy = shutil.copytree(folder, tmp_path / "copy")
    record = copy / "processor_config.json"
    values = json.loads(record.read_text())
    record.write_text(json.dumps({name: value for name, value in values.items() if name not in lacking}))
    found, _ = nll(built(copy), x, QUESTIONS, ANSWERS)
    assert torch.equal(found, nll(built(folder), x, QUESTIONS, ANSWERS)[0])


def test_gradient_checkpointing_gives_the_same_gradients(folder, mllama, x):
    for place in (folder, mllama):
        gradients = []
        for checkpointing in (False, True):
            model = deepcopy(built(place, gradient_checkpointing=checkpointing)).train()
            asked = [module.gradient_checkpointing for module in model.modules() if hasattr(module, KEY)]
            assert any(asked) == checkpointing
            nll(model, x, QUESTIONS, ANSWERS)[0].mean().backward()
            found = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
            gradients.append(torch.cat(found))
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("size", [(SIDE, SIDE), (9, 40), (50, 31)])
def test_images_of_any_size_are_brought_to_its_own(folder, mllama, size):
    x = torch.rand(2, 3, *size, generator=torch.manual_seed(1))
    assert built(folder, size).inputs(x, QUESTIONS[:2])["pixel_values"].shape == (2, 3, SIDE, SIDE)
    tiled = built(mllama, size).inputs(x, QUESTIONS[:2])
    assert tiled["pixel_values"].shape == (2, 1, 4, 3, SIDE, SIDE)
    assert tiled["aspect_ratio_mask"][0, 0].sum() == {16: 1, 9: 3, 50: 4}[size[0]]


def test_pixels_are_normalised_as_the_processor_does_those_of_8_bits(folder):
    x = torch.randint(0, 256, (1, 3, SIDE, SIDE), generator=torch.manual_seed(2), dtype=torch.uint8)
    model = built(folder)
    theirs = model.shared.processor.image_processor(list(x), return_tensors="pt").pixel_values
    torch.testing.assert_close(
        model.inputs(x / 255, QUESTIONS[:1])["pixel_values"], theirs, atol=1e-5, rtol=0
    )


def test_a_chat_template_of_ones_own(copy, x):
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match=r"^model\.chat_template: the model's processor brings none"):
        built(copy)
    template = "<image> {{ messages[0]['content'][1]['text'] }}"
    model = built(copy, chat_template=template)
    assert model.shared.prompt("what is it ?") == "<image> what is it ?"
    assert nll(model, x, QUESTIONS, ANSWERS)[0].isfinite().all()


def test_four_bits_without_a_gpu_or_the_library(folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"^model\.quantise: '4bit' needs a GPU"):
        built(folder, quantise="4bit")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("unlearn_cli.models.vlm.pretrained_vlm.is_bitsandbytes_available", lambda: False)
    with pytest.raises(
        InputError, match=r"^model\.quantise: '4bit' needs bitsandbytes, which is not installed"
    ):
        built(folder, quantise="4bit")


def test_four_bits_leave_the_vision_tower_as_it_is(folder, monkeypatch):
    """What bitsandbytes is told; and what methods train then, and that such weights are not moved."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("unlearn_cli.models.vlm.pretrained_vlm.is_bitsandbytes_available", lambda: True)
    told = settings(folder, quantise="4bit", dtype="bf16")._quantisation()
    assert (told.load_in_4bit, told.bnb_4bit_quant_type) == (True, "nf4")
    assert told.bnb_4bit_compute_dtype == torch.bfloat16
    names = [name for name, _ in built(folder).net.named_modules()]
    kept = {part for part in told.llm_int8_skip_modules if any(part in name for name in names)}
    assert kept == {"vision_tower", "multi_modal_projector", "lm_head"}
    model = built(folder)
    model.net.quantization_method = QuantizationMethod.BITS_AND_BYTES
    assert model.to(torch.float64) is model
    assert model.net.dtype == torch.float32


def test_weights_that_would_not_fit_the_gpus(folder, monkeypatch):
    """accelerate would leave some on the CPU."""
    from_pretrained = type(built(folder).net).from_pretrained

    def spread(*arguments, **options):
        net, loaded = from_pretrained(*arguments, **options | {"device_map": None})
        net.hf_device_map = {"model": 0, "lm_head": "cpu"}
        return net, loaded

    monkeypatch.setattr(
        "unlearn_cli.models.vlm.pretrained_vlm.KINDS",
        {"LlavaForConditionalGeneration": Mock(from_pretrained=spread)},
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(InputError, match=r"^model\.device_map: the GPUs are too small for"):
        settings(folder, device_map="auto")._opened(folder)


def test_a_hub_names_identity_is_the_commit(monkeypatch, folder, tmp_path):
    """Files of the cache move; the commit stays."""
    commit = shutil.copytree(folder, tmp_path / "snapshots" / "0123abc")

    def found(place):
        _fetched.cache_clear()
        monkeypatch.setattr(
            "unlearn_cli.models.vlm.pretrained_vlm.fetched_file", lambda *_: place / "config.json"
        )
        monkeypatch.setattr("unlearn_cli.models.vlm.pretrained_vlm.fetched_folder", lambda *_: place)
        return settings("owner/vlm").identity()

    first = found(commit)
    os.utime(commit / "model.safetensors", ns=(1, 1))
    assert found(commit) == first
    assert found(commit.rename(commit.with_name("4567def"))) != first


def test_its_identity_is_that_of_its_files_and_of_how_they_are_read(copy):
    first = settings(copy).facts()
    (copy / "README.md").write_text("nothing that counts")
    assert settings(copy, gradient_checkpointing=True, device_map="auto").facts() == first
    others = [{"dtype": "bf16"}, {"chat_template": "<image>"}, {"quantise": "4bit"}]
    found = [settings(copy, **other).facts()["vlm"] for other in others]
    for name in ("model.safetensors", "chat_template.jinja"):
        (copy / name).write_bytes((copy / name).read_bytes() + b" ")
        found.append(settings(copy).facts()["vlm"])
    assert len({first["vlm"], *found}) == 6


def test_question_and_answer_of_a_class_are_told_apart(folder):
    assert built(folder).pairs[2] == tuple(CLASSES[2].split(SEPARATOR))
