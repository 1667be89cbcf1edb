"""The small CNN on its own and as timm and `Normalised` see it; `resize`."""

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.small_cnn import SmallCNN
from unlearn_cli.models.classifiers.timm_models import TimmSettings


def build(size: int, channels: int, **fields: Any) -> Normalised:
    values: dict[str, Any] = {
        "name": "small_cnn",
        "stem": "auto",
        "pretrained": False,
        "resize": None,
        "options": {},
    }
    torch.manual_seed(0)
    settings = TimmSettings(**values | fields)
    return settings.build(
        ImageSpec(list("0123456789"), channels, (size, size), [0.5] * channels, [0.25] * channels)
    )


@pytest.mark.parametrize(("channels", "width"), [(1, 32), (3, 8)])
def test_parameters_by_hand(channels: int, width: int) -> None:
    model = SmallCNN(num_classes=10, in_chans=channels, width=width)
    convolutions = (9 * channels + 1) * width + (9 * width + 1) * 2 * width
    linear = (2 * width * 16 + 1) * 4 * width + (4 * width + 1) * 10
    assert sum(p.numel() for p in model.parameters()) == convolutions + linear


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3)])
@torch.no_grad()
def test_logits_for_any_image(size: int, channels: int) -> None:
    assert build(size, channels)(torch.rand(2, channels, size, size)).shape == (2, 10)


def test_timm_knows_it_and_hands_its_options_on() -> None:
    model: Any = timm.create_model("small_cnn", num_classes=4, in_chans=3, width=8, drop_rate=0.1)
    assert model.head.weight.shape == (4, 32)
    assert model.features[0].weight.shape == (8, 3, 3, 3)
    assert model.features[6].p == 0.1
    own: Any = build(8, 1, options={"width": 8}).net
    assert own.head.in_features == 32


@torch.no_grad()
def test_its_head_can_be_widened_and_replaced() -> None:
    model, x = build(8, 1).eval(), torch.rand(2, 1, 8, 8)
    before, weight = model(x), model.head.weight.clone()
    model.widen_head(2)
    assert torch.equal(model.head.weight[:10], weight)
    torch.testing.assert_close(model(x)[:, :10], before)  # another width may sum in another order
    model.head = nn.Linear(128, 3)
    assert model(x).shape == (2, 3)
    assert model.weight_layers()[-1] == ["net.head.weight", "net.head.bias"]


def entering(model: Normalised, x: Tensor) -> Tensor:
    """What reaches the network inside."""
    seen: list[Tensor] = []
    model.net.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        model.eval()(x)
    return seen[0]


def test_resize_enlarges_before_the_network() -> None:
    x = torch.full((2, 3, 32, 32), 0.75)
    seen = entering(build(32, 3, resize=224, options={"width": 4}), x)
    assert seen.shape == (2, 3, 224, 224)
    torch.testing.assert_close(seen, torch.ones(2, 3, 224, 224))  # (0.75 − 0.5) / 0.25
    assert entering(build(32, 3, options={"width": 4}), x).shape == x.shape


def test_resize_decides_on_the_stem() -> None:
    """A ResNet for 32 pixels keeps their resolution; the one for 224 is ImageNet's."""
    assert build(32, 3, name="resnet18").get_parameter("net.conv1.weight").shape[-1] == 3
    assert build(32, 3, name="resnet18", resize=224).get_parameter("net.conv1.weight").shape[-1] == 7
