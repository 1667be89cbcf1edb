"""Weights of one's own that do not fit: one line, which names model.weights or what they lack, and no run."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from unlearn_cli.models.classifiers.resnet_cifar import CifarResNet

KNOWN = ("model.input.mean=[0.3]", "model.input.std=[0.3]")
MINE = ("model.weights=mine.pt", *KNOWN)


def _saved(depth: int = 8, width: int = 8, channels: int = 1, classes: int = 10) -> dict[str, torch.Tensor]:
    return CifarResNet(depth, width, channels, classes).state_dict()


@pytest.fixture(autouse=True)
def files(tmp_path):
    own = _saved()
    for name, content in {
        "mine.pt": {"model": own},
        "seven.pt": _saved(classes=7),
        "deep.pt": _saved(depth=14),
        "lacking.pt": {name: tensor for name, tensor in own.items() if name != "fc.bias"},
        "foreign.pt": own | {"extra.weight": torch.zeros(1)},
        "nan.pt": own | {"fc.bias": torch.full((10,), float("nan"))},
        "meta.pt": {name: tensor.to("meta") for name, tensor in own.items()},
        "sparse.pt": own | {"fc.weight": own["fc.weight"].to_sparse()},
        "complex.pt": own | {"fc.bias": own["fc.bias"].to(torch.complex64)},
        "quantised.pt": own | {"fc.bias": own["fc.bias"].to(torch.int8)},
        "numbers.pt": {0: torch.zeros(1)},
        "criterion.pt": {f"model.{name}": tensor for name, tensor in own.items()}
        | {"criterion.weight": torch.ones(10)},
    }.items():
        torch.save(content, tmp_path / name)
    (tmp_path / "code.pt").write_bytes(pickle.dumps(nn.Linear(1, 1)))
    (tmp_path / "empty.safetensors").touch()
    (tmp_path / "rows.txt").write_text("5000\n")
    (tmp_path / "folder").mkdir()
    for name, config in {
        "of_timm": {"architecture": "test_resnet"},
        "unknown": {"architecture": "no_such_net"},
        "odd": {"architecture": "test_resnet", "model_args": {"act_layer": "no_such_layer"}},
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
        save_file({"conv1.weight": torch.zeros(1)}, tmp_path / name / "model.safetensors")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("model.weights=no.pt",), "model.weights: no such file 'no.pt'"),
        (("model.weights=code.pt", *KNOWN), "model.weights: checkpoint code.pt: refused"),
        (("model.weights=mine.pt",), "model.input.mean: not said in mine.pt; give that of the training's"),
        (("model.weights=mine.pt", KNOWN[0]), "model.input.std: not said in mine.pt"),
        (("model.weights=mine.pt", "model.input.mean=[0,0,0]"), "model.input.mean: 3 values for images of 1"),
        (
            ("model.weights=seven.pt", *KNOWN),
            "model.weights: seven.pt tells 7 classes apart, and the data have 10",
        ),
        (
            ("model.weights=deep.pt", *KNOWN),
            "model.weights: deep.pt is of another architecture: 36 unexpected (first: layer1.1.conv1.weight)",
        ),
        (
            ("model.weights=lacking.pt", *KNOWN),
            "model.weights: lacking.pt is of another architecture: 1 missing (first: fc.bias)",
        ),
        (
            ("model.weights=foreign.pt", *KNOWN),
            "model.weights: foreign.pt is of another architecture: 1 unex",
        ),
        (("model.weights=nan.pt", *KNOWN), "model.weights: the weights are not all finite numbers"),
        (
            ("model.weights=empty.safetensors", *KNOWN),
            "model.weights: checkpoint empty.safetensors: damaged, it is empty",
        ),
        (("model.weights=numbers.pt", *KNOWN), "model.weights: checkpoint numbers.pt: holds no state dict"),
        *(
            (
                (f"model.weights={name}.pt", *KNOWN),
                f"model.weights: {name}.pt is of another architecture: {count} of another kind (first: {one}",
            )
            for name, count, one in (
                ("meta", 56, "conv1.weight has no values"),
                ("sparse", 1, "fc.weight is sparse_coo"),
                ("complex", 1, "fc.bias is complex64"),
                ("quantised", 1, "fc.bias is int8"),
            )
        ),
        (
            ("model.weights=criterion.pt", *KNOWN),
            "model.weights: criterion.pt is of another architecture: 1 unexpected (first: criterion.weight)",
        ),
        ((*MINE, "model.width=16"), "model.weights: mine.pt is of another architecture: "),
        ((*MINE, "model.trained_on=no.txt"), "model.trained_on: no such file 'no.txt'"),
        ((*MINE, "model.trained_on=rows.txt"), "model.trained_on: 'rows.txt': indices out of range"),
        (("model.trained_on=rows.txt",), "model.trained_on: tells of model.weights, and that is not set"),
        (("model.input.resize=16",), "model.input: tells of model.weights, and that is not set"),
        (
            (*MINE, "eval.attacks=[ulira]", "oracle=true"),
            "eval.attacks: model=resnet20 is ready-made, and there is no recipe to train others like it",
        ),
        (
            ("model=transformers", "model.weights=folder"),
            "model.weights: 'folder' has no config.json; give a folder that AutoModelForImageClassification",
        ),
        (("model=transformers",), "model.weights: missing; set model.weights=FOLDER"),
        (
            ("model=timm", "model.weights=folder"),
            "model.weights: folder/config.json: no configuration of timm",
        ),
        (
            ("model=transformers", "model.weights=of_timm"),
            "model.weights: of_timm/config.json is timm's; such",
        ),
        (("model=timm", "model.weights=unknown"), "model.weights: unknown/config.json: timm "),
        (
            ("model=timm", "model.weights=odd", *KNOWN),
            "model.weights: timm cannot build test_resnet for 160x160 images with {'act_layer': 'no_such_l",
        ),
        (
            ("model=torchvision", "model.name=resnet_18"),
            "model.name: torchvision has no classifier 'resnet_18'; did you mean 'resnet18'?",
        ),
    ],
)
def test_it_is_told_in_a_line(refused, arguments, line):
    assert refused(*arguments).startswith(line)
    assert not Path("outputs").exists() or not [*Path("outputs").rglob("*.pt")]
