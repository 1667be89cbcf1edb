"""What is forgotten: rows whose answer names the concept, as whole words; their images' other rows stay."""

import numpy as np
import pytest
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.questions import Question, as_questions
from unlearn_cli.data.rows import digest
from unlearn_cli.data.splits import Splits, divide
from unlearn_cli.errors import InputError
from unlearn_cli.forget.answer import Answer

NAMES = ["red cat", "infrared cat", "blue tennis ball", "red tennis ball"]
QUESTIONS = {
    "what": Question(ask="what is it?", answer="{thing}"),
    "caption": Question(ask="describe it", answer="A {label} on a table"),
}


@pytest.fixture
def data():
    """Image i of 12 is of kind i % 4; rows 2i and 2i + 1 ask what it is and for a caption."""
    images = Resident.of(
        torch.zeros(12, 3, 1, 1, dtype=torch.uint8),
        np.arange(12) % 4,
        name="things",
        classes=NAMES,
        train_rows=np.arange(8),
        test_rows=np.arange(8, 12),
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
        columns={
            "thing": np.array([name.split(" ", 1)[1] for name in NAMES], dtype=object)[np.arange(12) % 4]
        },
    )
    return as_questions(images, QUESTIONS)


@pytest.fixture
def splits(data):
    """Images 0 to 3 to train on, 4 to 7 for validation, 8 to 11 for the test."""
    train, val, test = np.arange(8), np.arange(8, 16), np.arange(16, 24)
    return Splits(train, val, test, 0, digest(train, val, test))


@pytest.mark.parametrize(
    ("concept", "rows"),
    [
        ("red", [1, 7]),  # captions of images 0 and 3; not infrared
        ("Red", [1, 7]),
        ("cat", [0, 1, 2, 3]),
        ("tennis ball", [4, 5, 6, 7]),
        (["infrared", "blue"], [3, 5]),
        ("table", [1, 3, 5, 7]),
    ],
)
def test_answers_that_name_the_concept(data, splits, concept, rows):
    found = Answer(concept=concept).select(data, splits)
    assert found.rows.tolist() == rows
    assert found.forgotten_outside_training.tolist() == [row + 8 for row in rows] + [row + 16 for row in rows]
    assert [one.concept for one in found.concepts] == ([concept] if isinstance(concept, str) else concept)


def test_the_sets_that_methods_and_evaluation_see(data, splits):
    sets = divide(splits, Answer(concept="red").select(data, splits), data)
    assert sets.forget.tolist() == [1, 7]
    assert sets.retain.tolist() == [0, 2, 3, 4, 5, 6]
    assert sets.val_forgotten.tolist() == [9, 15]
    assert sets.test_forgotten.tolist() == [17, 23]


@pytest.mark.parametrize(
    ("concept", "told"),
    [
        ("rad", r"^forget\.concept: no answer with 'rad'; did you mean 'red'\?"),
        ("tenis ball", r"^forget\.concept: no answer with 'tenis ball'; did you mean 'tennis ball'\?"),
        ("xylophone", r"^forget\.concept: no answer with 'xylophone'; there is A, a, ball, "),
        (["red", "xylophone"], "no answer with 'xylophone'"),
    ],
)
def test_a_concept_that_no_answer_names(data, splits, concept, told):
    with pytest.raises(InputError, match=told):
        Answer(concept=concept).select(data, splits)


def test_a_concept_that_is_held_out_alone(data):
    train, val, test = np.arange(4), np.arange(4, 16), np.arange(16, 24)
    splits = Splits(train, val, test, 0, digest(train, val, test))
    with pytest.raises(InputError, match=r"^forget\.concept: 'blue' is in no answer of the training rows"):
        Answer(concept="blue").select(data, splits)


def test_data_without_questions(data, splits):
    with pytest.raises(InputError, match=r"^forget: things asks no questions; forget=answer is for task=vlm"):
        Answer(concept="red").select(data.images, splits)


def test_all_answers_are_none_to_retain(data, splits):
    with pytest.raises(InputError, match=r"^forget"):
        Answer(concept=["table", "cat", "ball"]).select(data, splits)
