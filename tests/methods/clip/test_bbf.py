"""BBF: the context from its latent parts, and that the search finds a better one without any gradient."""

import numpy as np
import pytest
import torch
from clip_checks import changed, losses, survives_a_delta, unlearns
from tiny_clip import TinyProblem

from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.bbf import BBF, Latent

SETTINGS = {
    "forget_loss": "uniform_ce",
    "context": 4,
    "shared": 6,
    "unique": 3,
    "population": 6,
    "iterations": 15,
    "sigma": 1.0,
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def bbf(**changes):
    return BBF(**SETTINGS | changes)


def test_it_forgets_by_the_context_alone(tiny):
    before, method = tiny.model(), bbf()
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    unlearns(tiny, before, after)
    assert changed(before, after) == set()
    assert survives_a_delta(tiny, method, before, after) == {"adapter.text.contexts"}
    assert (tiny.trainer.cost.forwards, tiny.trainer.cost.backwards) == (12, 0)  # each image is embedded once


def test_the_best_context_of_all_is_kept(tiny):
    after = bbf().unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    found = [row["loss/best"] for row in tiny.trainer.history]
    assert len(found) == 15
    assert found[-1] < found[0]
    assert sum(losses(tiny, after)) == pytest.approx(found[-1], rel=1e-4)


def test_the_seed_decides(tiny):
    def contexts(folder, seed):
        trainer = tiny.trainer_in(tiny.folder / folder)
        trainer.seed = seed
        torch.manual_seed(len(folder))
        np.random.seed(len(folder))
        model = bbf(iterations=2).unlearn(tiny.task, tiny.model(), tiny.sets, trainer)
        return model.adapter.text.contexts

    first = contexts("a", 0)
    assert torch.equal(first, contexts("as before", 0))
    assert not torch.equal(first, contexts("b", 1))


def test_the_context_by_hand():
    """Two tokens of width 3: p_i = A [s; u_i] + p_0."""
    torch.manual_seed(0)
    table = torch.randn(50, 3)
    latent = Latent(table, shared=2, unique=1)
    torch.testing.assert_close(latent.context(np.zeros(4)), table.mean(dim=0).expand(2, 3))
    found = latent.context(np.array([1.0, -2.0, 3.0, 0.5])) - table.mean(dim=0)
    a, b, c = latent.projection.T
    torch.testing.assert_close(found, torch.stack([a - 2 * b + 3 * c, a - 2 * b + 0.5 * c]))


def test_the_projection_is_as_wide_as_the_embeddings():
    torch.manual_seed(0)
    latent = Latent(7 + 0.3 * torch.randn(1000, 64), shared=40, unique=60)
    assert latent.projection.shape == (64, 100)
    assert float(latent.projection.std()) == pytest.approx(0.3, rel=0.05)
    assert float(latent.projection.mean()) == pytest.approx(0, abs=0.02)


def test_a_context_too_long_is_refused(tiny):
    with pytest.raises(InputError, match=r"^method\.context: 9 tokens and the name 'circle' do not fit"):
        bbf(context=9).check(tiny.task, tiny.model(), tiny.data, tiny.sets)
    bbf().check(tiny.task, tiny.model(), tiny.data, tiny.sets)
