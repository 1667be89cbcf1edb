"""Simple classifiers find a class that the last layer hides, and none where it was never learnt."""

import numpy as np
import pytest
from planted import Planted, hidden_by_bias, oracle, original

from unlearn_cli.evaluation.hidden.probe import Probe

PROBE = Probe(neighbours=5, rows=100)


def found(planted, model):
    return PROBE.inspect(planted.subject(model)).metrics


def test_a_hidden_class_is_found_and_one_never_learnt_is_not(planted):
    hidden = found(planted, hidden_by_bias())
    assert hidden == {"probe_class": 100, "knn_class": 100}
    assert found(planted, original()) == hidden
    blind = found(planted, oracle())
    assert 25 < blind["probe_class"] < 75
    assert 25 < blind["knn_class"] < 75


def test_forgotten_rows_are_named_by_what_is_learnt_from_the_others(planted_rows):
    assert found(planted_rows, hidden_by_bias()) == {"probe_rows": 100, "knn_rows": 100}
    truth = planted_rows.data.labels[planted_rows.sets.forget]
    blind = found(planted_rows, oracle())
    assert blind["probe_rows"] < 100
    assert blind["knn_rows"] >= 100 * np.mean(truth != 0) - 34  # of class 0 it takes some for 1 or 2


def test_a_share_of_the_rows_will_do(tmp_path):
    few = Probe(neighbours=50, rows=8).inspect(Planted(tmp_path).subject(original())).metrics
    assert few["probe_class"] == pytest.approx(100)
