"""A method looks the same wherever it is drawn."""

import itertools

import pytest
from tiny_commands import methods

from unlearn_cli.config.catalogue import options
from unlearn_cli.figures.methods import LOOKS, METHODS, REFERENCES, style, styles


def looks(rows):
    return {name: (look.colour, look.marker, look.fill) for name, look in styles(rows).items()}


def test_every_method_has_its_place():
    there = {option.name for option in options("method")}
    assert there == {*METHODS, "original", "retrain"}
    assert len(METHODS) == len(set(METHODS)) < len(LOOKS)


def test_no_two_methods_look_alike():
    found = [(look.colour, look.marker) for look in [*LOOKS, *map(style, ("original", "retrain"))]]
    assert len(found) == len(set(found))
    assert all(one[0] != other[0] and one[1] != other[1] for one, other in itertools.pairwise(found[:-2]))


def test_neither_order_nor_company_changes_a_look():
    rows = [("salun", "salun"), ("ga", "ga"), ("retrain", "retrain")]
    assert styles(rows) == styles(rows[::-1])
    assert styles(rows)["salun"] == styles([("salun", "salun"), ("ft", "ft")])["salun"] == style("salun")


def test_variants_share_colour_and_mark_but_not_the_fill():
    found = looks([(f"salun mask.fraction={part}", "salun") for part in (0.1, 0.3, 0.5)])
    assert len(set(found.values())) == 3
    assert len({look[:2] for look in found.values()}) == 1


def test_oracle_and_retrain_are_one_model():
    """`method=retrain` has both in its figures."""
    found = looks([("original", "original"), ("retrain", "retrain"), ("oracle", "oracle")])
    assert found["retrain"] == found["oracle"]
    assert REFERENCES["oracle"] == REFERENCES["retrain"]


@pytest.mark.parametrize("count", [2, 60])
def test_methods_of_plug_ins_give_way(count):
    names = [*methods("classification"), *(f"own{number}" for number in range(count))]
    found = looks([(name, name) for name in names])
    assert found["ga"] == looks([("ga", "ga")])["ga"]
    if count == 2:
        assert len(set(found.values())) == len(names)
