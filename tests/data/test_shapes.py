"""The built-in world: every caption has its images, and they show what it says."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from unlearn_cli.data.captions import PREPOSITIONS, describe_scene
from unlearn_cli.data.scenes import COLOURS, DOMAINS, PLACEMENTS, SHAPES, TEXTURES, Scene, render
from unlearn_cli.data.shapes import Shapes
from unlearn_cli.errors import InputError
from unlearn_cli.experiment import build
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store

CONF = Path(__file__).parents[2] / "conf" / "data" / "shapes.yaml"
RED_SQUARE = Scene("red", "plain", "square", "centre", "photo")
SMALL = {"colours": ["red", "blue"], "textures": ["plain", "dotted"], "shapes": ["circle", "cross"]}
EVERYTHING = {
    "colours": list(COLOURS),
    "textures": list(TEXTURES),
    "shapes": list(SHAPES),
    "placements": list(PLACEMENTS),
    "domains": list(DOMAINS),
}


def settings(**changes) -> Shapes:
    """The YAML's, with changes."""
    node = yaml.safe_load(CONF.read_text())
    node.pop("defaults")
    return build(node | changes, "data")


@pytest.fixture
def load(tmp_path):
    """load(**changes): the images of the YAML's configuration, with changes."""
    return lambda **changes: settings(**changes).load(
        None, Store(tmp_path), Compute("cpu", "fp32", False, False)
    )


def words(text: str) -> set[str]:
    return set(text.split())


def test_the_yaml_gives_every_caption_its_images(load):
    data = load()
    assert len(data) == 36 * (3 * 16 + 8)
    assert data.tensor.shape == (2016, 3, 16, 16)
    assert data.tensor.dtype == torch.uint8
    assert len(data.classes) == len(set(data.classes)) == 36 * 4
    names, counts = np.unique(data.columns["caption"].astype(str), return_counts=True)
    assert set(names) == set(data.classes)
    outside = set(data.columns["caption"][data.columns["prompts"] == "outside"])
    assert dict(zip(names, counts, strict=True)) == {
        name: 8 if name in outside else 16 for name in data.classes
    }
    assert outside == set(data.classes[-36:])
    assert set(data.columns["template"]) == {"0", "1", "2", "3"}
    assert set(data.columns["template"][data.columns["prompts"] == "outside"]) == {"3"}


def test_a_fifth_of_each_class_is_held_out_and_comes_last(load):
    data = load(**SMALL, images=5, outside_images=10)
    assert data.test_rows.tolist() == list(range(len(data.train_rows), len(data)))
    of_class = np.bincount(data.labels[data.test_rows])
    assert of_class.tolist() == [1] * (8 * 3) + [2] * 8


def test_the_same_seed_draws_the_same_images(load):
    first, again, other = load(**SMALL), load(**SMALL), load(**SMALL, seed=1)
    assert torch.equal(first.tensor, again.tensor)
    assert first.fingerprint == again.fingerprint
    assert (first.columns["caption"] == other.columns["caption"]).all()
    assert not torch.equal(first.tensor, other.tensor)


def test_an_image_depends_on_its_number_and_not_on_the_others():
    other = Scene("blue", "dotted", "ring", "left", "painting")
    assert torch.equal(render([RED_SQUARE] * 2, 16, 7)[1], render([other, RED_SQUARE, other], 16, 7)[1])
    first, second = render([RED_SQUARE] * 2, 16, 7)
    assert not torch.equal(first, second)


def test_captions_inside_name_what_the_columns_say_and_those_outside_never_do(load):
    data = load(**EVERYTHING, images=1, outside_images=1, test_fraction=0.5)
    synonyms = settings().synonyms
    assert set(synonyms) == {name for names in EVERYTHING.values() for name in names}
    for row in range(0, len(data), 7):
        values = {column: data.columns[column][row] for column in Shapes.attributes}
        said = words(data.columns["caption"][row])
        named = set(synonyms) & said
        if data.columns["prompts"][row] == "inside":
            assert named == set(values.values())
        else:
            assert named == set()
            assert all(words(synonyms[name]) <= said for name in values.values())


def test_columns_follow_their_images(load):
    """A square's middle is of its colour wherever the split has put the image."""
    data = load(shapes=["square"], textures=["plain"])
    middle = data.tensor[:, :, 7:9, 7:9].float().mean((2, 3))
    seen = np.array(["red", "green", "blue"])[middle.argmax(1).numpy()]
    assert (seen == data.columns["colour"]).all()


def test_captions_are_english():
    sketch = Scene("red", "plain", "circle", "left", "sketch")
    template = "a {colour} {shape} on a {texture} background"
    assert describe_scene(template, sketch, {}, False, False) == "a red circle on a plain background"
    assert describe_scene(template, sketch, {}, True, True) == (
        "a sketch of a red circle on a plain background on the left"
    )
    synonyms = {"red": "amber", "plain": "empty", "left": "west", "sketch": "etching"}
    assert describe_scene(template, sketch, synonyms, True, True) == (
        "an etching of an amber circle on an empty background on the west"
    )
    assert describe_scene(template, sketch._replace(placement="centre"), {}, True, False).endswith(
        " in the centre"
    )
    assert set(PREPOSITIONS) == set(PLACEMENTS)


def test_an_attribute_can_be_the_class(load):
    data = load(label="colour")
    assert data.classes == ["red", "green", "blue"]
    assert (data.columns["label"] == data.columns["colour"]).all()
    assert np.bincount(data.labels).tolist() == [672] * 3
    assert np.bincount(data.labels[data.test_rows]).tolist() == [134] * 3


@pytest.mark.parametrize("size", [16, 32, 64])
def test_a_red_square_on_plain_ground(size):
    """Half as wide as the image: its corners lie in the ground, its middle is red, its jitter a sixteenth."""
    images = render([RED_SQUARE] * 20, size, 0).double()
    unit = size // 16
    red, green, blue = images[:, :, size // 2, size // 2].T
    assert (red > 180).all()
    assert (torch.maximum(green, blue) < 60).all()
    corner = images[:, :, : 2 * unit, : 2 * unit]
    assert (corner.std((1, 2, 3)) < 6).all()
    assert (corner.mean((1, 2, 3)) - 200).abs().max() < 200 * 0.06 + 5
    is_red = images[:, 0] - images[:, 1] > 100
    assert (is_red.sum((1, 2)) == (8 * unit) ** 2).all()
    middle = is_red.any(1).double().argmax(1) + 4 * unit
    assert set(middle.tolist()) == {7 * unit, 8 * unit, 9 * unit}


def test_a_placement_moves_the_shape():
    centres = {}
    for name in PLACEMENTS:
        images = render([RED_SQUARE._replace(placement=name)] * 30, 16, 0).double()
        _, y, x = torch.where(images[:, 0] - images[:, 1] > 100)
        centres[name] = x.double().mean().item() + 0.5, y.double().mean().item() + 0.5
    assert centres["centre"] == pytest.approx((8, 8), abs=0.5)
    assert centres["left"][0] < 5 < 11 < centres["right"][0]
    assert centres["top"][1] < 5 < 11 < centres["bottom"][1]


def test_stripes_alternate_every_two_pixels():
    (row,) = render([RED_SQUARE._replace(texture="striped")], 16, 0)[:, :, 0].double().mean(1)
    dark = row < 130
    assert dark.sum() == 8
    assert (dark[2:] != dark[:-2]).all()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"colours": ["red", "pinkish"]}, "data.colours: no 'pinkish'; there is red, green, blue"),
        ({"shapes": ["star"]}, "data.shapes: no 'star'; there is circle, square"),
        ({"textures": ["plain", "plain"]}, "data.textures: [plain, plain] names one twice"),
        ({"domains": []}, "data.domains: "),
        ({"templates": ["a {color} {shape}"]}, "data.templates: value error, no field {color}; there is"),
        ({"templates": ["a {colour} {shape}"]}, "'a red circle' is the caption of two"),
        ({"synonyms": {"crimson": "red"}}, "data.synonyms: nothing is called 'crimson'"),
        ({"synonyms": {"red": "warm", "blue": "warm"}}, "is the caption of two"),
        ({"label": "placement"}, "data.label: there is one placement alone"),
    ],
)
def test_what_will_not_do_is_told_in_one_line(changes, told):
    with pytest.raises(InputError) as error:
        settings(**changes)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
