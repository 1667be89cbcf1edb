"""Rows of (image, question): what they hold, how they are split, and questions that cannot be asked."""

import numpy as np
import pytest
import torch

from unlearn_cli.config.settings import checked
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.questions import SEPARATOR, Question, as_questions
from unlearn_cli.data.splits import split
from unlearn_cli.errors import InputError

COLOUR = Question(ask="what colour?", answer="{colour}")
BOTH = Question(ask="what is the {label} like?", answer="a {colour} {label}")
QUESTIONS = {"colour": COLOUR, "both": BOTH}


@pytest.fixture
def images():
    """Image i of 12 has pixels of value i; every image changes its colour, every other its class."""
    return Resident.of(
        torch.arange(12, dtype=torch.uint8)[:, None, None, None].expand(12, 3, 2, 2).contiguous(),
        np.arange(12) // 2 % 2,
        name="things",
        classes=["tennis_ball", "cup"],
        train_rows=np.arange(8),
        test_rows=np.arange(8, 12),
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
        columns={"colour": np.array(["red", "blue"], dtype=object)[np.arange(12) % 2]},
    )


def test_every_image_is_asked_every_question(images):
    data = as_questions(images, QUESTIONS)
    assert len(data) == 24
    assert data.columns["asks"][:4].tolist() == ["colour", "both"] * 2
    assert data.columns["question"][4:6].tolist() == ["what colour?", "what is the cup like?"]
    assert data.columns["answer"][:4].tolist() == ["red", "a red tennis ball", "blue", "a blue tennis ball"]
    assert data.columns["image"].tolist() == [i for i in range(12) for _ in range(2)]
    assert data.columns["class"][:6].tolist() == ["tennis_ball"] * 4 + ["cup"] * 2
    assert data.train_rows.tolist() == list(range(16))
    assert data.test_rows.tolist() == list(range(16, 24))


def test_a_class_is_a_question_with_its_answer(images):
    data = as_questions(images, QUESTIONS)
    assert len(data.classes) == 2 + 4
    for row in range(24):
        pair = f"{data.columns['question'][row]}{SEPARATOR}{data.columns['answer'][row]}"
        assert data.classes[data.labels[row]] == pair


def test_pixels_are_those_of_the_rows_image(images):
    data = as_questions(images, QUESTIONS)
    (batch,) = data.batches([np.array([23, 0, 5, 4])])
    assert batch.x[:, 0, 0, 0].tolist() == [11, 0, 2, 2]
    assert [data.classes[y] for y in batch.y] == [data.classes[data.labels[row]] for row in (23, 0, 5, 4)]


def test_the_questions_of_an_image_stay_together(images):
    splits = split(as_questions(images, QUESTIONS), 0.25, seed=0)
    assert len(splits.val) == 4
    for rows in (splits.train, splits.val):
        assert set(rows) == {2 * i + n for i in rows // 2 for n in range(2)}
    assert not set(splits.train) & set(splits.val)


def test_other_questions_are_other_data(images):
    found = {
        as_questions(images, questions).fingerprint
        for questions in (QUESTIONS, {"colour": COLOUR}, {"colour": Question(ask="and?", answer="{colour}")})
    }
    assert len(found) == 3
    assert as_questions(images, QUESTIONS).fingerprint in found


@pytest.mark.parametrize(
    ("questions", "told"),
    [
        ({}, r"^task\.questions: none; give at least one"),
        (
            {"a": Question(ask="what?", answer="{color}")},
            r"^task\.questions\.a\.answer: no column 'color'; did you mean 'colour'\?",
        ),
        (
            {"a": Question(ask="what {shape}?", answer="{colour}")},
            r"^task\.questions\.a\.ask: no column 'shape'; there is label, colour",
        ),
        ({"a": Question(ask="what?", answer="this")}, r"^task\.questions: all images have one answer"),
        ({"a": Question(ask="this → that?", answer="{colour}")}, r"^task\.questions: .* has ' → ' beside"),
    ],
)
def test_questions_that_cannot_be_asked(images, questions, told):
    with pytest.raises(InputError, match=told):
        as_questions(images, questions)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"ask": "", "answer": "{colour}"}, "q.ask: string should have at least 1 character"),
        ({"ask": "what?", "answer": "{colour"}, "q.answer: value error, expected '}' before end of string"),
        (
            {"ask": "what?", "answer": "{colour:>9}"},
            "q.answer: value error, give no more than a column's name",
        ),
        ({"ask": "what?"}, "q.answer: missing; set q.answer="),
        ({"ask": "what?", "anser": "x", "answer": "y"}, "q.anser: no such key; did you mean 'answer'?"),
    ],
)
def test_a_question_that_is_none(values, told):
    with pytest.raises(InputError) as error:
        checked(Question, values, "q")
    assert told in str(error.value)
