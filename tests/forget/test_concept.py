"""Rows of a concept, their anchors, and the rows withheld."""

import numpy as np
import pytest
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import divide, split
from unlearn_cli.errors import InputError
from unlearn_cli.experiment import checked
from unlearn_cli.forget.concept import Concept

CAPTIONS = [
    ("a red dot", "red", "inside"),
    ("a blue dot", "blue", "inside"),
    ("a red ring", "red", "inside"),
    ("a blue ring", "blue", "inside"),
    ("a crimson dot", "red", "outside"),
    ("an azure dot", "blue", "outside"),
]


@pytest.fixture
def world():
    """Three images of each caption."""
    captions, colours, prompts = (
        np.repeat(np.array(c, dtype=object), 3) for c in zip(*CAPTIONS, strict=True)
    )
    names = [caption for caption, *_ in CAPTIONS]
    return Resident.of(
        torch.randint(0, 256, (18, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)),
        np.repeat(np.arange(6), 3),
        name="world",
        classes=names,
        train_rows=np.arange(18),
        test_rows=np.arange(0),
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
        columns={"caption": captions, "colour": colours, "prompts": prompts},
    )


def concept(**changes) -> Concept:
    return checked(Concept, {"concept": "red", "anchor": "blue", "kind": "object"} | changes, "forget")


def chosen(world, **changes):
    splits = split(world, 0.0, 0)
    found = concept(**changes).select(world, splits)
    return found, divide(splits, found, world)


def test_rows_their_anchors_and_what_is_withheld(world):
    found, sets = chosen(world)
    assert found.rows.tolist() == [0, 1, 2, 6, 7, 8]
    captions = world.columns["caption"]
    assert captions[found.anchors].tolist() == ["a blue dot"] * 3 + ["a blue ring"] * 3
    assert found.withheld_rows.tolist() == [12, 13, 14]  # "a crimson dot" shows red without naming it
    assert sets.retain.tolist() == [3, 4, 5, 9, 10, 11, 15, 16, 17]
    assert sets.classes == (0, 2, 4)


def test_each_row_has_the_prompt_that_shall_take_its_place(world):
    _, sets = chosen(world)
    assert sets.anchor_labels(world.labels).tolist() == [1] * 6 + [3] * 6 + [4] * 3 + [5] * 3


def test_several_concepts_each_with_its_anchor(world):
    found, _ = chosen(world, concept=["red", "dot"], anchor=["blue", "ring"])
    captions = world.columns["caption"]
    assert sorted(set(captions[found.rows])) == ["a blue dot", "a red dot", "a red ring"]
    assert set(captions[found.anchors]) == {"a blue ring"}


def test_the_fingerprint_covers_anchors_and_withheld_rows(world):
    colours, _ = chosen(world)
    world.columns["colour"][12:15] = "rose"
    other, _ = chosen(world)
    assert colours.rows.tolist() == other.rows.tolist()
    assert colours.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"anchor": "Red"}, "forget.anchor: 'Red' is the concept itself"),
        ({"anchor": ""}, "forget.concept, forget.anchor: an empty word"),
        (
            {"concept": ["red", "dot", "ring"], "anchor": ["a", "b"]},
            "forget.anchor: 2 anchors for 3 concepts",
        ),
        ({"concept": ["red", "blue"], "anchor": ["blue", "red"]}, "is to be forgotten too"),
        ({"concept": "green"}, "forget.concept: no caption of world names 'green'"),
        (
            {"anchor": "green"},
            "forget.anchor: 'green' in place of 'red' makes 'a green dot', which world does not",
        ),
    ],
)
def test_what_is_refused(world, changes, error):
    with pytest.raises(InputError) as refused:
        chosen(world, **changes)
    assert error in str(refused.value)
    assert "\n" not in str(refused.value)


def test_data_without_captions_are_refused(toy):
    with pytest.raises(InputError, match="forget: toy has no captions"):
        concept().select(toy, split(toy, 0.0, 0))
