"""Images of concepts: a folder for each, or some labels of a larger set, of whatever sizes."""

import numpy as np
import pytest
from hub_settings import HUB
from PIL import Image

from unlearn_cli.data.concepts import Concepts
from unlearn_cli.data.questions import Question, as_questions
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store

VALUES = HUB | {
    "name": "concepts",
    "val_fraction": 0.0,
    "size": 8,
    "augment": {"crop_padding": 0, "flip": False, "random_resized": False},
}


@pytest.fixture
def load(tmp_path):
    """load(concepts): four pictures each of three concepts, all of other sizes, in a folder for each."""
    for number, concept in enumerate(("cup", "dog", "tennis_ball")):
        (tmp_path / "data" / concept).mkdir(parents=True)
        for place in range(4):
            size = (9 + place, 8 + number)
            Image.new("RGB", size, (80 * number, 20 * place, 0)).save(
                tmp_path / "data" / concept / f"{place}.png"
            )

    def load_images(concepts, **changes):
        settings = Concepts(**VALUES | {"path": str(tmp_path / "data"), "concepts": concepts} | changes)
        return settings.load(None, Store(tmp_path / "store"), Compute("cpu", "fp32", False, False))

    return load_images


def test_a_folder_for_each_concept(load):
    data = load(None)
    assert sorted(set(data.columns["label"])) == ["cup", "dog", "tennis_ball"]
    assert (len(data), data.size, data.channels) == (12, (8, 8), 3)
    assert len(data.test_rows) == 3
    rows = as_questions(data, {"label": Question(ask="what?", answer="{label}")})
    assert rows.classes == ["what? → cup", "what? → dog", "what? → tennis ball"]


def test_some_of_the_labels_alone(load):
    data = load(("dog", "tennis_ball"))
    assert sorted(data.columns["label"]) == ["dog"] * 4 + ["tennis_ball"] * 4
    assert len(data.train_rows) + len(data.test_rows) == len(data) == 8
    for row, label in enumerate(data.columns["label"]):
        assert data.image(row)[0, 0, 0] == {"dog": 80, "tennis_ball": 160}[label]
    assert data.fingerprint != load(None).fingerprint


def test_a_concept_that_is_not_there(load):
    with pytest.raises(InputError, match=r"^data\.concepts: no label 'dgo'; did you mean 'dog'\?"):
        load(("cup", "dgo"))


def test_images_of_differing_sizes_need_one(load):
    with pytest.raises(InputError, match=r"^data\.size: images of differing sizes"):
        load(None, size=None)


def test_grey_pictures_are_told_as_such(load, tmp_path):
    """A model refuses their one channel."""
    for file in (tmp_path / "data").rglob("*.png"):
        Image.fromarray(np.full((9, 9), 7, dtype=np.uint8)).save(file)
    assert load(None).channels == 1
