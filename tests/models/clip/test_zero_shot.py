"""A CLIP as a classifier, and what can be attached to it and taken away again."""

import copy

import numpy as np
import open_clip
import pytest
import torch
from tiny_clip import CLASSES, TINY, TinyProblem

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.clip.prompts import (
    InstancePrompts,
    Prompted,
    TextPrompts,
    VisualPrompts,
    among_patches,
    check_context,
)
from unlearn_cli.models.clip.tiny_clip import TinyClip
from unlearn_cli.models.clip.tokenizer import Shared
from unlearn_cli.models.delta import load_delta, save_delta


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


@pytest.fixture
def model(tiny):
    return tiny.model()


@pytest.fixture
def x():
    return torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_logits_are_scaled_cosines_of_open_clips_own_embeddings(model, x):
    images = model.clip.encode_image((x - 0.5) / 0.25, normalize=True)
    tokens = open_clip.SimpleTokenizer(context_length=12)([f"a {name}" for name in CLASSES])
    texts = model.clip.encode_text(tokens, normalize=True)
    torch.testing.assert_close(model(x), model.clip.logit_scale.exp() * images @ texts.T)


@torch.no_grad()
def test_images_of_another_size_are_brought_to_the_towers(model):
    assert model(torch.rand(2, 3, 19, 19)).shape == (2, 3)


def test_texts_are_computed_once_while_the_text_tower_rests(model, monkeypatch):
    calls = []
    encode = model.clip.encode_text
    monkeypatch.setattr(model.clip, "encode_text", lambda tokens: calls.append(1) or encode(tokens))
    for parameter in model.text_weights():
        parameter.requires_grad_(False)
    first, again = model.class_features(), model.class_features()
    assert len(calls) == 1
    assert first is again
    with torch.no_grad():
        model.clip.ln_final.bias += 1
    assert not torch.equal(model.class_features(), first)
    model.clip.ln_final.bias.requires_grad_(True)
    assert model.class_features().requires_grad


def test_a_copy_does_not_answer_from_anothers_memory(model):
    with torch.no_grad():
        before = model.class_features()
        other = copy.deepcopy(model)
        other.clip.text_projection.mul_(torch.rand_like(other.clip.text_projection))
        assert not torch.equal(other.class_features(), before)


def test_the_saved_folder_is_open_clips(model, x, tmp_path):
    model.export(tmp_path)
    loaded = open_clip.create_model(f"local-dir:{tmp_path / 'open_clip'}").eval()
    with torch.no_grad():
        found = loaded.encode_image((x - 0.5) / 0.25, normalize=True)
        torch.testing.assert_close(found, model.image_features(x))


@torch.no_grad()
def test_prompts_change_the_tower_only_while_they_are_there(model, x):
    before = model(x)
    model.adapter = Prompted(VisualPrompts(2, 3, 16, InstancePrompts(16, 2), layer=1))
    assert not torch.allclose(model(x), before)
    assert torch.equal(copy.deepcopy(model)(x), model(x))
    model.adapter = Prompted()
    assert torch.equal(model(x), before)


@torch.no_grad()
def test_prompts_stand_behind_the_patches_and_are_new_at_each_block(model):
    seen = []
    prompts = VisualPrompts(2, 2, 16)
    with prompts.on(model.visual):
        for block in model.visual.transformer.resblocks:
            block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        out = model.visual.transformer(model.visual.ln_pre(torch.zeros(1, 5, 16)))
    assert [tokens.shape[1] for tokens in seen] == [7, 7, 7]
    torch.testing.assert_close(seen[0][0, 5:], model.visual.ln_pre(prompts.tokens[0]))
    torch.testing.assert_close(seen[1][0, 5:], prompts.tokens[1])
    assert out.shape == (1, 5, 16)  # and are gone at the end


def test_the_generator_sees_the_patches_of_its_block_without_class_and_prompts(model, x):
    asked = []

    def at(block, patches):
        asked.append((block, patches.shape))
        return torch.zeros(2, 16)

    with torch.no_grad(), among_patches(model.visual, 2, 3, at):
        model.clip.encode_image(x)
    assert asked == [(block, (4, 4, 16)) for block in range(3)]


@torch.no_grad()
def test_a_text_context_of_the_words_own_embeddings_changes_nothing(model):
    text = TextPrompts(model, 1, 1, words="X")  # the placeholder itself
    plain = model.text_features([f"X {name}." for name in CLASSES])
    torch.testing.assert_close(text.encode(model), plain)
    text.contexts += 1
    assert not torch.allclose(text.encode(model), plain)


def test_texts_that_the_tower_does_not_see_whole_or_apart_are_told_once(caplog):
    long = "circle " * 12
    classes = ["a_dog", f"{long}red", f"{long}blue", "A dog", "cat"]
    for _ in range(2):
        TinyClip(**TINY).build(ImageSpec(classes, 3, (8, 8), (0.5,) * 3, (0.25,) * 3))
    assert [record.getMessage() for record in caplog.records] == [
        "model: the texts of 2 classes are longer than the text tower reads; their end has no effect "
        f"(first: '{long}red')",
        "model: the classes 'a_dog' and 'A dog' are one text to the text tower",
        f"model: the classes '{long}red' and '{long}blue' are one text to the text tower",
    ]


class WithoutEnd:
    """Tokens as CLIPA has them: none for a text's end."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, texts, context_length=None):
        tokens = self.tokenizer(texts, context_length=context_length)
        return tokens.masked_fill(tokens == self.tokenizer.eot_token_id, 0)


@pytest.mark.parametrize("has_end", [True, False])
def test_a_context_fits_or_is_refused_whether_texts_have_an_end_or_not(model, has_end):
    """12 tokens: start, context, a name of one, a stop, and the end."""
    if not has_end:
        model.shared = Shared(WithoutEnd(model.tokenizer))
    check_context(model, "method.context", 3, "a photo of")
    with pytest.raises(
        InputError, match=r"^method\.context: 4, but method\.words='a photo of' is 3 token\(s\)"
    ):
        check_context(model, "method.context", 4, "a photo of")
    check_context(model, "method.context", 8)
    with pytest.raises(
        InputError, match=r"^method\.context: 10 tokens and the name 'circle' do not fit into .* 12"
    ):
        check_context(model, "method.context", 10)


@torch.no_grad()
def test_patch_features_of_a_tower_without_blocks_between_are_the_projected_tokens(model, x):
    found = model.patch_features(x)
    assert found.shape == (4, 4, 8)
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(4, 4))


def test_a_copy_shares_the_tokenizer_and_no_weight(model):
    """open_clip's tables take a copy longer than the weights of a small model."""
    other = copy.deepcopy(model)
    assert other.tokenizer is model.tokenizer
    mine = {p.data_ptr() for p in model.parameters()}
    assert mine.isdisjoint(p.data_ptr() for p in other.parameters())


def test_a_delta_holds_the_adapter_and_what_has_changed(model, x, tmp_path):
    original = copy.deepcopy(model)
    model.adapter = Prompted(VisualPrompts(2, 2, 16))
    with torch.no_grad():
        model.clip.visual.proj += 0.1
    save_delta(tmp_path / "delta.safetensors", model, original, {})
    fresh = copy.deepcopy(original)
    fresh.adapter = Prompted(VisualPrompts(2, 2, 16))
    load_delta(fresh, tmp_path / "delta.safetensors")
    with torch.no_grad():
        assert torch.equal(fresh(x), model(x))
    with pytest.raises(InputError, match=r"adapter\.visual\.tokens"):
        load_delta(copy.deepcopy(original), tmp_path / "delta.safetensors")


@pytest.mark.parametrize(
    ("changes", "size", "channels", "said"),
    [
        ({"template": "a photo"}, (8, 8), 3, r"model\.template: 'a photo'"),
        ({}, (8, 8), 1, r"data: images of 1 channel"),
        ({"patch_size": 3}, (8, 8), 3, r"model\.patch_size: 3 does not divide images of 8 x 8"),
        ({}, (8, 12), 3, r"model\.patch_size: 4 does not divide images of 8 x 12"),
        ({"head_width": 5}, (8, 8), 3, r"model\.head_width: 5 does not divide model\.width=16"),
    ],
)
def test_what_does_not_fit_is_told(changes, size, channels, said):
    with pytest.raises(InputError, match=said):
        TinyClip(**TINY | changes).build(
            ImageSpec(CLASSES, channels, size, (0.5,) * channels, (0.5,) * channels)
        )


def test_pretraining_draws_captions_and_knows_only_the_texts_of_its_rows(tiny):
    model = tiny.model()
    torch.manual_seed(0)
    objective = tiny.task.pretraining(tiny.data, np.arange(6))  # photos alone
    asked = []
    encode = model.text_features
    model.text_features = lambda texts: asked.append(texts) or encode(texts)
    for _ in range(8):
        assert objective(model, tiny.batch(np.arange(6)))["train"].isfinite()
    assert {tuple(texts) for texts in asked} == {
        ("a circle", "a cross", "a star"),
        ("a photo of a circle", "a photo of a cross", "a photo of a star"),
    }
