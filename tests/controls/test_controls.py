"""Which metrics tell a model with a known answer from a retrained one (all of them: docs/controls.md)."""

import numpy as np
import pytest

from scripts.controls.caught import Interval, caught

CONFIDENCES = {"MIA", "MIA_correctness", "MIA_entropy", "MIA_m_entropy", "MIA_leak_free"}
KEPT = {"UA", "TA_forget", "agreement_forget", "KL_forget"} | CONFIDENCES
"""They tell a class that is still known, in part or wholly."""
MUST = {
    "original": KEPT,
    "half": KEPT,
    "relabelled": {"KL_forget", "MIA_entropy"},
    "pruned": {"UA", "TA_forget", "MIA", "VA", "KL_forget", "agreement_forget"},
}


@pytest.mark.parametrize("control", MUST)
def test_a_class_that_is_not_forgotten_is_noticed(controls, control):
    assert not MUST[control] - controls("class").caught(control)


def test_whoever_is_unsure_in_another_way_than_an_oracle_is_noticed_by_that_alone(controls):
    """Random labels: no accuracy and no attack on confidence sees a difference."""
    assert not {"UA", "TA_forget", "MIA", "MIA_leak_free"} & controls("class").caught("relabelled")


def test_a_logit_that_is_lowered_hides_a_class_from_every_metric_of_outputs(controls):
    """Why there are `eval.hidden` and attacks by example."""
    assert not controls("class").caught("biased")


def test_another_oracle_is_no_method(controls):
    assert not controls("class").caught("again")


@pytest.mark.thorough
def test_random_rows(controls):
    found = controls("random")
    everything = set(found.oracles[0])
    assert not everything - {"agreement_retain", "MIA_prob"} - found.caught("relabelled")
    assert not {"UA", "RA", "TA", "VA", "MIA"} & found.caught("again")
    assert "UA" not in found.caught("half")  # two rows in fifty, which an oracle may have right, too


def test_the_value_has_to_lie_outside_what_another_oracle_would_have():
    rng = np.random.default_rng(0)
    draws = [rng.normal(50, 5, 6) for _ in range(2000)]
    false_alarms = np.mean([caught("UA", draw[0], draw[1:].tolist()) for draw in draws])
    assert false_alarms < 0.01
    assert caught("UA", 90, [50, 52, 48, 51, 49])
    assert not caught("UA", 98.1, [100, 100, 100])  # one row of fifty
    assert caught("UA", 97.9, [100, 100, 100])


def test_an_attack_has_caught_what_its_interval_tells_from_chance():
    assert caught("ULiRA_AUC", 60, [], Interval(52, 68, null=51))
    assert caught("ULiRA_AUC", 40, [], Interval(30, 48, null=51))
    assert not caught("ULiRA_AUC", 60, [], Interval(49, 71, null=45))
    assert not caught("ULiRA_AUC", 60, [], Interval(52, 68, null=55))  # so are rows that nobody learned


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_what_a_lowered_logit_hides_is_found_within(controls):
    """A few forgotten rows bring the class back sooner, or to another accuracy, than to an oracle; and what
    shadow models make of a row is lowered along with it."""
    deep = ("eval.hidden=all", "eval.attacks=[ulira]", "shadows.count=16", "shadows.fraction=0.3")
    found = controls("class", *deep, names=("biased",))
    assert {"relearned_forget_steps", "relearned_forget_test"} & found.caught("biased")
    models = found.models
    assert models["biased"]["ULiRA_AUC"] == pytest.approx(models["original"]["ULiRA_AUC"], abs=2)
    assert not found.caught("again") - {key for key in models["again"] if "_AUC" in key or "_TPR" in key}
