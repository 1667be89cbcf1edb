"""Models on disk: bit-identical round trips, and one line for everything that does not fit."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.models.checkpoint import load_into, save_model
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNetSettings
from unlearn_cli.models.classifiers.timm_models import TimmSettings

FACTS = {"model": {"depth": 8, "width": 4}, "size": (8, 8), "data": "d1", "splits": "s1", "seed": 0}


def tiny(depth: int = 8, classes: int = 10, mean: float = 0.5) -> Normalised:
    model = CifarResNetSettings(depth=depth, width=4).build(
        ImageSpec([str(c) for c in range(classes)], 1, (8, 8), [mean], [0.25])
    )
    model(torch.rand(4, 1, 8, 8))  # moves the batch norms' statistics
    return model


def same(a: Normalised, b: Normalised) -> bool:
    other = b.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in a.state_dict().items())


def plain(model: Normalised) -> dict[str, Any]:
    return dict(model.net.state_dict())


def refuse(
    path: Path, pattern: str, model: Normalised | None = None, facts: dict[str, Any] | None = None
) -> None:
    with pytest.raises(InputError, match=pattern) as caught:
        load_into(model or tiny(), path, FACTS if facts is None else facts)
    assert "\n" not in str(caught.value)


def test_round_trip_is_bit_identical(tmp_path: Path) -> None:
    model = tiny().to(memory_format=torch.channels_last)
    save_model(tmp_path / "run", model, FACTS)
    fresh = tiny()
    assert not same(model, fresh)
    assert load_into(fresh, tmp_path / "run", FACTS) is fresh
    assert same(model, fresh)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["model.json", "model.safetensors"]


def test_the_weight_file_of_a_folder_carries_its_facts(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(), FACTS)
    load_into(tiny(), tmp_path / "model.safetensors", FACTS)
    refuse(
        tmp_path / "model.safetensors",
        'splits is "s1" in the file, "s2" here',
        facts=FACTS | {"splits": "s2"},
    )


def test_only_the_facts_asked_for_are_compared(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(), FACTS)
    load_into(tiny(), tmp_path, {"data": "d1"})


def test_other_data_and_splits_are_named(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(), FACTS)
    other = FACTS | {"data": "d2", "splits": "s2"}
    refuse(tmp_path, r'other facts: data is "d1" in the file, "d2" here; splits is "s1"', facts=other)


def test_statistics_of_other_data_do_not_stand_in_the_way(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(mean=0.1), FACTS)
    assert load_into(tiny(mean=0.9), tmp_path, FACTS).mean.item() == pytest.approx(0.9)


def test_other_depth_names_tensors(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(), FACTS)
    refuse(tmp_path, r"missing \(first: layer1\.1\.conv1\.weight\)", tiny(depth=14))
    save_model(tmp_path, tiny(depth=14), FACTS)
    refuse(tmp_path, r"unexpected \(first: layer1\.1\.")


def test_other_class_count_names_the_shapes(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(classes=5), FACTS)
    model = tiny()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    refuse(tmp_path, r"fc\.weight is \[5, 16\] in the file, \[10, 16\] here", model)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_raw_state_dict_loads_with_a_warning(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    model, path = tiny(), tmp_path / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(plain(model), path)
    with caplog.at_level(logging.WARNING, logger="unlearn"):
        assert same(load_into(tiny(), path, FACTS), model)
    assert "cannot be verified" in caplog.text


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3, "best": 0.5},
        lambda state: {"model": {"model_state_dict": state}},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {f"net._orig_mod.{name}": tensor for name, tensor in state.items()},
        lambda state: {"state_dict": {f"module.net.{name}": tensor for name, tensor in state.items()}},
        lambda state: state | {"normalize.mean": torch.zeros(1), "normalize.std": torch.ones(1)},
        lambda state: {name: t for name, t in state.items() if not name.endswith("num_batches_tracked")},
    ],
    ids=["nested", "twice nested", "DataParallel", "compiled", "nested DataParallel", "SalUn", "old torch"],
)
def test_habits_of_other_people(tmp_path: Path, wrap: Any) -> None:
    model = tiny()
    torch.save(wrap(plain(model)), tmp_path / "model.pt")
    loaded = load_into(tiny(), tmp_path / "model.pt", {})
    assert all(torch.equal(loaded.state_dict()[name], p) for name, p in model.named_parameters())


def test_state_dict_of_torchvision(tmp_path: Path) -> None:
    source = torchvision.models.resnet18(num_classes=10)
    torch.save(source.state_dict(), tmp_path / "resnet18.pth")
    settings = TimmSettings(name="resnet18", stem="imagenet", pretrained=False, resize=None, options={})
    model = load_into(
        settings.build(ImageSpec(list("0123456789"), 3, (64, 64), [0.0] * 3, [1.0] * 3)),
        tmp_path / "resnet18.pth",
        {},
    )
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(model.eval()(images), source.eval()(images))


class Bomb:
    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def test_pickle_that_would_execute_code(tmp_path: Path) -> None:
    torch.save({"state_dict": Bomb(tmp_path / "executed")}, tmp_path / "bomb.pt")
    refuse(tmp_path / "bomb.pt", "refused, .*would run code")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_truncated_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(plain(tiny()), path)
    whole = path.read_bytes()
    for share in (0, 0.3, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        refuse(path, "damaged")
        path.write_bytes(whole)


def test_missing_file_and_folder_without_a_model(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere.pt", "no such file")
    refuse(tmp_path, "no such file")


def test_file_without_a_state_dict(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    refuse(tmp_path / "list.pt", "holds a list")
    torch.save({"epoch": 3}, tmp_path / "epoch.pt")
    refuse(tmp_path / "epoch.pt", "no state dict")


def test_interrupted_save_is_not_taken_for_whole(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(), FACTS)
    (tmp_path / "model.json").unlink()
    refuse(tmp_path, r"no model\.json, so the folder is incomplete")


def test_damaged_facts(tmp_path: Path) -> None:
    save_model(tmp_path, tiny(), FACTS)
    (tmp_path / "model.json").write_text('{"data": ')
    refuse(tmp_path, "not a JSON object")


def test_failed_write_is_one_line_and_leaves_the_old_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(tmp_path, tiny(), FACTS)
    before = load_file(tmp_path / "model.safetensors")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unlearn_cli.models.checkpoint.save_file", full)
    with pytest.raises(RunError, match=r"cannot write the model: .*No space left"):
        save_model(tmp_path, tiny(), FACTS)
    after = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
