"""Which rows attacks are asked about: known members, rows never seen of the same kind, and a population."""

import numpy as np
import pytest
import torch

from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.membership.attacked_rows import AttackedRows
from unlearn_cli.evaluation.membership.margin import margins
from unlearn_cli.evaluation.membership.queried import queried

LABELS = np.arange(400) % 4


def sets(forget, whole_class=None):
    """200 training rows, 40 for validation, 160 for tests."""
    rows, test = np.arange(400), np.arange(240, 400)
    val, train = rows[200:240], rows[:200]
    gone = whole_class == LABELS
    return Sets(
        train=train,
        val=val[~gone[val]],
        test=test[~gone[test]],
        forget=forget,
        retain=np.setdiff1d(train, forget),
        unforgotten=np.setdiff1d(train, forget),
        val_forgotten=val[gone[val]],
        test_forgotten=test[gone[test]],
        classes=() if whole_class is None else (whole_class,),
        split="s",
        fingerprint="f",
    )


@pytest.mark.parametrize(
    "of",
    [
        sets(np.arange(0, 40)),
        sets(np.flatnonzero(LABELS[:200] == 3), whole_class=3),
        sets(np.array([2, 6])),
    ],
    ids=["random", "class", "few"],
)
def test_no_row_has_two_parts_and_non_members_were_never_seen(of):
    found = queried(of, LABELS, 0)
    unseen = [found.forgotten_unseen, found.retained_unseen, found.population]
    rows = np.concatenate([found.forgotten, found.retained, *unseen])
    assert len(rows) == len(np.unique(rows))
    assert not np.isin(np.concatenate(unseen), of.train).any()
    assert set(found.forgotten) == set(of.forget)
    assert set(found.retained) <= set(of.retain)
    assert 0 < len(found.forgotten_unseen) <= len(of.forget)
    assert set(LABELS[found.forgotten_unseen]) <= set(LABELS[of.forget])
    assert len(found.population) >= 200 // 8


def test_of_a_class_the_non_members_are_of_it_and_no_others_are():
    found = queried(sets(np.flatnonzero(LABELS[:200] == 3), whole_class=3), LABELS, 0)
    assert set(LABELS[found.forgotten_unseen]) == {3}
    assert 3 not in LABELS[np.concatenate([found.retained, found.retained_unseen])]


def test_the_draw_follows_the_seed_alone():
    one, same, other = (queried(sets(np.arange(40)), LABELS, seed) for seed in (0, 0, 1))
    assert np.array_equal(one.forgotten_unseen, same.forgotten_unseen)
    assert not np.array_equal(one.forgotten_unseen, other.forgotten_unseen)


def test_nobody_to_ask_about():
    of = sets(np.arange(40))
    empty = Sets(**{**vars(of), "val": of.val[:0], "test": of.test[:1]})
    with pytest.raises(InputError, match=r"^eval\.attacks: 0 validation and 1 test rows"):
        queried(empty, LABELS, 0)


def test_margins_are_the_logit_of_the_probability_and_stay_exact_where_that_is_one():
    logits = torch.tensor([[1.0, 2.0, -1.0], [40.0, 0.0, 0.0], [0.0, 90.0, 0.0]])
    found = margins(logits, np.array([1, 0, 0]))
    p = logits[0].double().softmax(0)[1]
    assert found[0] == pytest.approx(float(torch.log(p / (1 - p))))
    assert found[1] == pytest.approx(40 - np.log(2))
    assert found[2] == pytest.approx(-90)


def test_the_file_of_rows_is_exact(tmp_path):
    part, row = np.array(["forget", "forget", "retain", "retain"]), np.array([5, 9, 2, 7])
    scores = {"ulira": np.array([0.1, -1 / 3, 1e-17, 3.0])}
    rows = AttackedRows(part, row, np.array([True, False, True, False]), scores)
    rows.write(tmp_path / "attacks.csv")
    found = AttackedRows.read(tmp_path / "attacks.csv")
    assert found.part.tolist() == part.tolist()
    assert found.member.tolist() == rows.member.tolist()
    assert found.scores["ulira"].tolist() == scores["ulira"].tolist()
    assert (tmp_path / "attacks.csv").read_text().startswith("row,part,member,ulira\n5,forget,1,0.1\n")
