import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.svm import SVC

from unlearn_cli.evaluation.classification.mia import MIASettings, is_member, mia, subsample

FEATURES = ("confidence", "correctness", "entropy", "m_entropy", "prob")


def settings(**changes):
    values = {"features": FEATURES, "members": "first", "max_samples": None, "leak_free": False, "seed": 0}
    return MIASettings(**(values | changes))


def world(make_sets, val=100):
    """Rows 0-999 train (forget 0-199), then val, then 300 test. Members are surer of their class."""
    rng = np.random.default_rng(0)
    n = 1300 + val
    labels = rng.integers(0, 4, n)
    logits = rng.normal(0, 1.5, (n, 4))
    logits[np.arange(n), labels] += np.where((np.arange(n) >= 200) & (np.arange(n) < 1000), 6, 2)
    sets = make_sets(
        forget=np.arange(200),
        retain=np.arange(200, 1000),
        val=np.arange(1000, 1000 + val),
        test=np.arange(1000 + val, n),
    )
    return torch.tensor(logits, dtype=torch.float32), labels, sets


def direct(feature, labels, members, nonmembers, forget):
    """The attack of the paper's code, straight from scikit-learn."""
    x = np.concatenate([feature[members], feature[nonmembers]])
    y = np.concatenate([np.ones(len(members)), np.zeros(len(nonmembers))])
    return 100 * np.mean(SVC(C=3, gamma="auto", kernel="rbf").fit(x, y).predict(feature[forget]) == 0)


def paper_features(logits, labels):
    p = torch.softmax(logits, dim=1).numpy()
    n = np.arange(len(p))
    rest = np.ones_like(p)
    rest[n, labels] = 0
    p_y = p[n, labels]
    return {
        "MIA": p_y[:, None],
        "MIA_correctness": (p.argmax(1) == labels)[:, None].astype(float),
        "MIA_entropy": -(p * np.log(p)).sum(1, keepdims=True),
        "MIA_m_entropy": (-(1 - p_y) * np.log(p_y) - (rest * p * np.log(1 - p)).sum(1))[:, None],
        "MIA_prob": p,
    }


def test_every_attack_equals_a_direct_computation(make_sets):
    logits, labels, sets = world(make_sets)
    values = mia(logits, labels, sets, settings())
    expected = {
        name: direct(feature, labels, sets.retain[:300], sets.test, sets.forget)
        for name, feature in paper_features(logits, labels).items()
    }
    assert values == pytest.approx(expected)
    assert len(set(values.values())) == 5  # the attacks do differ on this data


def test_merging_equal_points_leaves_the_predictions():
    rng = np.random.default_rng(1)
    known, unknown = rng.beta(4, 1, (400, 1)).round(2), rng.beta(2, 1, (500, 1)).round(2)
    query = np.linspace(0, 1, 501)[:, None]
    svc = SVC(C=3, gamma="auto").fit(np.concatenate([known, unknown]), np.repeat([1, 0], [400, 500]))
    # Both solve to libsvm's tolerance of 1e-3: nearer to the boundary than that either side is right.
    clear = np.abs(svc.decision_function(query)) > 5e-3
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(is_member(known, unknown, query)[clear], svc.predict(query)[clear] == 1)
    assert 0 < is_member(known, unknown, query).mean() < 1


def test_a_perfectly_separable_case():
    sure, unsure = np.linspace(0.99, 1, 30)[:, None], np.linspace(0, 0.1, 30)[:, None]
    query = np.array([[0.995], [0.05], [0.995]])
    assert is_member(sure, unsure, query).tolist() == [True, False, True]


def leak_free(logits, labels, sets):
    return mia(logits, labels, sets, settings(features=("confidence",), leak_free=True))["MIA_leak_free"]


def test_leak_free_takes_non_members_from_validation(make_sets):
    logits, labels, sets = world(make_sets)
    value = leak_free(logits, labels, sets)
    confidence = paper_features(logits, labels)["MIA"]
    expected = direct(confidence, labels, sets.retain[:100], sets.val, sets.forget)
    assert value == pytest.approx(expected)
    logits[torch.from_numpy(sets.test)] = 0  # test images have no part in it
    assert leak_free(logits, labels, sets) == value


def test_leak_free_without_validation_uses_half_of_the_test_rows(make_sets):
    logits, labels, sets = world(make_sets, val=0)
    value = leak_free(logits, labels, sets)
    half = subsample(sets.test, labels, 150, seed=0)
    confidence = paper_features(logits, labels)["MIA"]
    expected = direct(confidence, labels, sets.retain[:150], half, sets.forget)
    assert value == pytest.approx(expected)


def test_members_first_or_random_and_all_of_a_small_retain_set(make_sets):
    logits, labels, sets = world(make_sets)
    late = logits.clone()
    late[500:1000] = 0  # retain rows after the first 300
    same = settings(features=("confidence",))
    assert mia(late, labels, sets, same) == mia(logits, labels, sets, same)
    drawn = settings(features=("confidence",), members="random")
    assert mia(late, labels, sets, drawn) != mia(logits, labels, sets, drawn)
    assert mia(logits, labels, sets, drawn) == mia(logits, labels, sets, drawn)

    small = make_sets(forget=np.arange(200), retain=np.arange(200, 240), test=sets.test)
    confidence = paper_features(logits, labels)["MIA"]
    as_many = subsample(small.test, labels, len(small.retain), seed=0)
    expected = direct(confidence, labels, small.retain, as_many, small.forget)
    assert mia(logits, labels, small, same) == {"MIA": pytest.approx(expected)}


def test_a_subsample_is_stratified_and_seeded():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    rows = np.random.default_rng(0).permutation(1000)
    some = subsample(rows, labels, 100, seed=3)
    assert np.abs(np.bincount(labels[some]) - [60, 30, 10]).max() <= 1
    assert len(np.unique(some)) == 100
    np.testing.assert_array_equal(some, subsample(rows, labels, 100, seed=3))
    assert set(some) != set(subsample(rows, labels, 100, seed=4))
    np.testing.assert_array_equal(subsample(rows, labels, 1000, seed=3), rows)


def test_max_samples_caps_members_and_non_members(make_sets):
    logits, labels, sets = world(make_sets)
    value = mia(logits, labels, sets, settings(features=("entropy",), max_samples=30))
    members = subsample(sets.retain[:300], labels, 30, seed=0)
    nonmembers = subsample(sets.test, labels, 30, seed=0)
    entropy = paper_features(logits, labels)["MIA_entropy"]
    assert value == {"MIA_entropy": pytest.approx(direct(entropy, labels, members, nonmembers, sets.forget))}


@pytest.mark.parametrize(
    "wrong", [{"features": ["confidenc"]}, {"members": "last"}, {"max_samples": 1}, {"seed": -1}, {"svc": 1}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        settings(**wrong)
