"""A new word for the concept, learnt on the erased model."""

import pytest
import torch
from listening_model import ATTACKS, PROMPTS, RED, SECRET, token

from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.attacks.cce import PromptBlanks
from unlearn_cli.evaluation.attacks.target import Target


def test_cce_learns_a_word_that_lowers_the_loss(target):
    """Every caption is then as bright as its images; the anchor's embedding left them grey."""
    attack, blanks = ATTACKS["cce"], PromptBlanks.of(target, PROMPTS[:2], [RED, RED])
    torch.manual_seed(0)
    before = target.model.text_encoder.layer.weight[token(target, "blue</w>")].detach()
    after = attack.learn_words(target)
    secret = token(target, SECRET)
    assert (before[secret], after[0, secret].item()) == (0, pytest.approx(1, abs=0.05))
    x, t = torch.zeros(2, 4, 2, 2), torch.zeros(2, dtype=torch.long)
    for words, brightness in ((before[None], 0.0), (after, 1.0)):
        drawn = target.model(x, t, target.model.embed_soft(blanks.filled(words)), False)
        assert drawn.mean().item() == pytest.approx(brightness, abs=0.05)
    assert attack.successes(target).all()


def test_a_word_takes_the_place_of_a_concept_of_several_tokens(target):
    """Of "a red dot" are left: the start, a, the word, and the end up to the length."""
    concept = Substitution("red dot", "blue dot", "object")
    several = Target(**vars(target) | {"concepts": (RED, concept)})
    blanks = PromptBlanks.of(several, ["a red dot", "a red line"], [concept, RED])
    end, ids = token(target, "<|endoftext|>"), target.model.shared.tokenized(["a red line"])[0][0]
    assert blanks.place.nonzero().tolist() == [[0, 2], [1, 2]]
    assert blanks.which.tolist() == [1, 0]
    assert blanks.tokens.argmax(-1)[0, 3:].tolist() == [end] * 3
    assert blanks.tokens.argmax(-1)[1].tolist() == ids.tolist()
    words = torch.stack([torch.full((len(target.model.shared.tokenizer),), value) for value in (5.0, 7.0)])
    assert blanks.filled(words)[:, 2, 0].tolist() == [7, 5]
    assert blanks.filled(words, torch.tensor([1]))[:, 2, 0].tolist() == [5]


def test_cce_says_where_the_concept_is_spelt_otherwise(target):
    with pytest.raises(InputError, match="'a blue dot'"):
        PromptBlanks.of(target, ["a red dot", "a blue dot"], [RED, RED])
