"""Scores of a small random CLIP against cosines by hand."""

import json

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from tiny_vision import CLIP, saved_clip
from torch.nn.functional import cosine_similarity

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.diffusion.clip_score import ClipScore

PROMPTS = ["a photo of the parachute", "a dog", "the parachute over hills", "a red car"]
ANCHORED = ["a photo of the airplane", "a dog", "the airplane over hills", "a red car"]
FORGOTTEN = np.array([True, False, True, False])
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_clip(tmp_path_factory.mktemp("clip") / "model")


@pytest.fixture(scope="module")
def clip(folder):
    return ClipScore(model=f"local-dir:{folder}", pretrained=None)


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(1)
    coarse = torch.randint(0, 256, (12, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return coarse.repeat_interleave(6, 2).repeat_interleave(6, 3)


def measured(clip, images, **changes):
    places = torch.arange(4).repeat(3)
    given = {"prompts": PROMPTS, "anchored": ANCHORED, "is_forgotten": FORGOTTEN} | changes
    return clip.metrics(images, places, **given, device=CPU)


@pytest.fixture(scope="module")
def cosine(folder, images):
    """cosine(words): (n,) of every image with the text of its place."""
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")
    prepared = [preprocess(Image.fromarray(image.permute(1, 2, 0).numpy())) for image in images]

    @torch.no_grad()
    def of(words):
        model.eval()
        texts = model.encode_text(tokens(words))
        return cosine_similarity(model.encode_image(torch.stack(prepared)), texts.repeat(3, 1))

    return of


def test_scores_are_cosines_and_accuracy_compares_two(clip, images, cosine):
    own, other = cosine(PROMPTS), cosine(ANCHORED)
    forgotten = torch.tensor(FORGOTTEN).repeat(3)
    accuracy = 100 * (own > other)[forgotten].float().mean().item()
    assert measured(clip, images) == pytest.approx(
        {
            "CLIP_forget": 100 * own.clamp(min=0)[forgotten].mean().item(),
            "CLIP_retain": 100 * own.clamp(min=0)[~forgotten].mean().item(),
            "CLIP_accuracy": accuracy,
            "CLIP_error": 100 - accuracy,
        },
        rel=1e-4,
    )


def test_a_negative_cosine_scores_nothing(clip, images, cosine, tmp_path):
    opposed = ClipScore(model=f"local-dir:{saved_clip(tmp_path / 'opposed', sign=-1)}", pretrained=None)
    plain, found = measured(clip, images), measured(opposed, images)
    forgotten = torch.tensor(FORGOTTEN).repeat(3)
    assert found["CLIP_forget"] == pytest.approx(
        100 * (-cosine(PROMPTS)).clamp(min=0)[forgotten].mean().item(), abs=1e-4
    )
    assert min(plain["CLIP_forget"], found["CLIP_forget"]) >= 0
    assert plain["CLIP_accuracy"] + found["CLIP_accuracy"] == 100


def test_prompts_that_name_no_concept_have_no_accuracy(clip, images):
    whole = measured(clip, images)
    half = measured(clip, images, anchored=[ANCHORED[0], "a dog", PROMPTS[2], "a red car"])
    first = measured(clip, images, is_forgotten=np.array([True, False, False, False]))
    assert half["CLIP_accuracy"] == first["CLIP_accuracy"]
    assert half["CLIP_forget"] == whole["CLIP_forget"]
    unnamed = measured(clip, images, anchored=PROMPTS)
    assert unnamed.keys() == {"CLIP_forget", "CLIP_retain"}
    assert measured(clip, images, is_forgotten=~FORGOTTEN & FORGOTTEN).keys() == {"CLIP_retain"}


def test_a_name_with_a_file_of_weights_is_the_same_model(clip, folder, images, tmp_path):
    (tmp_path / "tiny-clip.json").write_text(json.dumps(CLIP))
    open_clip.add_model_config(tmp_path / "tiny-clip.json")
    file = str(folder / "open_clip_model.safetensors")
    named = ClipScore(model="tiny-clip", pretrained=file)
    assert measured(named, images) == measured(clip, images)
    assert named.identity() != ClipScore(model="tiny-clip", pretrained="openai").identity()


@pytest.mark.parametrize(
    ("model", "pretrained", "told"),
    [
        ("ViT-B-32", None, r"eval\.clip\.pretrained: null, and 'ViT-B-32' has no weights"),
        ("ViT-B-33", "openai", r"eval\.clip: cannot load 'ViT-B-33' with 'openai'"),
        ("ViT-B-32", "nowhere.pt", r"eval\.clip: cannot load 'ViT-B-32' with 'nowhere\.pt'"),
        ("local-dir:nowhere", None, r"eval\.clip: cannot load 'local-dir:nowhere'"),
        ("hf-hub:no/where", None, r"eval\.clip: cannot load 'hf-hub:no/where'"),
    ],
)
def test_weights_that_are_not_there_are_told_in_one_line(model, pretrained, told):
    with pytest.raises(InputError, match=f"^{told}") as error:
        ClipScore(model=model, pretrained=pretrained).check()
    assert "\n" not in str(error.value)
