"""What only a GPU can show: every family and precision runs there, and computes what a CPU computes."""

import copy
import math

import numpy as np
import pytest
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.methods.saliency import saliency
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNetSettings
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.trainer import Trainer

DEVICE = "cuda"
GPU = f"device={DEVICE}"

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("task", ["classification", "generation", "text_to_image", "clip", "vlm"])
def test_every_family_runs(run, task):
    result = run(f"task={task}", GPU, "method=salun")
    assert all(math.isfinite(value) for value in result["metrics"].values())


@pytest.mark.parametrize(
    "how", [("precision=fp32",), ("precision=bf16",), ("precision=fp16",), ("precision=bf16", "compile=true")]
)
def test_every_precision_learns(run, how):
    result = run(GPU, "method=ft", "train.epochs=15", "train.lr=0.1", *how)
    assert result["original"]["RA"] > 50


def test_a_finished_run_is_found_and_another_method_shares_its_original(run):
    first, again, other = (run(GPU, f"method={method}") for method in ("ft", "ft", "ga"))
    assert again["metrics"] == first["metrics"]
    assert other["original"] == first["original"]


def test_scores_are_those_of_a_cpu(tmp_path):
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (64, 3, 16, 16), dtype=torch.uint8)
    spec = ImageSpec(list("abcd"), 3, (16, 16), (0.5,) * 3, (0.25,) * 3)
    model, rows, found = CifarResNetSettings(depth=8, width=8).build(spec), np.arange(64), {}
    for device in ("cpu", DEVICE):
        compute = Compute(device, "fp32", channels_last=True, compile=False)
        data = Resident.of(
            pixels,
            rows % 4,
            name="random",
            classes=list("abcd"),
            train_rows=rows,
            test_rows=rows[:0],
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=compute.device,
        )
        trainer = Trainer(data, np.ones(64, bool), compute, 0, tmp_path)
        placed = compute.place(copy.deepcopy(model)).eval()
        scores = saliency(Classification(), placed, rows, trainer, 16)
        found[device] = torch.cat([score.flatten().cpu() for score in scores.values()])
    assert (found["cpu"] - found[DEVICE]).norm() < 0.02 * found["cpu"].norm()
