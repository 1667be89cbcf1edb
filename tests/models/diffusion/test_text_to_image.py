"""The model behind a prompt's number: embeddings remembered, latents remembered, parts shared."""

from copy import deepcopy

import pytest
import recipes
import torch

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.models.diffusion.tiny_text_to_image import TinyTextToImage

CAPTIONS = ["a red dot", "a blue ring"]


@pytest.fixture
def model() -> TextToImage:
    torch.manual_seed(0)
    settings = TinyTextToImage(**recipes.TINY_TEXT)
    return settings.build(ImageSpec(CAPTIONS, 3, (8, 8), (0.0,), (1.0,))).eval()


@pytest.fixture
def encoded(model) -> list[int]:
    """How many prompts the text encoder was given, call by call."""
    counts: list[int] = []
    model.text_encoder.register_forward_pre_hook(lambda _, arguments: counts.append(len(arguments[0])))
    return counts


def images(*index: int) -> Batch:
    rows = torch.tensor(index)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(8, 3, 8, 8, generator=generator)[rows]
    return Batch(x, torch.zeros_like(rows), rows, torch.zeros_like(rows, dtype=torch.bool))


def test_prompts_are_numbered_as_the_captions_and_new_ones_follow_the_empty_one(model):
    assert model.null == 2
    assert model.number(["", *CAPTIONS, "a red ring", "a red ring"]).tolist() == [2, 0, 1, 3, 3]
    assert model.prompts == [*CAPTIONS, "", "a red ring"]


def test_a_resting_text_encoder_sees_each_prompt_once(model, encoded):
    model.requires_grad_(False)
    first = model.conditioning(torch.tensor([0, 1, 0]))
    assert torch.equal(model.conditioning(torch.tensor([1, 0])), first[[1, 0]])
    assert encoded == [1, 1]
    model.conditioning(torch.tensor([2, 0]))
    assert encoded == [1, 1, 1]


def test_changed_weights_are_noticed(model):
    model.requires_grad_(False)
    before = model.conditioning(torch.tensor([0]))
    with torch.no_grad():
        model.text_encoder.get_input_embeddings().weight.mul_(2)
    after = model.conditioning(torch.tensor([0]))
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, model.text_encoder(model.shared.ids[:1]).last_hidden_state)


def test_a_learning_text_encoder_gets_its_gradient(model):
    model.conditioning(torch.tensor([0, 0])).sum().backward()
    assert model.text_encoder.get_input_embeddings().weight.grad.abs().sum() > 0


def test_numbers_ids_and_embeddings_are_the_same_condition(model):
    x, t = torch.randn(1, *model.state_shape(3, (8, 8))), torch.tensor([5])
    with torch.no_grad():
        by_number = model(x, t, torch.tensor([1]))
        ids, _ = model.shared.tokenized(CAPTIONS[1:])
        embedded = model.embed_soft(model.text_encoder.get_input_embeddings()(ids))
        torch.testing.assert_close(model(x, t, ids), by_number)
        torch.testing.assert_close(model(x, t, embedded), by_number)


def test_latents_are_encoded_once_for_a_row_and_always_for_none(model, monkeypatch):
    seen = []
    encode = model.shared.vae.encode
    monkeypatch.setattr(model.shared.vae, "encode", lambda x: (seen.append(len(x)), encode(x))[1])
    first = model.encode(images(3, 5))
    torch.testing.assert_close(model.encode(images(5, 3)), first.flip(0))
    assert seen == [1, 1]
    model.encode(images(-1, 5))
    model.encode(images(-1, -1))
    assert seen == [1, 1, 1, 1, 1]


def test_what_is_encoded_is_decoded(model):
    batch = images(0, 1)
    torch.testing.assert_close(model.decode(model.encode(batch)), batch.x, atol=1e-4, rtol=0)


def test_copies_share_the_autoencoder_and_the_prompts_alone(model):
    copy = deepcopy(model)
    assert copy.shared is model.shared
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.add_(1)
    assert not torch.equal(next(copy.unet.parameters()), next(model.unet.parameters()))
    assert not any(name.startswith("shared") for name in model.state_dict())


@torch.no_grad()
def test_a_copy_with_other_weights_does_not_answer_from_the_memory_of_the_first(model):
    """As a resumed run does, which loads its delta into a copy of the original."""
    model.load_state_dict(model.state_dict())
    prompts = torch.arange(2)
    before = model.conditioning(prompts)
    other = deepcopy(model)
    other.text_encoder.load_state_dict({n: 2 * p for n, p in model.text_encoder.state_dict().items()})
    after = other.conditioning(prompts)
    assert not torch.allclose(after, before)
    torch.testing.assert_close(after, other.text_encoder(other.shared.ids[:2]).last_hidden_state)
