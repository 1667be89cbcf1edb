"""`unlearn export`: the model of a run as other libraries read it."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn

import unlearn_cli as unlearn_api
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.classifiers.exported import FORMATS
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNet
from unlearn_cli.models.exported import export
from unlearn_cli.models.input import Input, Known

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


@pytest.mark.parametrize("given", [Input(resize=23, crop=16), Input(resize=(16, 16)), Input(resize=16)])
def test_timm_prepares_pictures_as_they_were(of_timm, tmp_path, given):
    recorded = given.geometry(Known(channels=3))
    place = export(of_timm, "timm", FORMATS, tmp_path / "mine", replace(SPEC, preprocessing=recorded.facts()))
    again = timm.create_model(f"local-dir:{place}", pretrained=True)
    config = timm.data.resolve_model_data_config(again) | {"mean": 0, "std": 1}
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    shown = timm.data.create_transform(**config)(picture)
    assert np.array_equal(recorded(picture), (shown * 255).round().byte().numpy())


def test_what_timm_cannot_prepare_so(of_timm, tmp_path):
    facts = {"resize": [20, 20], "crop": 16, "interpolation": "bilinear"}
    with pytest.raises(InputError, match=r"^export: --to timm: timm cuts a part out"):
        export(of_timm, "timm", FORMATS, tmp_path / "mine", replace(SPEC, preprocessing=facts))


def test_onnx_needs_its_package(small, tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_cli.models.classifiers.exported.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^export: --to onnx needs the package onnx, which"):
        export(small, "onnx", FORMATS, tmp_path / "mine", SPEC)


@pytest.mark.skipif(find_spec("onnx") is None, reason="onnx is not installed")
def test_onnx(small, tmp_path):
    from onnx.reference import ReferenceEvaluator

    network = ReferenceEvaluator(str(export(small, "onnx", FORMATS, tmp_path / "mine", SPEC)))
    for count in (1, 3, 7):
        x = torch.rand(count, 1, 16, 16)
        (found,) = network.run(None, {"pixels": x.numpy()})
        assert torch.allclose(torch.from_numpy(found), small(x), atol=1e-5)


def test_what_is_told_are_the_numbers_that_were_given(small, tmp_path):
    told = json.loads(
        export(small, "torch", FORMATS, tmp_path / "mine", SPEC).with_suffix(".json").read_text()
    )
    assert (told["mean"], told["std"]) == ([0.4], [0.2])


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
