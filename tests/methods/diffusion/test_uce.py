"""UCE: what the new matrices do to the concept's embeddings, to the preserved ones, and to nothing else."""

import dataclasses
import logging

import pytest
import torch
from tiny_text import TinyText, moved

from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.uce import UCE
from unlearn_cli.training.mask import Mask

SETTINGS = {
    "erase_scale": 1.0,
    "preserve_scale": 1.0,
    "ridge": 1e-9,
    "positions": "last",
    "templates": ("{}",),
    "guide": "anchor",
    "preserve": 0,
    "preserve_concepts": (),
}
WALL = "red {} wall"


@pytest.fixture
def tiny(tmp_path):
    return TinyText(tmp_path)


def uce(**changes):
    return UCE(**SETTINGS | changes)


def matrices(model):
    """Of all keys and values of cross-attention, by name, in double."""
    found = {n: p.double() for n, p in model.named_parameters() if "attn2.to_k" in n or "attn2.to_v" in n}
    assert len(found) == 2 * 7  # two on the way down, one in the middle, four on the way up
    return found


def embeddings(model, *prompts):
    """(n, L, D)."""
    with torch.no_grad():
        return model.conditioning(model.number(list(prompts))).double()


def acts(start, after, c, g):
    """Whether every new matrix does to c (n, D) what the old one did to g (n, D)."""
    new = matrices(after)
    for name, old in matrices(start).items():
        torch.testing.assert_close(c @ new[name].T, g @ old.T, atol=2e-5, rtol=1e-4)


def test_without_a_ridge_the_concept_acts_like_the_anchor(tiny):
    start = tiny.model()
    after = uce().unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    c, g = embeddings(start, "dotted", "plain")
    acts(start, after, c[1:2], g[1:2])
    assert moved(start, after) == set(matrices(start))


def test_by_the_equation(tiny):
    """W' = (λW + e·v*cᵀ + p·Σ W k kᵀ)(λI + e·ccᵀ + p·Σ k kᵀ)⁻¹, with all captions retained preserved."""
    start = tiny.model()
    method = uce(ridge=0.5, erase_scale=2.0, preserve_scale=0.25, preserve=10)
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    c, g = embeddings(start, "dotted", "plain")[:, 1]
    k = embeddings(start, "red plain wall", "blue plain wall").flatten(0, 1)
    new = matrices(after)
    for name, w in matrices(start).items():
        left = 0.5 * w + 2 * torch.outer(w @ g, c) + 0.25 * w @ k.T @ k
        right = 0.5 * torch.eye(16) + 2 * torch.outer(c, c) + 0.25 * k.T @ k
        torch.testing.assert_close(new[name], left @ right.inverse(), atol=1e-6, rtol=1e-5)


def test_what_is_preserved_acts_as_before(tiny):
    """One token to be erased, 16 dimensions, and tokens that span fewer: both can be had at once."""
    start = tiny.model()
    method, model = uce(preserve=1, ridge=1e-8), tiny.model()
    (kept,) = method.preserved(tiny.sets, tiny.trainer).tolist()
    after = method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    k = embeddings(start, model.prompts[kept])[0]
    assert kept in (2, 3)
    acts(start, after, k, k)
    c, g = embeddings(start, "dotted", "plain")
    acts(start, after, c[1:2], g[1:2])


def test_onwards_takes_all_that_knows_of_the_concept(tiny):
    """From the concept on, the end and what fills up; what stands before it is not touched."""
    start = tiny.model()
    method = uce(positions="onwards", templates=(WALL,))
    c, g = method.pairs(tiny.task, start, tiny.sets)
    before, after = embeddings(start, "red dotted wall", "red plain wall")
    torch.testing.assert_close(c, before[2:])
    torch.testing.assert_close(g, after[2:])
    edited = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    acts(start, edited, before[2:], after[2:])


def test_tokens_are_aligned_from_the_concepts_first_on(tiny, caplog):
    """A concept of two words, an anchor of one: the second word acts like what follows the anchor."""
    sets = dataclasses.replace(tiny.sets, concepts=(Substitution("dotted wall", "plain", "object"),))
    start = tiny.model()
    c, g = uce(positions="onwards", templates=("red {}",)).pairs(tiny.task, start, sets)
    before, after = embeddings(start, "red dotted wall", "red plain")
    torch.testing.assert_close(c, before[2:])
    torch.testing.assert_close(g, after[2:])
    c, g = uce(templates=("red {}",)).pairs(tiny.task, start, sets)
    torch.testing.assert_close(torch.stack([c, g]), torch.stack([before[3:4], after[2:3]]))
    with caplog.at_level(logging.INFO, "unlearn"):
        uce().unlearn(tiny.task, tiny.model(), sets, tiny.trainer)
    assert "'dotted wall' is 2 tokens" in caplog.text


def test_several_concepts_and_templates(tiny):
    both = (Substitution("dotted", "plain", "object"), Substitution("red", "blue", "object"))
    sets = dataclasses.replace(tiny.sets, concepts=both)
    start = tiny.model()
    after = uce(templates=("{}", "{} wall")).unlearn(tiny.task, tiny.model(), sets, tiny.trainer)
    c = embeddings(start, "dotted", "dotted wall", "red", "red wall")[:, 1]
    g = embeddings(start, "plain", "plain wall", "blue", "blue wall")[:, 1]
    # the first token's embedding does not depend on what follows, so the pairs do not conflict
    acts(start, after, c, g)


def test_masked_entries_keep_their_values(tiny):
    start = tiny.model()
    name = next(iter(matrices(start)))
    free = torch.zeros_like(start.get_parameter(name), dtype=torch.bool)
    free[0] = True
    tiny.trainer.mask = Mask({name: free})
    after = uce().unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    changed = start.get_parameter(name) != after.get_parameter(name)
    assert changed[0].any()
    assert not changed[1:].any()


def test_a_concept_without_words_is_refused(tiny):
    bare = dataclasses.replace(tiny.sets, concepts=())
    with pytest.raises(InputError, match=r"^forget: .* use forget=concept"):
        uce().check(tiny.task, tiny.model(), tiny.data, bare)
    uce().check(tiny.task, tiny.model(), tiny.data, tiny.sets)


def test_a_template_must_have_a_place_and_show_it(tiny):
    with pytest.raises(ValueError, match=r"'a wall' has not one \{\}"):
        uce(templates=("a wall",))
    method = uce(templates=("red red red red red red {}",))  # beyond the text encoder's eight tokens
    with pytest.raises(InputError, match=r"^method\.templates: .* does not show 'dotted'"):
        method.check(tiny.task, tiny.model(), tiny.data, tiny.sets)
