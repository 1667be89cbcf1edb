"""MIA: `SVC_MIA` of the released code, scikit-learn's SVC(C=3, gamma="auto").predict, ties included."""

import numpy as np
import pytest
from sklearn.svm import SVC

from unlearn_cli.evaluation.classification.mia import is_member


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
