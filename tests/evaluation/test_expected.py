"""What is expected of an oracle that nobody has trained."""

import numpy as np
import pytest
import torch

from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.expected import expected_forgetting, expected_metrics, is_expected, is_whole
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.tasks.generation import Generation

LABELS = np.array([0, 0, 0, 1, 1, 0, 0, 1, 1, 2])
"""Rows 0 to 4 to be forgotten, 5 to 9 of the validation part."""
RIGHT = np.array([True] * 5 + [True, False, False, False, True])


def sets(classes=(), forgotten=(), val=range(5, 10)):
    rows = np.arange(10)
    return Sets(
        *(rows[:5], np.array(val, dtype=int), rows[5:], rows[:5], rows[:0], np.array(forgotten, dtype=int)),
        *(classes, "s", "f"),
    )


def logits():
    """(10, 3): right where RIGHT says so."""
    return torch.eye(3)[torch.from_numpy(np.where(RIGHT, LABELS, (LABELS + 1) % 3))]


def test_it_is_the_error_on_validation_rows_weighed_by_the_forget_sets_classes():
    """Class 0 is right in 1 of 2, class 1 in none; three rows are of the one, two of the other."""
    assert expected_forgetting(sets(), LABELS, logits()) == pytest.approx(100 - 3 / 5 * 50)


def test_a_class_without_validation_rows_does_not_count():
    assert expected_forgetting(sets(val=[5, 6]), LABELS, logits()) == pytest.approx(50)


@pytest.mark.parametrize(
    ("those", "task", "known"),
    [
        (sets(), Classification(), True),
        (sets(classes=(0, 1)), Classification(), True),  # an oracle never learns to name them
        (sets(classes=(0, 1)), Generation.model_construct(), True),
        (sets(), Generation.model_construct(), False),  # it has no logits
        (sets(forgotten=[5, 6]), Classification(), False),  # a domain: the original has seen it
        (sets(val=[9]), Classification(), False),
    ],
)
def test_where_it_is_known(those, task, known):
    assert is_expected(task, those, LABELS) is known


def test_whole_classes():
    assert is_whole(sets(classes=(0, 1)), LABELS)
    assert not is_whole(sets(classes=(0,)), LABELS)


def test_the_rest_is_as_it_was():
    assert expected_metrics({"UA": 0.0, "RA": 99.0}, "classification", 4.0) == {"UA": 4.0, "RA": 99.0}
    assert expected_metrics({"For": 0.0, "H": 9.0}, "clip", 4.0) == {"For": 4.0, "H": 9.0}
