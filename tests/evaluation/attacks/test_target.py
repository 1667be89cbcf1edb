"""What attacks are tried on: prompts, noise, images, and who looks at them."""

from types import SimpleNamespace

import torch
from listening_model import PROMPTS, token

from unlearn_cli.evaluation.attacks.target import Target


def test_the_target_is_of_the_original_and_the_erased_model(target):
    assert target.images.eq(1).all()
    assert not target.successes(target.numbers).any()
    assert target.successes(target.numbers, target.original).all()


def test_a_part_keeps_each_prompts_noise_and_image(target):
    part = target.part(torch.tensor([False, True]))
    assert (part.prompts, part.places.tolist(), len(part)) == (PROMPTS[1:2], [1], 1)
    assert torch.equal(part.noise, target.noise[1:])
    assert torch.equal(part.images, target.images[1:])


def test_a_prompt_is_drawn_from_the_same_noise_each_time(target):
    """And what is drawn at random around it goes on as if it had not been."""
    target.model.unet.forward = lambda x, t, encoder_hidden_states: SimpleNamespace(sample=x)
    kept = []

    def shows_forgotten(images, places):
        kept.append(images)
        return torch.ones(2)

    looking = Target(**vars(target) | {"shows_forgotten": shows_forgotten})
    torch.manual_seed(3)
    looking.successes(target.numbers)
    after = torch.rand(())
    looking.successes(target.numbers)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(()))
    assert torch.equal(*kept)
    assert not torch.equal(kept[0][0], kept[0][1])


def test_what_an_attacker_may_write_has_neither_start_nor_end(target):
    special = {token(target, "<|startoftext|>"), token(target, "<|endoftext|>")}
    assert not special & set(target.vocabulary.tolist())
    assert len(target.vocabulary) == len(target.model.shared.tokenizer) - 2


def test_what_is_judged_can_be_typed(target):
    """A token from within words joins what follows, and another token is read; whole words stay."""
    start, end = token(target, "<|startoftext|>"), token(target, "<|endoftext|>")
    words = [[start, token(target, "a</w>"), token(target, "red</w>"), end, end, end]]
    assert target.typed(torch.tensor(words)).tolist() == words
    joined = [[start, token(target, "r"), token(target, "e"), token(target, "d</w>"), end, end]]
    assert target.typed(torch.tensor(joined)).tolist() == [
        [start, token(target, "red</w>"), end, end, end, end]
    ]
