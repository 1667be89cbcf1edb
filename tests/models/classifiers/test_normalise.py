"""The wrapper: normalisation, head, and the order of layers."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNetSettings
from unlearn_cli.models.classifiers.timm_models import TimmSettings


def resnet20() -> Normalised:
    return CifarResNetSettings(depth=20, width=16).build(
        ImageSpec(list("0123456789"), 1, (8, 8), [0.3], [0.4])
    )


def small(name: str, **options: Any) -> Normalised:
    settings = TimmSettings(name=name, stem="auto", pretrained=False, resize=None, options=options)
    return settings.build(ImageSpec(list("0123456789"), 3, (32, 32), [0.5] * 3, [0.25] * 3))


def test_pixels_are_normalised_per_channel() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    net[1].weight.data = torch.eye(2)
    model = Normalised(net, mean=[0.5, 0.25], std=[0.5, 0.125])
    image = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)
    assert model(image).tolist() == [[1.0, -2.0]]


def test_statistics_are_no_weights() -> None:
    model = resnet20()
    assert all(name.startswith("net.") for name in model.state_dict())
    assert {name for name, _ in model.named_buffers()} >= {"mean", "std"}


def test_head_may_be_replaced() -> None:
    model = resnet20()
    model.head = nn.Linear(64, 3)
    assert model(torch.rand(2, 1, 8, 8)).shape == (2, 3)
    assert "head" not in dict(model.named_children())  # it took the old one's place, it is no second child


@pytest.mark.parametrize("name", ["resnet18", "swin_tiny_patch4_window7_224"])
def test_head_of_timm_models(name: str) -> None:
    model = small(name)
    model.head = nn.Linear(model.head.in_features, 4)
    with torch.no_grad():
        assert model(torch.rand(2, 3, 32, 32)).shape == (2, 4)


def test_widen_and_narrow_are_a_round_trip() -> None:
    model = resnet20()
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(1)
    model.widen_head(1)
    assert model.head.out_features == 11
    assert torch.equal(model.head.weight[:10], before["net.fc.weight"])
    assert torch.equal(model.head.bias[:10], before["net.fc.bias"])
    assert model.head.weight[10].abs().max() > 0
    assert model.head.weight.requires_grad
    model.narrow_head(10)
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_widening_draws_from_the_global_seed() -> None:
    rows = []
    for seed in (1, 1, 2):
        model = resnet20()
        torch.manual_seed(seed)
        model.widen_head(1)
        rows.append(model.head.weight[10])
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])


@pytest.mark.parametrize(
    "name", ["resnet18", "swin_tiny_patch4_window7_224", "vit_tiny_patch16_224", "convnext_atto"]
)
def test_weight_layers_cover_every_parameter_once(name: str) -> None:
    model = small(name)
    layers = model.weight_layers()
    names = [name for layer in layers for name in layer]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    head = {name for name, p in model.named_parameters() if any(p is own for own in model.head.parameters())}
    assert set(layers[-1]) == head


def test_weight_layers_of_resnet20_in_order() -> None:
    layers = resnet20().weight_layers()
    assert len(layers) == 20 + 2  # the two projecting shortcuts
    assert layers[0] == ["net.conv1.weight", "net.bn1.weight", "net.bn1.bias"]
    assert layers[1] == [f"net.layer1.0.{name}" for name in ("conv1.weight", "bn1.weight", "bn1.bias")]
    assert layers[-1] == ["net.fc.weight", "net.fc.bias"]


def test_loose_parameters_belong_to_the_layer_after_them() -> None:
    layers = small("vit_tiny_patch16_224").weight_layers()
    assert layers[0][:2] == ["net.cls_token", "net.pos_embed"]
    assert "net.patch_embed.proj.weight" in layers[0]


def test_shared_parameter_is_named_once() -> None:
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    model = Normalised(nn.Sequential(nn.Flatten(), first, second), [0.0], [1.0])
    assert model.weight_layers() == [["net.1.weight", "net.1.bias"], ["net.2.bias"]]
