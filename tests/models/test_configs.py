"""Every option of conf/model names existing settings and builds, with its values for each data set."""

from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from unlearn_cli.config.catalogue import conf_folder, options
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.experiment import build
from unlearn_cli.models.base import ModelSettings

PIPELINES, CLIPS = {"sd14", "sd15", "sd21", "pipeline"}, {"clip", "clip_vit_b16"}
VLMS = {"vlm", "llava15_7b", "llama32_11b_vision"}
READY_MADE = PIPELINES | CLIPS | VLMS
"""Their weights are elsewhere: test_pipeline.py, test_open_clip_models.py, test_pretrained_vlm.py. So are
those of model=transformers and model=diffusers: test_own_weights_runs.py, test_diffusers_unet.py."""
OWN = {"transformers", "diffusers"}
NAMES = [one.name for one in options("model") if one.name not in READY_MADE | OWN]
TASKS = {
    "unet": "generation",
    "tiny_sd": "text_to_image",
    "tiny_clip": "clip",
    **dict.fromkeys(CLIPS, "clip"),
    **dict.fromkeys({"tiny_vlm", *VLMS}, "vlm"),
}
OFFLINE = {"judge": ["model.pretrained=false"]}  # its weights come from ImageNet
SIZES = {"cifar10": (3, (32, 32)), "digits": (1, (8, 8))}


def settings(name: str, data: str) -> ModelSettings:
    """The option's settings, in a run of the task that it is for."""
    task = TASKS.get(name, "classification")
    overrides = [f"task={task}", f"data={data}", f"model={name}", *OFFLINE.get(name, [])]
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        node: Any = OmegaConf.to_container(compose("config", overrides).model, resolve=True)
    return build(node, "model")


def check(name: str, data: str) -> None:
    channels, size = SIZES[data]
    kind = settings(name, data)
    classes = [f"what → {number}" if "vlm" in kind.tasks else str(number) for number in range(10)]
    model = kind.build(ImageSpec(classes, channels, size, [0.5] * channels, [0.25] * channels))
    x = torch.rand(2, channels, *size)
    with torch.no_grad():
        if "generation" in kind.tasks:
            assert model(x, torch.tensor([0, 999]), torch.tensor([0, 10])).shape == x.shape
        elif "text_to_image" in kind.tasks:
            x = torch.rand(2, *model.state_shape(channels, size))
            assert model(x, torch.tensor([0, 999]), torch.tensor([0, 10])).shape == x.shape
        elif "vlm" in kind.tasks:
            assert model.answer_logits(x, ["what"] * 2, ["0", "9"])[2].sum(1).tolist() == [2, 2]
        else:
            assert model(x).shape == (2, 10)


@pytest.mark.parametrize("name", NAMES)
def test_builds_for_cifar(name: str) -> None:
    check(name, "cifar10")


@pytest.mark.parametrize("name", ["unet", "judge", "resnet20"])
def test_builds_for_digits(name: str) -> None:
    check(name, "digits")


def test_the_papers_unet_has_36_million_parameters() -> None:
    """35.7 million in Ho et al. 2020, without the table of classes (11 of 512)."""
    model = settings("unet", "cifar10").build(
        ImageSpec(list("0123456789"), 3, (32, 32), [0.5] * 3, [0.25] * 3)
    )
    count = sum(p.numel() for p in model.parameters())
    assert count == pytest.approx(35.7e6, rel=0.02)


def test_all_models_of_the_issue_are_there() -> None:
    assert set(NAMES) >= {"resnet18", "resnet50", "resnet20", "vgg16_bn", "swin_t", "timm", "unet", "judge"}


@pytest.mark.parametrize("name", sorted((PIPELINES | VLMS) - {"pipeline", "vlm"}))
def test_ready_made_models_name_their_weights(name: str) -> None:
    made = settings(name, "cifar10")
    assert made.ready_made
    assert made.path.count("/") == 1


@pytest.mark.parametrize("name", sorted(CLIPS))
def test_ready_made_clips_name_weights_that_open_clip_has(name: str) -> None:
    made = settings(name, "cifar10")
    assert made.ready_made
    assert made.facts()["open_clip"]  # refuses an unknown name or tag, or other activations than trained with
