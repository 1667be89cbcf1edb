import urllib.error

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.diffusion import lpips
from unlearn_cli.evaluation.diffusion.lpips import lpips_metrics

CPU = torch.device("cpu")


class Brightness(nn.Module):
    """A distance by hand: the mean difference of pixels in [0, 1], over all images."""

    def __init__(self):
        super().__init__()
        self.found, self.sizes = [], set()

    def update(self, one, other):
        self.found += (one - other).abs().flatten(1).mean(1).tolist()
        self.sizes |= {tuple(one.shape[1:])}

    def compute(self):
        assert self.sizes == {(3, 64, 64)}
        return torch.tensor(self.found).mean()


def grey(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 80, 80)


def test_means_of_the_forgotten_and_of_the_kept(monkeypatch):
    monkeypatch.setattr(lpips, "network", Brightness)
    monkeypatch.setattr(lpips, "IMAGES", 1)
    images, originals = grey(51, 0, 102, 255), grey(0, 0, 0, 204)
    found = lpips_metrics(images, originals, np.array([True, False, True, False]), CPU)
    assert found == pytest.approx({"LPIPS_forget": 0.3, "LPIPS_retain": 0.1})
    assert lpips_metrics(images, originals, np.ones(4, dtype=bool), CPU).keys() == {"LPIPS_forget"}


@pytest.mark.parametrize("side", [16, 80])
def test_equal_images_are_at_no_distance(monkeypatch, side):
    """By AlexNet with random weights, whatever the images' size."""
    torch.manual_seed(0)
    alexnet = torchvision.models.alexnet(weights=None)
    monkeypatch.setattr(torchvision.models, "alexnet", lambda weights: alexnet)
    images = torch.randint(0, 256, (2, 3, side, side), dtype=torch.uint8)
    found = lpips_metrics(images, images.flip(0) // 2, np.array([True, False]), CPU)
    assert min(found.values()) > 0
    same = lpips_metrics(images, images, np.array([True, False]), CPU)
    assert same == {"LPIPS_forget": 0.0, "LPIPS_retain": 0.0}


def test_no_weights_are_told_in_one_line(monkeypatch):
    def unreachable(weights):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torchvision.models, "alexnet", unreachable)
    with pytest.raises(InputError, match=r"^eval\.lpips: AlexNet's weights .*no network.*lpips=false$"):
        lpips.network()
