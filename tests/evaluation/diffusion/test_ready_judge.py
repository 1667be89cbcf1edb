"""Judges from a folder: which label is which value, and what the others are taken for."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_pipeline import rewrite
from tiny_vision import saved_classifier
from transformers import AutoImageProcessor, AutoModelForImageClassification

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.diffusion.prompts import Axis, PromptSet, unlearn_canvas
from unlearn_cli.evaluation.diffusion.ready_judge import ReadyJudge, labels_by_name
from unlearn_cli.evaluation.judge import as_floats, judge_outputs

LABELS = ["church, church building", "crane", "French horn, horn", "crane", "Van_Gogh"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved_classifier(tmp_path_factory.mktemp("judges") / "judge", LABELS)


def origins(*values):
    """A run whose judged column has these values, '' for prompts that ask for none."""
    data = SimpleNamespace(classes=list(values))
    return SimpleNamespace(data=data, compute=SimpleNamespace(device=torch.device("cpu")))


@pytest.fixture
def images():
    return torch.randint(
        0, 256, (40, 3, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


@pytest.fixture
def by_hand(folder, images):
    """(n, 5) logits of the classifier itself."""
    processor = AutoImageProcessor.from_pretrained(folder)
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
    with torch.no_grad():
        model = AutoModelForImageClassification.from_pretrained(folder).eval()
        return model(**processor(pictures, return_tensors="pt")).logits


def test_names_and_synonyms_of_labels():
    assert labels_by_name(dict(enumerate(LABELS))) == {
        "church, church building": [0],
        "church": [0],
        "church building": [0],
        "crane": [1, 3],
        "french horn, horn": [2],
        "french horn": [2],
        "horn": [2],
        "van gogh": [4],
    }


def test_a_value_has_its_labels_logits_and_the_others_are_one_more(folder, images, by_hand):
    judge = ReadyJudge(path=str(folder))
    network, _ = judge.get(origins("", "Church", "crane"))
    found = judge_outputs(network, as_floats(images, torch.device("cpu")))
    expected = [by_hand[:, 0], by_hand[:, [1, 3]].amax(1), by_hand[:, [2, 4]].amax(1)]
    torch.testing.assert_close(found["logits"], torch.stack(expected, dim=1))
    assert found["features"].shape == (40, 12)
    head = torch.nn.functional.linear(found["features"], network.head.weight, network.head.bias)
    torch.testing.assert_close(head, by_hand)


def test_nothing_else_where_every_label_is_a_value(folder, images):
    network, _ = ReadyJudge(path=str(folder)).get(origins("church", "crane", "horn", "van gogh"))
    assert network(images[:3] / 255).shape == (3, 4)


def test_its_key_tells_weights_and_values_apart(folder, tmp_path):
    judge = ReadyJudge(path=str(folder))
    keys = {judge.get(origins(*values))[1] for values in (("crane",), ("crane", "horn"), ("", "crane"))}
    assert len(keys) == 2
    other = ReadyJudge(path=str(saved_classifier(tmp_path, ["crane", "horn"])))
    assert other.get(origins("crane"))[1] not in keys
    assert judge.made(origins("crane"))


def test_weights_that_lack_a_tensor_are_refused_and_looked_at_again(tmp_path):
    """transformers would draw a head at random."""
    folder = saved_classifier(tmp_path / "judge", LABELS)
    judge = ReadyJudge(path=str(folder))
    judge.check(origins("crane"))
    rewrite(folder, lambda tensors: tensors.pop(sorted(tensors)[0]))
    with pytest.raises(InputError, match=r"^eval\.judges: the weights of '.*judge' lack 1 tensors"):
        judge.check(origins("crane"))
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"^eval\.judges: '.*judge' cannot be opened"):
        judge.check(origins("crane"))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (None, "crame", r"eval\.judges: no label of '.*' named 'crame'; did you mean 'crane'\?"),
        ("no/where", "crane", r"eval\.judges: 'no/where' cannot be opened"),
        ("/no/where", "crane", r"eval\.judges: '/no/where' cannot be opened"),
    ],
)
def test_what_will_not_do_is_told_in_one_line(folder, path, value, told):
    with pytest.raises(InputError, match=f"^{told}") as error:
        ReadyJudge(path=path or str(folder)).check(origins(value))
    assert "\n" not in str(error.value)


def test_prompts_that_ask_for_nothing_of_a_column_count_elsewhere():
    """Two columns; the third prompt asks for no style, the last for no object, and a judge may see a value
    that none has (2)."""
    style = Axis("style", ["monet", "van gogh"], np.array([1, 0, -1, 0]), (1,))
    thing = Axis("object", ["dog", "cat"], np.array([0, 0, 1, -1]), ())
    prompts = PromptSet(list("abcd"), np.ones(4, dtype=bool), style.requests_forgotten, [style, thing])
    sights = {"style": np.array([[2, 0, 0, 1]]), "object": np.array([[0, 2, 1, 1]])}
    found = unlearn_canvas(prompts, sights, np.ones(4, dtype=bool))
    assert found == pytest.approx({"UA": 100.0, "IRA": 50.0, "CRA": 200 / 3})
    nothing = unlearn_canvas(prompts, sights, np.array([False, False, True, False]))
    assert nothing == {"CRA": 100.0}
