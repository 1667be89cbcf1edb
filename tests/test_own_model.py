"""A model of one's own need not offer what some methods ask for: these are refused before any training."""

import sys
from types import SimpleNamespace

import pytest
from torch import nn

from unlearn_cli.errors import InputError
from unlearn_cli.experiment import check_model
from unlearn_cli.methods.clip.adu import ADU
from unlearn_cli.methods.diffusion.esd import ESD
from unlearn_cli.methods.diffusion.uce import UCE
from unlearn_cli.methods.vlm.sauce import Sauce

MODEL = '''
"""Two layers, without more."""

from torch import nn

from unlearn_cli.models.base import ModelSettings


class Plain(nn.Sequential):
    pass


class Layered(Plain):
    def weight_layers(self):
        return [["1.weight", "1.bias"], ["3.weight", "3.bias"]]


class Mine(ModelSettings):
    depth: int
    width: int
    layered: bool

    def build(self, images):
        kind = Layered if self.layered else Plain
        pixels = images.channels * images.size[0] * images.size[1]
        first, last = nn.Linear(pixels, self.width), nn.Linear(self.width, len(images.classes))
        return kind(nn.Flatten(), first, nn.ReLU(), last)
'''
YAML = """\
# unlearn model=mine
# Two layers of one's own
_target_: my_model.Mine
depth: 2
width: 8
layered: false
"""
HEAD = "head: Linear, widen_head(extra: int) -> None, narrow_head(classes: int) -> None"
LAYERS = "weight_layers() -> list[list[str]]"


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The arguments that choose it."""
    folder = tmp_path / "own"
    (folder / "model").mkdir(parents=True)
    (folder / "my_model.py").write_text(MODEL)
    (folder / "model" / "mine.yaml").write_text(YAML)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "my_model", raising=False)  # another test's
    return f"--config-dir={folder}", "model=mine"


@pytest.mark.parametrize(
    ("arguments", "key", "name", "offer"),
    [
        (("method=be",), "method", "be", HEAD),
        (("method=cf_k",), "method", "cf_k", LAYERS),
        (("method=eu_k",), "method", "eu_k", LAYERS),
        (
            ("method=ga", "forget=worst_case", "lower@forget.lower=be", "forget.fraction=0.2"),
            *("lower@forget.lower", "be", HEAD),
        ),
    ],
    ids=["be", "cf_k", "eu_k", "lower"],
)
def test_a_method_that_asks_for_more_is_refused_before_anything_is_trained(
    refused, mine, arguments, key, name, offer
):
    assert refused(*mine, *arguments) == (
        f"{key}: '{name}' does not fit model=mine; for it the class my_model.Plain must offer {offer}"
    )


@pytest.mark.parametrize("arguments", [("method=ga",), ("method=cf_k", "method.k=1", "model.layered=true")])
def test_a_method_that_asks_for_no_more_runs(tiny, mine, arguments):
    assert tiny(*mine, *arguments, "method.epochs=1", "oracle=false").code == 0


@pytest.mark.parametrize(
    ("kind", "offer"),
    [
        (UCE, "null: int, number(prompts: "),
        (ESD, "unconditional: bool, guided("),
        (Sauce, "vision_layer: str, projector: str, leading(layer: str) -> int, "),
        (ADU, "adapter: Module, "),
    ],
)
def test_prompts_guidance_activations_and_adapters_are_asked_for_alike(kind, offer):
    chosen = SimpleNamespace(
        method=SimpleNamespace(needs_model=kind.needs_model),
        forget=SimpleNamespace(trains=False),
        choices={"method": "it", "model": "mine"},
    )
    with pytest.raises(
        InputError, match=r"^method: 'it' does not fit model=mine; for it the class "
    ) as found:
        check_model(chosen, nn.Identity())
    assert all(part in str(found.value) for part in offer.split(", ") if part)
    assert "\n" not in str(found.value)
