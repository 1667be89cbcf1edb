"""Weights from elsewhere: under which names, in which wrapping, for which classes, by which preprocessing."""

import json
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.data import create_transform, resolve_model_data_config
from torch import nn
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, PILToTensor, Resize

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.splits import split_as_trained
from unlearn_cli.errors import InputError
from unlearn_cli.models.class_order import in_order
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.timm_models import TimmSettings
from unlearn_cli.models.input import Input, Known
from unlearn_cli.models.named_alike import wrappers
from unlearn_cli.models.own_weights import filled, read, write_like

TIMM = {"name": "test_resnet", "stem": "imagenet", "pretrained": False, "resize": None, "options": {}}
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 31, 3), dtype=np.uint8))


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.net."])
def test_prefixes_of_wrappers_do_not_count(tmp_path, prefix):
    own, theirs = Normalised(net(), [0.5], [0.5]), {f"{prefix}{k}": v for k, v in net().state_dict().items()}
    ours, found = wrappers(own.state_dict(), theirs)
    assert (ours, found) in (("net.", prefix), ("", prefix.removesuffix("net.")))
    torch.save({"state_dict": theirs}, tmp_path / "mine.pt")
    other = Normalised(nn.Sequential(*(type(m)(*a) for m, a in _parts())), [0.5], [0.5])
    filled(other, read(tmp_path / "mine.pt"), ["a", "b", "c"])
    assert all(torch.equal(other.state_dict()[k], v) for k, v in own.state_dict().items())


def _parts():
    return (
        (nn.Flatten(), ()),
        (nn.Linear(1, 1), (16, 4)),
        (nn.BatchNorm1d(1), (4,)),
        (nn.Linear(1, 1), (4, 3)),
    )


def test_what_is_written_back_keeps_the_wrapping_and_nothing_that_knows_the_rows(tmp_path):
    model = Normalised(net(), [0.5], [0.5])
    theirs = {f"module.{name}": tensor.half() for name, tensor in net().state_dict().items()}
    around = {"epoch": 3, "args": Namespace(lr=0.1), "optimizer": {"state": {0: torch.ones(2)}}}
    torch.save({"state_dict": theirs, "state_dict_ema": theirs, **around}, tmp_path / "mine.pt")
    with torch.no_grad():
        model.net[1].weight.add_(1)
    write_like(read(tmp_path / "mine.pt"), model, tmp_path / "back.pt")
    back = read(tmp_path / "back.pt")
    assert back.content.keys() == {"epoch", "args", "state_dict"}
    assert back.content["args"].lr == 0.1
    assert back.state.keys() == theirs.keys()
    assert torch.equal(back.state["module.1.weight"], model.net[1].weight)


@pytest.mark.parametrize("name", ["0f3a", "mine.bin"])
def test_safetensors_by_any_name(tmp_path, name):
    save_file(net().state_dict(), tmp_path / name)
    theirs = read(tmp_path / name)
    write_like(theirs, Normalised(net(), [0.5], [0.5]), tmp_path / "back")
    assert load_file(tmp_path / "back").keys() == theirs.state.keys()


def test_numbers_of_numpy_and_places_of_other_scripts(tmp_path):
    own = {
        name: nn.Parameter(tensor) if tensor.is_floating_point() else tensor
        for name, tensor in net().state_dict().items()
    }
    torch.save({"net": own, "acc": np.float64(93.5), "epoch": np.int64(7)}, tmp_path / "mine.pth")
    file = read(tmp_path / "mine.pth")
    file.write(tmp_path / "back.pth", file.state)
    back = read(tmp_path / "back.pth")
    assert (back.nesting, back.content["acc"], back.content["epoch"]) == (("net",), 93.5, 7)


def test_what_is_written_back_has_the_same_bytes_from_any_process(tmp_path, monkeypatch):
    torch.save({"model": net().state_dict()}, tmp_path / "mine.pth")
    file = read(tmp_path / "mine.pth")
    for process in (1, 2):
        monkeypatch.setattr("os.getpid", lambda number=process: number)
        file.write(tmp_path / f"{process}.pth", file.state)
    assert (tmp_path / "1.pth").read_bytes() == (tmp_path / "2.pth").read_bytes()


def test_files_from_before_zip(tmp_path):
    torch.save(net().state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert read(tmp_path / "old.pt").state.keys() == net().state_dict().keys()


def test_old_files_lack_counters_and_salun_s_have_statistics(tmp_path):
    state = {k: v for k, v in net().state_dict().items() if "num_batches" not in k}
    torch.save(state | {"normalize.mean": torch.zeros(1)}, tmp_path / "mine.pt")
    model = filled(Normalised(net(), [0.5], [0.5]), read(tmp_path / "mine.pt"), ["a", "b", "c"])
    write_like(read(tmp_path / "mine.pt"), model, tmp_path / "back.pt")
    assert read(tmp_path / "back.pt").state.keys() == {*state, "normalize.mean"}


def test_classes_in_the_model_s_order(toy):
    data = in_order(toy, ["c", "a", "b"], "model.weights")
    assert [data.classes[label] for label in data.labels] == [toy.classes[label] for label in toy.labels]
    assert data.columns["label"].tolist() == toy.columns["label"].tolist()
    assert data.fingerprint != toy.fingerprint
    assert in_order(toy, ["LABEL_0", "LABEL_1", "LABEL_2"], "model.weights") is toy
    with pytest.raises(
        InputError, match=r"^model.weights: tells 2 classes apart \(a, b\), and the data have 3"
    ):
        in_order(toy, ["a", "b"], "model.weights")


def test_classes_of_other_names_are_taken_in_their_order_and_told(toy, caplog):
    assert in_order(toy, ["x", "y", "z"], "model.weights") is toy
    assert "its outputs are called x, y, z, the data's classes a, b, c" in caplog.text


def test_the_split_is_the_model_s_own(toy):
    found = split_as_trained(toy, np.array([3, 1, 35]), seed=0)
    assert found.train.tolist() == [1, 3, 35]
    assert found.val.tolist() == [row for row in range(30) if row not in (1, 3)]
    assert 35 not in found.test
    with pytest.raises(InputError, match="all 10 test rows of toy are among what the model has learnt"):
        split_as_trained(replace(toy), np.arange(40), seed=0)


@pytest.mark.parametrize("resize", [12, (12, 18)])
def test_named_preprocessing_is_torchvision_s(resize):
    given = Input(resize=resize, crop=10, interpolation="bicubic").geometry(Known(channels=3))
    theirs = Compose([Resize(resize, InterpolationMode.BICUBIC), CenterCrop(10), PILToTensor()])
    assert np.array_equal(given(PICTURE), theirs(PICTURE).numpy())
    assert given.facts() != Input(resize=resize, crop=11).geometry(Known(channels=3)).facts()


def test_a_folder_of_timm_says_all(tmp_path):
    own = timm.create_model("test_resnet", num_classes=2)
    own.pretrained_cfg |= {"input_size": (3, 24, 24), "mean": (0.1, 0.2, 0.3), "crop_pct": 0.9}
    timm.models.save_for_hf(own, tmp_path / "mine", {"label_names": ["a", "b"]}, safe_serialization=True)
    settings = TimmSettings(**TIMM | {"name": "resnet18"}, weights=tmp_path / "mine")
    known = settings.known()
    assert [*known.mean] == [0.1, 0.2, 0.3]
    assert known.classes == ["a", "b"]
    shown = create_transform(**resolve_model_data_config(own) | {"std": (1, 1, 1), "mean": (0, 0, 0)})(
        PICTURE
    )
    assert np.array_equal(settings.preprocessing(None)(PICTURE), (shown * 255).round().byte().numpy())
    model = settings.original(ImageSpec(["a", "b"], 3, (24, 24), known.mean, known.std)).eval()
    assert torch.equal(model.net(torch.ones(1, 3, 24, 24)), own.eval()(torch.ones(1, 3, 24, 24)))
    (tmp_path / "run").mkdir()
    settings.write_back(model, tmp_path / "run")
    back = timm.create_model(f"local-dir:{tmp_path / 'run' / 'unlearned'}", pretrained=True).eval()
    assert torch.equal(back(torch.ones(1, 3, 24, 24)), own(torch.ones(1, 3, 24, 24)))


def test_a_checkpoint_of_timm_s_training_says_what_was_given(tmp_path):
    own = timm.create_model("test_resnet", num_classes=2)
    arguments = Namespace(mean=[0.1, 0.2, 0.3], std=None, img_size=24, crop_pct=1.0, interpolation="")
    torch.save(
        {"arch": "test_resnet", "state_dict": own.state_dict(), "args": arguments}, tmp_path / "mine.pth"
    )
    known = TimmSettings(**TIMM, weights=tmp_path / "mine.pth").known()
    assert (known.mean, known.std) == ((0.1, 0.2, 0.3), timm.get_pretrained_cfg("test_resnet").std)
    assert known.geometry(PICTURE).shape == (3, 24, 24)


def test_the_form_of_timm_s_network_is_the_file_s(tmp_path):
    spec = ImageSpec(["a", "b"], 3, (16, 16), [0.5] * 3, [0.5] * 3)
    for stem in ("cifar", "imagenet"):
        small = {"layers": [1, 1, 1, 1], "channels": [8, 8, 8, 8]}
        values = TIMM | {"name": "resnet18", "options": small}
        own = TimmSettings(**values | {"stem": stem}).build(spec)
        torch.save(own.net.state_dict(), tmp_path / f"{stem}.pt")
        again = TimmSettings(**values | {"stem": "auto"}, weights=tmp_path / f"{stem}.pt").original(spec)
        assert again.net.conv1.weight.shape == own.net.conv1.weight.shape


def test_pictures_for_weights_of_timm_are_prepared_as_timm_does():
    values = TIMM | {"name": "resnet18", "stem": "auto", "pretrained": True}
    assert TimmSettings(**values).preprocessing(32) is None
    assert TimmSettings(**values | {"pretrained": False}).preprocessing(128) is None
    found = TimmSettings(**values).preprocessing(128)
    config = timm.get_pretrained_cfg("resnet18").to_dict() | {"input_size": (3, 128, 128)}
    theirs = create_transform(**timm.data.resolve_data_config(pretrained_cfg=config) | {"mean": 0, "std": 1})
    assert np.array_equal(found(PICTURE), (theirs(PICTURE) * 255).round().byte().numpy())
    assert json.dumps(found.facts())
