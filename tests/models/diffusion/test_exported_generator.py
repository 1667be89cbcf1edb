"""A class-conditional diffusion model as diffusers and plain PyTorch read it."""

import json

import pytest
import torch
from diffusers import DDPMPipeline, UNet2DModel
from recipes import TINY_UNET

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.exported import FORMATS
from unlearn_cli.models.diffusion.patched_unet import PatchedUNetSettings
from unlearn_cli.models.diffusion.unet import UNetSettings
from unlearn_cli.models.exported import export

IMAGES = ImageSpec(["a", "b"], 1, (8, 8), (0.0,), (1.0,))
X, T, CLASSES = torch.randn(3, 1, 8, 8), torch.tensor([0, 7, 49]), torch.tensor([0, 1, 2])


@torch.no_grad()
def test_diffusers_and_torch_predict_the_same_noise(tmp_path):
    model = UNetSettings(**TINY_UNET).build(IMAGES).eval().to(memory_format=torch.channels_last)
    expected = model(X, T, CLASSES)
    back = DDPMPipeline.from_pretrained(export(model, "diffusers", FORMATS, tmp_path / "mine", IMAGES))
    assert torch.allclose(back.unet(X, T, class_labels=CLASSES).sample, expected, atol=1e-6)
    assert torch.equal(back.scheduler.betas, model.process.betas)
    place = export(model, "torch", FORMATS, tmp_path / "mine", IMAGES)
    told = json.loads(place.with_suffix(".json").read_text())
    net = UNet2DModel(**told["unet"]).eval()
    net.load_state_dict(torch.load(place, weights_only=True))
    assert torch.allclose(net(X, T, class_labels=CLASSES).sample, expected, atol=1e-6)
    assert (told["null_class"], told["range"], told["scheduler"]["num_train_timesteps"]) == (2, [-1, 1], 50)


def test_squares_are_not_diffusers(tmp_path):
    model = PatchedUNetSettings(**TINY_UNET, side=2).build(IMAGES)
    with pytest.raises(InputError, match=r"^export: --to diffusers: its UNet sees squares of pixels"):
        export(model, "diffusers", FORMATS, tmp_path / "mine", IMAGES)
    assert export(model, "torch", FORMATS, tmp_path / "mine", IMAGES).is_file()
