"""MIA: `SVC_MIA` of the released code, scikit-learn's SVC(C=3, gamma="auto").predict, ties included."""

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.classification import mia as module
from unlearn_cli.evaluation.classification.mia import MIASettings, is_member, mia


def predicted(known, unknown, query):
    x, y = np.concatenate([known, unknown]), np.repeat([1, 0], [len(known), len(unknown)])
    return SVC(C=3, gamma="auto", kernel="rbf").fit(x, y).predict(query) == 1


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("value", [1.0, 0.3, 0.0])
def test_members_and_others_that_look_alike(width, value):
    """As correctness is of every model with RA = TA = 100: a distance of 0 is for scikit-learn to call."""
    same = np.full((40, width), value)
    query = np.full((7, width), value)
    np.testing.assert_array_equal(is_member(same, same, query), predicted(same, same, query))


def test_points_that_are_all_distinct():
    """No two are merged: the same problem, and every prediction the same."""
    generator = np.random.default_rng(0)
    known, unknown = generator.normal(0.3, 1, (60, 3)), generator.normal(-0.3, 1, (60, 3))
    query = generator.normal(0, 1.5, (3000, 3))
    np.testing.assert_array_equal(is_member(known, unknown, query), predicted(known, unknown, query))


def test_the_share_of_forget_rows_called_unseen_in_percent(monkeypatch):
    """Also of an attack with half of the test rows, where there are no validation rows."""
    sizes = set()

    def told(known, unknown, query):
        sizes.add((len(known), len(unknown), len(query)))
        return is_member(known, unknown, query)

    monkeypatch.setattr(module, "is_member", told)
    rows, none = np.arange(100), np.arange(0)
    sure = np.where(rows < 70, 8.0, 0.5) + 0.01 * (rows % 7) - 7.4 * (rows < 8)
    logits = torch.stack([torch.tensor(sure), torch.zeros(100)], 1).float()
    sets = Sets(rows[:70], none, rows[70:], rows[:20], rows[20:70], none, (), "split", "tiny")
    settings = MIASettings(
        features=("confidence",), members="first", max_samples=None, leak_free=True, seed=0
    )
    found = mia(logits, np.zeros(100, dtype=np.int64), sets, settings)
    assert found == {"MIA": 40.0, "MIA_leak_free": 40.0}
    assert sizes == {(30, 30, 20), (15, 15, 20)}
