"""A shadow that diverges as a method unlearns it is left out; of a pool of which many do nothing is said."""

import logging

import numpy as np
import pytest
from tiny_commands import TINY

from unlearn_cli import pool as pools
from unlearn_cli.config.composing import composed
from unlearn_cli.errors import Diverged, RunError
from unlearn_cli.experiment import read
from unlearn_cli.methods.references import Origin
from unlearn_cli.origins import Origins
from unlearn_cli.shadows import Shadows
from unlearn_cli.storage.store import Store


@pytest.fixture
def pool(tmp_path, compute, monkeypatch):
    """Ten shadows that no one has trained."""
    told = [*TINY, "method=ft", "eval.attacks=[ulira]", "shadows.count=10", f"paths.outputs={tmp_path}"]
    found = Shadows(Origins.of(read(*composed(told)), compute, Store(tmp_path / "store")))
    monkeypatch.setattr(Origins, "get", lambda run, _: Origin(run.build().eval(), "key", 0, {}, []))
    return found


def test_one_that_diverges_is_made_once_and_is_no_number(pool, monkeypatch, caplog):
    tried = []

    def diverging(run, *_):
        tried.append(pool.origins.store.find(*pool.entry(3, unlearned=False)))
        raise Diverged("the loss of 'unlearn' is not finite")

    monkeypatch.setattr(pools, "made", diverging)
    with caplog.at_level(logging.WARNING, "unlearn"):
        first, second = (pool.margins(3, unlearned=True) for _ in range(2))
    assert len(tried) == 1
    assert tried[0], "trained before, so that the unlearning's time is its own"
    assert np.isnan([first, second]).all()
    assert "shadows 4 diverged as it was unlearned: the loss of 'unlearn' is not finite" in caplog.text
    assert np.isfinite(pool.margins(3, unlearned=False)).all()


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_tenth_at_most_may_diverge(pool, monkeypatch, lost):
    margins = np.zeros((10, len(pool.rows)), dtype=np.float32)
    margins[2 : 2 + lost, 0] = np.nan
    monkeypatch.setattr(Shadows, "all_margins", lambda *_: margins)
    if lost > 1:
        with pytest.raises(RunError, match="shadows: 2 of 10 diverged as they were unlearned"):
            pool.converged(unlearned=True)
        return
    whole, found = pool.converged(unlearned=True)
    assert [*np.flatnonzero(~whole)] == [2] * lost
    assert found.shape == (10 - lost, len(pool.rows))
    assert np.isfinite(found).all()
