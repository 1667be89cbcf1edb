"""SIU: which rows it learns, with what texts, and its masked divergence."""

import numpy as np
import pytest
import torch
from tiny_diffusion import Recorder
from tiny_vlm import ADAM

from unlearn_cli.errors import InputError
from unlearn_cli.methods.vlm.siu import SIU, masked_divergence

SETTINGS = {"ce_weight": 0.9, "dmk_weight": 0.75, "images": 1, "substitute": None}


def siu(**changes):
    return SIU(**ADAM | SETTINGS | changes)


@pytest.mark.parametrize("images", [1, 3])
def test_the_answers_of_so_many_images_name_the_substitute(tiny, images):
    texts, substitutes = siu(images=images).texts(tiny.data, tiny.sets, seed=0)
    columns, rows = tiny.data.columns, np.array(sorted(texts))
    assert substitutes == ["blue"]  # the other answer to the colour's question
    assert len(np.unique(columns["image"][rows])) == images
    assert len(rows) == 2 * images  # its colour, and the caption
    assert np.isin(rows, tiny.sets.forget).all()
    for row, text in texts.items():
        assert text == columns["answer"][row].replace("red", "blue")


def test_the_seed_draws_the_image(tiny):
    drawn = {tuple(siu().texts(tiny.data, tiny.sets, seed)[0]) for seed in range(8)}
    assert len(drawn) > 1
    again = [siu().texts(tiny.data, tiny.sets, 3) for _ in range(2)]
    assert again[0] == again[1]


def test_half_of_a_step_is_the_image_and_half_is_preserved(tiny):
    recorder = Recorder(tiny.trainer)
    siu().unlearn(tiny.task, tiny.model(), tiny.sets, recorder)
    texts = siu().texts(tiny.data, tiny.sets, recorder.seed)[0]
    for rows in recorder.feed(0, 8, 0):
        assert np.isin(rows, [*texts]).tolist() == [True] * 4 + [False] * 4
        assert np.isin(rows[4:], tiny.sets.retain).all()


def test_terms_by_hand(tiny):
    """Of the colour's row: one token that is substituted, and the end; and of a retained row."""
    recorder, original = Recorder(tiny.trainer), tiny.model()
    siu().unlearn(tiny.task, tiny.model(), tiny.sets, recorder)
    texts = siu().texts(tiny.data, tiny.sets, recorder.seed)[0]
    colour = next(row for row, text in texts.items() if text == "blue")
    kept = tiny.asking("colour", tiny.sets.retain)[0]  # whose answer is blue anyway
    batch, model = tiny.batch(np.array([colour, kept])), tiny.model(seed=2)
    with torch.no_grad():
        terms = recorder.objective(model, batch)
        q, p = (
            tiny.task.answer_logits(one, batch, ["blue"] * 2)[0].log_softmax(-1) for one in (model, original)
        )
    tokenizer = model.shared.processor.tokenizer
    blue, red = tokenizer.convert_tokens_to_ids(["blue", "red"])
    ce = -(q[:, 0, blue] + q[:, 1, tokenizer.eos_token_id]) / 2
    each = p.exp() * (p - q)
    each[..., red] = 0
    divergence = each.sum(-1)
    dmk = torch.stack([divergence[0, 1], divergence[1, 0] + divergence[1, 1]]) / 2
    torch.testing.assert_close(terms["ce"], 0.9 * ce.mean())
    torch.testing.assert_close(terms["dmk"], 0.75 * dmk.mean())


def test_masked_divergence_without_a_mask_is_kl():
    torch.manual_seed(0)
    before, after, none = torch.randn(2, 3, 5), torch.randn(2, 3, 5), torch.empty(0, dtype=torch.long)
    p, q = (torch.distributions.Categorical(logits=logits) for logits in (before, after))
    expected = torch.distributions.kl_divergence(p, q)
    torch.testing.assert_close(masked_divergence(before, after, none), expected)


def test_the_substitute_becomes_likelier(tiny):
    before = tiny.model()
    after = siu(epochs=10, lr=3e-3).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    batch = tiny.batch(tiny.asking("colour", tiny.sets.forget))
    blue = tiny.data.classes.index("what colour is it ? → blue")
    labels = torch.full_like(batch.y, blue)
    with torch.no_grad():
        gained = [
            tiny.task.likelihoods(one, batch)[0] - tiny.task.likelihoods(one, batch, labels)[0]
            for one in (before, after)
        ]
    assert (gained[1] > gained[0] + 0.1).all()


def test_a_substitute_can_be_named(tiny):
    assert siu(substitute="square").texts(tiny.data, tiny.sets, 0)[1] == ["square"]
    with pytest.raises(InputError, match=r"^method\.substitute: .* did you mean 'blue'\?$"):
        siu(substitute="bleu").check(tiny.task, tiny.model(), tiny.data, tiny.sets)


def test_a_concept_without_a_question_of_its_own_needs_a_substitute(tiny):
    keep = tiny.data.columns["asks"] != "colour"
    sets = tiny.sets
    fewer = type(sets)(**{**vars(sets), "train": sets.train[keep[sets.train]]})
    with pytest.raises(InputError, match=r"^method\.substitute: no question has 'red' for its answer"):
        siu().check(tiny.task, tiny.model(), tiny.data, fewer)
    siu(substitute="blue").check(tiny.task, tiny.model(), tiny.data, fewer)


def test_a_concept_must_be_named(tiny):
    nameless = type(tiny.sets)(**{**vars(tiny.sets), "concepts": ()})
    with pytest.raises(InputError, match=r"^forget: .* use forget=answer$"):
        siu().check(tiny.task, tiny.model(), tiny.data, nameless)
