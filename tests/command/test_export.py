"""`unlearn export`: the model of a run as other libraries read it."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

import unlearn_cli as unlearn_api
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.classifiers.exported import FORMATS
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNet
from unlearn_cli.models.exported import export

SPEC = ImageSpec(["a", "b"], 1, (16, 16), (0.4,), (0.2,))
X = torch.rand(3, 1, 16, 16)


@pytest.fixture
def small():
    torch.manual_seed(0)
    return Normalised(CifarResNet(8, 4, 1, 2), SPEC.mean, SPEC.std).eval()


@pytest.fixture
def of_timm():
    torch.manual_seed(0)
    return Normalised(timm.create_model("test_resnet", num_classes=2, in_chans=1), SPEC.mean, SPEC.std).eval()


def test_torch(small, tmp_path):
    place = export(small, "torch", FORMATS, tmp_path / "mine", SPEC)
    again, told = CifarResNet(8, 4, 1, 2).eval(), json.loads(place.with_suffix(".json").read_text())
    again.load_state_dict(torch.load(place, weights_only=True))
    assert told["classes"] == ["a", "b"]
    assert torch.equal(again((X - told["mean"][0]) / told["std"][0]), small(X))


def test_timm(of_timm, tmp_path):
    place = export(of_timm, "timm", FORMATS, tmp_path / "mine", SPEC)
    again = timm.create_model(f"local-dir:{place}", pretrained=True).eval()
    config = timm.data.resolve_model_data_config(again)
    assert config["input_size"] == (1, 16, 16)
    assert torch.equal(again((X - config["mean"][0]) / config["std"][0]), of_timm(X))


def test_onnx_needs_its_package(small, tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_cli.models.classifiers.exported.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^export: --to onnx needs the package onnx, which"):
        export(small, "onnx", FORMATS, tmp_path / "mine", SPEC)


@pytest.mark.skipif(find_spec("onnx") is None, reason="onnx is not installed")
def test_onnx(small, tmp_path):
    assert export(small, "onnx", FORMATS, tmp_path / "mine", SPEC).stat().st_size > 1000


def test_what_does_not_fit(small, of_timm, tmp_path):
    (tmp_path / "taken.pt").touch()
    of_timm.net.bn1 = nn.Identity()
    for model, to, name, told in (
        (small, "timm", "mine", "--to timm is for models of timm"),
        (small, "transformers", "mine", "--to transformers is for models of transformers"),
        (small, "torch", "taken", "is there already"),
        (of_timm, "timm", "mine", "by the name test_resnet timm builds another network"),
    ):
        with pytest.raises(InputError, match=f"^export: .*{told}"):
            export(model, to, FORMATS, tmp_path / name, SPEC)
    assert [file.name for file in tmp_path.iterdir()] == ["taken.pt"]


def test_the_command(tiny, unlearn):
    run = tiny("method=ft", "method.epochs=1", "oracle=false")
    assert run.code == 0, run.err
    (folder,) = Path("outputs").glob("classification/digits/resnet20/random/ft-*")
    assert unlearn("export", str(folder), "--to", "torch").out.strip() == f"{folder.name}.pt"
    net = unlearn_api.load(folder).net
    found = torch.load(f"{folder.name}.pt", weights_only=True)
    assert all(torch.equal(found[name], tensor) for name, tensor in net.state_dict().items())
