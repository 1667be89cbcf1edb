"""Options' files that are named after a release: values that belong together come together."""

from typing import Any

import pytest
from omegaconf import OmegaConf

CIFAR10 = "conf/recipe/classification/cifar10"
COUPLED = {
    f"{CIFAR10}/ff.yaml": {"method.alpha": 1e-9, "method.max_std": 1e-3},
    f"{CIFAR10}/rl.yaml": {"method.order": "sequential", "method.exclude_true": False},
    f"{CIFAR10}/salun.yaml": {"method.order": "sequential", "method.exclude_true": False, "method.lr": 0.013},
    f"{CIFAR10}/salun_soft.yaml": {"method.order": "mixed", "method.compat": "release"},
    "conf/attack/cce.yaml": {"budget": "release", "release.batch_size": 16, "release.lr": 16 * 5e-3},
    "conf/mask/saliency/text_to_image.yaml": {"parameters": "^unet", "guidance": 7.5},
    "conf/method/adv_unlearn.yaml": {"inner_steps": 30, "inner_lr": 1e-3, "eta": 1.0},
}


@pytest.mark.parametrize("file", COUPLED)
def test_they_come_together(file):
    node: Any = OmegaConf.load(file)
    assert {key: OmegaConf.select(node, key) for key in COUPLED[file]} == COUPLED[file]


def test_the_worst_case_releases_lower_level_is_retraining():
    node: Any = OmegaConf.load("conf/experiment/worst_case/cifar10_release.yaml")
    assert {"override /lower@forget.lower": "retrain"} in OmegaConf.to_container(node)["defaults"]
