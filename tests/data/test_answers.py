"""What an answer is worth, and which questions ask for a concept, near it, or for all else."""

import numpy as np
import pytest
from tiny_vlm import REFUSALS, TinyProblem

from unlearn_cli.data.answers import Status, rows_by_cell, status, statuses
from unlearn_cli.data.substitution import Substitution

COLOURS = ("blue", "dark red", "red")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Sixteen images, in turn a red circle, red square, blue circle, blue square; three questions each."""
    return TinyProblem(tmp_path_factory.mktemp("answers")).data


def concepts(*words):
    return [Substitution(word, "", "object") for word in words]


@pytest.mark.parametrize(
    ("said", "answer", "expected"),
    [
        ("red", "red", Status.CORRECT),
        ("RED!", "red", Status.CORRECT),
        ("the shape is red, of course", "red", Status.CORRECT),
        ("Dark red.", "dark red", Status.CORRECT),
        ("dark red", "red", Status.WRONG),
        ("red", "dark red", Status.WRONG),
        ("blue", "red", Status.WRONG),
        ("red or blue", "red", Status.WRONG),
        ("blue or dark red", "dark red", Status.WRONG),
        ("I do not know", "red", Status.REFUSAL),
        ("Sorry, i cannot say whether it is red", "red", Status.REFUSAL),
        ("redder", "red", Status.INVALID),
        ("bored", "red", Status.INVALID),
        ("the the the", "red", Status.INVALID),
        ("", "red", Status.INVALID),
    ],
)
def test_what_an_answer_is_worth(said, answer, expected):
    assert status(said, answer, COLOURS, REFUSALS) == expected


def test_a_caption_is_found_within_a_sentence():
    choices = ("a blue circle", "a red circle")
    assert status("I see A red circle here", "a red circle", choices, REFUSALS) == Status.CORRECT
    assert status("a red", "a red circle", choices, REFUSALS) == Status.INVALID


def test_answers_are_judged_among_those_to_the_same_question(data):
    """'circle' names nothing of what may be answered to 'what colour is it ?'."""
    rows = np.array([0, 1, 2, 6, 3, 0, 6])
    said = ["red", "red", "a blue circle", "circle", "i cannot say", "blue", "it is blue"]
    expected = ["CORRECT", "INVALID", "WRONG", "INVALID", "REFUSAL", "WRONG", "CORRECT"]
    assert [Status(value).name for value in statuses(data, rows, said, REFUSALS)] == expected


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        (["red"], [8, 8, 8, 8, 16]),
        (["RED"], [8, 8, 8, 8, 16]),
        (["a red circle"], [4, 0, 8, 12, 24]),
        (["red", "blue"], [16, 16, 16, 0, 0]),
        (["red", "circle"], [16, 12, 8, 8, 4]),  # the blue squares are neither: their 4 captions are all else
        (["a red"], [0, 8, 16, 0, 24]),  # no whole answer, so that nothing asks for it directly
    ],
)
def test_every_row_is_in_one_cell(data, words, counts):
    rows = np.arange(len(data))
    found = rows_by_cell(data, rows, concepts(*words))
    assert [*found] == ["direct", "indirect", "same_image", "in_domain", "cross_domain"]
    assert [len(part) for part in found.values()] == counts
    assert np.array_equal(np.sort(np.concatenate([*found.values()])), rows)


def test_cells_row_by_row(data):
    """Of a red circle and a blue square, out of order; rows are of the whole data, not of the part."""
    found = rows_by_cell(data, np.array([11, 10, 9, 2, 1, 0]), concepts("red"))
    assert {name: part.tolist() for name, part in found.items()} == {
        "direct": [0],
        "indirect": [2],
        "same_image": [1],
        "in_domain": [9],
        "cross_domain": [11, 10],
    }


def test_answers_that_differ_in_case_alone_are_one():
    assert status("a dog", "dog", ["Dog", "dog", "cat"], []) is Status.CORRECT
