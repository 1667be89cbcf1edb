"""Every family at the sizes people use, counted by hand where the papers give a count."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import constants
from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNetSettings
from unlearn_cli.models.classifiers.timm_models import TimmSettings

SWIN_T = "swin_tiny_patch4_window7_224"


def timm_settings(name: str, **fields: Any) -> TimmSettings:
    defaults: dict[str, Any] = {"stem": "auto", "pretrained": False, "resize": None, "options": {}}
    return TimmSettings(name=name, **(defaults | fields))


def build(settings: Any, size: int, channels: int = 3, classes: int = 10) -> Normalised:
    return settings.build(
        ImageSpec(
            [str(c) for c in range(classes)], channels, (size, size), [0.5] * channels, [0.25] * channels
        )
    )


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


RESNET20 = CifarResNetSettings(depth=20, width=16)


@pytest.mark.parametrize(
    "settings",
    [RESNET20, *map(timm_settings, ["resnet18", SWIN_T])],
    ids=["resnet20", "resnet18", "swin_t"],
)
@pytest.mark.parametrize(("size", "channels"), [((32, 32), 3), ((8, 8), 1), ((28, 28), 1), ((16, 24), 3)])
@torch.no_grad()
def test_logits_for_any_image(settings: Any, size: tuple[int, int], channels: int) -> None:
    model = settings.build(ImageSpec(list("abcdefg"), channels, size, [0.5] * channels, [0.25] * channels))
    assert model(torch.rand(2, channels, *size)).shape == (2, 7)
    assert model.training


def test_resnet20_parameters() -> None:
    # 269,722 in the paper's option A, plus two projecting shortcuts: 16 -> 32 and 32 -> 64 with batch norm.
    assert count(build(RESNET20, 32)) == 269_722 + (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)


def test_resnet18_cifar_parameters() -> None:
    model = build(timm_settings("resnet18"), 32)
    assert count(model) == 11_173_962  # kuangliu's and SalUn's CIFAR ResNet-18
    assert model.get_parameter("net.conv1.weight").shape == (64, 3, 3, 3)


def test_auto_stem_follows_the_image_size() -> None:
    assert build(timm_settings("resnet18"), 64).get_parameter("net.conv1.weight").shape[-1] == 3
    assert build(timm_settings("resnet18"), 96).get_parameter("net.conv1.weight").shape[-1] == 7
    assert (
        build(timm_settings("resnet18", stem="imagenet"), 32).get_parameter("net.conv1.weight").shape[-1] == 7
    )


def test_small_resnet_keeps_resolution() -> None:
    net: Any = build(timm_settings("resnet18"), 32).net
    assert net.forward_features(torch.rand(1, 3, 32, 32)).shape == (1, 512, 4, 4)


def test_vgg16_bn_small_form() -> None:
    model = build(timm_settings("vgg16_bn"), 32)
    # 13 convolutions with bias 14,714,688, batch norm 2 * 4,224, one linear layer 512 -> 10
    assert count(model) == 14_714_688 + 2 * 4_224 + 5_130
    with torch.no_grad():
        assert model(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_image_too_small_for_five_poolings() -> None:
    with pytest.raises(InputError, match=r"^data\.size: vgg16_bn .*8x8.*model=resnet20$"):
        build(timm_settings("vgg16_bn"), 8, channels=1)


def test_timm_options_reach_the_constructor() -> None:
    net: Any = build(timm_settings("vit_tiny_patch16_224", options={"patch_size": 4}), 32).net
    assert net.patch_embed.num_patches == 64


def test_unknown_model_suggests_a_near_one() -> None:
    with pytest.raises(InputError, match=r"^model\.name: .*'resnet_18'; did you mean 'resnet18'"):
        timm_settings("resnet_18")


def test_unknown_tag() -> None:
    with pytest.raises(InputError, match=r"^model\.name: .*nosuchtag"):
        timm_settings("resnet18.nosuchtag")


def test_cifar_stem_refused_where_there_is_none() -> None:
    with pytest.raises(InputError, match=r"^model\.stem: .*convnext_atto has none"):
        build(timm_settings("convnext_atto", stem="cifar"), 32)


def test_wrong_option() -> None:
    with pytest.raises(InputError, match=r"^model\.options: .*patchsize"):
        build(timm_settings("resnet18", options={"patchsize": 4}), 32)


def test_classifier_that_is_not_one_linear_layer() -> None:
    with pytest.raises(InputError, match=r"^model\.name: .*not one linear layer"):
        build(timm_settings("deit_tiny_distilled_patch16_224"), 32)


@pytest.mark.parametrize("depth", [18, 21])
def test_depth_that_no_cifar_resnet_has(depth: int) -> None:
    with pytest.raises(ValueError, match="6n \\+ 2"):
        CifarResNetSettings(depth=depth, width=16)


def test_pretrained_without_network_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"^model\.pretrained: .*HF_HOME.*local file") as caught:
        build(timm_settings("resnet18", pretrained=True), 32)
    assert "\n" not in str(caught.value)


def test_pretrained_from_a_file_at_32_pixels(tmp_path: Path) -> None:
    source = timm.create_model("resnet18", num_classes=1000)
    torch.save(source.state_dict(), tmp_path / "imagenet.pth")
    model = build(timm_settings("resnet18", pretrained=tmp_path / "imagenet.pth"), 32)
    weights = source.state_dict()
    assert torch.equal(model.get_parameter("net.conv1.weight"), weights["conv1.weight"][:, :, 2:5, 2:5])
    assert torch.equal(model.get_parameter("net.layer4.1.conv2.weight"), weights["layer4.1.conv2.weight"])
    assert model.head.out_features == 10
    assert model.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])  # the weights' own


def test_pretrained_file_of_another_architecture(tmp_path: Path) -> None:
    torch.save(build(RESNET20, 32).net.state_dict(), tmp_path / "resnet20.pth")
    with pytest.raises(InputError, match=r"^model\.pretrained: "):
        build(timm_settings("convnext_atto", pretrained=tmp_path / "resnet20.pth"), 32)
