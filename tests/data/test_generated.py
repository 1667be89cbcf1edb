"""Images that a pipeline draws itself: which, how many, once."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tiny_pipeline import SIZE, VALUES, built, saved

from unlearn_cli.config.settings import build
from unlearn_cli.data.generated import Generated
from unlearn_cli.data.splits import divide, split
from unlearn_cli.errors import InputError
from unlearn_cli.forget.concept import Concept
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store

CONF = Path(__file__).parents[2] / "conf"
CPU = Compute("cpu", "fp32", False, False)
CONCEPT = {"concept": "parachute", "anchor": "airplane", "kind": "object"}
PROMPTS = ["a photo of the {anchor}", "the {anchor} over hills"]
RETAIN = ["a dog", "a red car"]
SAMPLER = {"steps": 2, "eta": 1.0, "guidance": 5.0, "batch_size": 8, "seed": 0}
SMALL = {"images": 4, "size": SIZE, "test_fraction": 0.25, "sampler": SAMPLER}


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = saved(tmp_path_factory.mktemp("pipelines") / "pipe")
    return {"_target_": "unlearn_cli.models.diffusion.pipeline.Pipeline", "path": str(folder)} | VALUES


@pytest.fixture
def settings(node):
    """settings(**changes): the YAML's with a small pipeline and few prompts, changed."""

    def make(**changes) -> Generated:
        values = yaml.safe_load((CONF / "data" / "generated.yaml").read_text())
        values.pop("defaults")
        small = {"pipeline": node, "prompts": PROMPTS, "retain": RETAIN, **CONCEPT, **SMALL}
        return build(values | small | changes, "data")

    return make


@pytest.fixture
def load(settings, tmp_path):
    """load(store=…, **changes): the images."""
    return lambda store="store", **changes: settings(**changes).load(None, Store(tmp_path / store), CPU)


@pytest.fixture
def draws(monkeypatch):
    """The batches that were drawn, as lists of prompt numbers; `stop_at`, a number of batches, kills it."""
    sample = Sampler.sample

    class Draws(list):
        stop_at = None

        def of(self, sampler, model, noise, labels, compute):
            if len(self) == self.stop_at:
                raise KeyboardInterrupt
            self.append(labels.tolist())
            return sample(sampler, model, noise, labels, compute)

    batches = Draws()
    monkeypatch.setattr(Sampler, "sample", lambda *arguments: batches.of(*arguments))
    return batches


def test_every_prompt_has_its_images(load):
    data = load()
    assert data.tensor.shape == (6 * 4, 3, SIZE, SIZE)
    assert data.tensor.dtype == torch.uint8
    assert Counter(data.columns["caption"]) == dict.fromkeys(data.classes, 4)
    assert dict(zip(data.columns["caption"], data.columns["role"], strict=True)) == {
        "a dog": "retain",
        "a red car": "retain",
        "a photo of the airplane": "anchor",
        "a photo of the parachute": "concept",
        "the airplane over hills": "anchor",
        "the parachute over hills": "concept",
    }
    assert set(data.columns["prompts"]) == {"inside"}
    assert data.columns["label"].tolist() == data.columns["caption"].tolist()
    assert np.bincount(data.labels[data.test_rows]).tolist() == [1] * 6


def test_images_are_those_of_their_prompts(load, node, tmp_path):
    """As the model draws them for the prompts' numbers, wherever the split has put them."""
    data = load()
    model = built(node["path"], data.classes)
    numbers = torch.arange(6).repeat_interleave(4)
    drawn = Sampler(**SAMPLER).draw(model, numbers, (4, 8, 8), CPU, tmp_path)
    for number in range(6):
        found = data.tensor[np.flatnonzero(data.labels == number)]
        assert {bytes(image.numpy()) for image in found} == {
            bytes(i.numpy()) for i in drawn[numbers == number]
        }


def test_a_second_load_draws_nothing(load, draws):
    first = load()
    assert [len(batch) for batch in draws] == [8, 8, 8]
    assert torch.equal(load().tensor, first.tensor)
    load(split_seed=1, val_fraction=0.5)  # the images do not depend on how they are split
    assert len(draws) == 3
    load(sampler=SAMPLER | {"seed": 1})
    assert len(draws) == 6


def test_a_killed_draw_goes_on(load, draws, tmp_path):
    whole, batches = load(), draws.copy()
    draws.clear()
    draws.stop_at = 2
    with pytest.raises(KeyboardInterrupt):
        load(store="other")
    draws.stop_at = None
    resumed = load(store="other")
    assert draws == batches  # two before the kill, one after
    assert torch.equal(resumed.tensor, whole.tensor)
    assert not list(tmp_path.rglob("*.resume.*"))


def test_a_concept_is_found_in_them_with_its_anchor(load):
    data = load()
    splits = split(data, 0.0, 0)
    chosen = Concept(**CONCEPT).select(data, splits)
    sets = divide(splits, chosen, data)
    assert set(data.columns["role"][sets.forget]) == {"concept"}
    pairs = zip(data.columns["caption"][sets.forget], data.columns["caption"][sets.anchors], strict=True)
    assert set(pairs) == {
        ("a photo of the parachute", "a photo of the airplane"),
        ("the parachute over hills", "the airplane over hills"),
    }
    assert set(data.columns["role"][sets.retain]) == {"anchor", "retain"}


def test_a_style_is_appended_to_plain_pictures(settings):
    style = {"concept": "Van Gogh", "anchor": "painting", "kind": "style"}
    assert settings(**style, prompts=["a {anchor} of hills", "a dog"], retain=[]).roles() == {
        "a painting of hills": "anchor",
        "a painting of hills in the style of Van Gogh": "concept",
        "a dog": "anchor",
        "a dog in the style of Van Gogh": "concept",
    }


def test_several_concepts_share_the_anchors_prompts(settings):
    several = {"concept": ["parachute", "balloon"], "anchor": ["airplane"]}
    roles = settings(**several, prompts=["an airplane"], retain=["a dog"]).roles()
    assert roles == {
        "a dog": "retain",
        "an airplane": "anchor",
        "an parachute": "concept",
        "an balloon": "concept",
    }


def test_prompts_of_a_file(settings, tmp_path, caplog):
    file = tmp_path / "prompts.txt"
    file.write_text("the {anchor} over hills\n\n   \n an airplane \n")
    with caplog.at_level(logging.INFO, "unlearn"):
        made = [[one.text for one in settings(prompts=str(file)).prompts] for _ in range(2)]
    assert made == [["the {anchor} over hills", "an airplane"]] * 2
    assert [r.getMessage() for r in caplog.records] == [f"data.prompts: 2 empty lines of {file} skipped"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"prompts": ["a dog"]},
            r"data\.prompts: 'a dog' does not name the anchor 'airplane', so the concept",
        ),
        ({"prompts": ["airplanes"]}, r"data\.prompts: 'airplanes' does not name"),  # words, not substrings
        ({"retain": ["one Parachute"]}, r"data\.retain: 'one Parachute' names 'parachute', which is to be"),
        (
            {"kind": "style", "prompts": ["the parachute"]},
            r"data\.prompts: 'the parachute' names 'parachute', which is to be forgotten",
        ),
        ({"prompts": ["the {anchor}", " "]}, r"data\.prompts: an empty prompt"),
        ({"prompts": []}, r"data\.prompts: list should have at least 1 item"),
        ({"prompts": "nowhere.txt"}, r"data\.prompts: 'nowhere\.txt' cannot be read"),
        (
            {"pipeline": {"_target_": "unlearn_cli.models.diffusion.unet.Nothing"}},
            r"model\._target_: cannot import",
        ),
        (
            {"sampler": SAMPLER | {"steps": 3}},
            r"data\.sampler\.steps: 3 does not divide model\.timesteps=1000; 2 does",
        ),
    ],
)
def test_what_will_not_do_is_told_in_one_line(load, changes, told):
    with pytest.raises(InputError, match=f"^{told}") as error:
        load(**changes)
    assert "\n" not in str(error.value)


def test_a_concept_that_the_text_encoder_does_not_read_is_told_before_anything_is_drawn(load, draws):
    prompt = f"{'a photo of the hills ' * 4}with {{anchor}}"
    with pytest.raises(
        InputError, match=r"^forget: 'a photo .* with parachute' is to be forgotten and '.*with airp"
    ):
        load(prompts=[prompt])
    assert not draws


def test_seed_and_guidance_of_a_prompt_are_its_own(load, node, tmp_path):
    """As everybody draws it who has the file: successive draws from the seed, at the scale."""
    file = tmp_path / "i2p.csv"
    file.write_text("prompt,evaluation_seed,evaluation_guidance\na dog,7,3.0\na red car,,\n")
    plain, data = load(), load(retain=str(file))
    assert data.columns.keys() - plain.columns.keys() == {"own_seed", "own_guidance"}
    assert plain.columns["caption"].tolist() == data.columns["caption"].tolist()
    others = torch.from_numpy(~np.isin(data.columns["caption"], RETAIN))
    assert torch.equal(plain.tensor[others], data.tensor[others])
    model = built(Path(node["path"]), ["a dog"])
    noise = torch.randn(4, 4, 8, 8, generator=torch.manual_seed(7))
    sampler = Sampler(**SAMPLER | {"eta": 0.0, "guidance": 2.0})
    expected = (
        (255 * sampler.sample(model, noise, torch.zeros(4, dtype=torch.long), CPU)).round().to(torch.uint8)
    )
    still = load(store="still", retain=str(file), sampler=SAMPLER | {"eta": 0.0})
    found = still.tensor[np.flatnonzero(still.columns["caption"] == "a dog")]
    assert {tuple(image.flatten().tolist()) for image in found} == {
        tuple(image.flatten().tolist()) for image in expected
    }


def test_an_empty_file_is_told(settings, tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(
        InputError, match=r"^data\.retain: '.*empty\.txt' is empty; give a list, or a file: text"
    ):
        settings(retain=str(tmp_path / "empty.txt"))


def test_only_a_ready_made_model_draws(settings):
    values = yaml.safe_load((CONF / "model" / "tiny_sd.yaml").read_text())
    with pytest.raises(
        InputError, match=r"^data: the images of data=generated are drawn by a ready-made model"
    ):
        settings(pipeline=values)


def test_a_prompts_value_of_a_column_is_the_name_in_it(load, draws):
    """Words, not substrings; the longer of two names; nothing where it names none. No image is redrawn."""
    load(prompts=["the {anchor} over a golf ball"], retain=["a ball", "a footballer", "one Dog"])
    before = len(draws)
    data = load(
        prompts=["the {anchor} over a golf ball"],
        retain=["a ball", "a footballer", "one Dog"],
        columns={"thing": ["ball", "golf ball", "dog"], "craft": ["parachute", "airplane"]},
    )
    assert len(draws) == before
    captions = zip(data.columns["caption"], data.columns["thing"], data.columns["craft"], strict=True)
    assert set(captions) == {
        ("a ball", "ball", ""),
        ("a footballer", "", ""),
        ("one Dog", "dog", ""),
        ("the airplane over a golf ball", "golf ball", "airplane"),
        ("the parachute over a golf ball", "golf ball", "parachute"),
    }


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"thing": ["red", "car"]}, r"data\.columns\.thing: 'a red car' names both 'red' and 'car'"),
        ({"role": ["dog"]}, r"data\.columns: 'role' is there already"),
    ],
)
def test_columns_that_will_not_do(load, columns, told):
    with pytest.raises(InputError, match=f"^{told}"):
        load(columns=columns)
