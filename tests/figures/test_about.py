import pytest

from unlearn_cli.figures.about import about, forgotten

CLASSES = ["cat", "dog"]


@pytest.mark.parametrize(
    ("kind", "facts", "said"),
    [
        ("class", {"classes": [1], "fraction": None}, "class dog"),
        ("class", {"classes": ["cat", 7, -9]}, "classes cat, 7, -9"),
        ("class", {"classes": [0], "fraction": 0.5}, "class cat, 50 %"),
        ("random", {"fraction": 0.1, "count": None, "seed": 0}, "random, 10 %"),
        ("random", {"fraction": None, "count": 4500}, "random, 4,500"),
        ("domain", {"column": "domain", "domains": ["sketch", "photo"]}, "domain sketch, photo"),
        ("group", {"column": "Male", "values": [True], "fraction": None}, "Male = True"),
        ("concept", {"concept": "dotted", "anchor": "plain", "kind": "object"}, "concept dotted"),
        ("answer", {"concept": ["red", "circle"]}, "answer red, circle"),
        ("indices", {"file": "/a/b/rows.txt"}, "the rows of rows.txt"),
        ("worst_case", {"mode": "worst", "unit": "sample", "fraction": 0.1}, "worst case, 10 %"),
        ("worst_case", {"mode": "easiest", "unit": "class", "count": 2}, "worst_case (easiest), 2 by class"),
        ("own", {}, "own"),
        ("own", {"classes": {"a": 1}, "fraction": "half", "count": "two"}, "class {'a': 1}"),
    ],
)
def test_what_was_forgotten(kind, facts, said):
    assert forgotten(kind, facts, CLASSES) == said


def test_a_class_may_be_called_as_a_number():
    assert forgotten("class", {"classes": [1]}, ["1", "2"]) == "class 1"


def test_long_lists_are_cut_short():
    assert len(forgotten("class", {"classes": [f"class {number}" for number in range(100)]})) < 80


def test_a_run_in_a_line():
    choices = {"task": "classification", "method": "salun", "data": "digits", "model": "resnet20"}
    said = about(choices, "class", {"classes": [1]}, CLASSES, 3)
    assert said == "salun · digits · resnet20 · forgotten: class dog · seed 3"
