"""The fast network: its stem, its layers, what may move."""

import pytest
import torch
import torch.nn.functional as F

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.classifiers.airbench import PATCH, AirbenchSettings, PassingConv, WhitenedStem

SPEC = ImageSpec(["a", "b", "c"], 1, (4, 4), (0.5,), (0.25,))


def small_airbench():
    torch.manual_seed(0)
    return AirbenchSettings(widths=[10], norm_momentum=0.4, scale=0.1).build(SPEC)


def test_the_stem_whitens_the_patches_that_it_was_set_from():
    """Their products average to the identity, but for directions of next to no variance."""
    stem = WhitenedStem(3)
    x = F.avg_pool2d(torch.randn(40, 3, 12, 12), 3, stride=1, padding=1)  # neighbours are alike
    stem.whiten(x)
    out = F.conv2d(x, stem.directions).transpose(0, 1).flatten(1)
    half = 3 * PATCH**2
    assert torch.equal(out[:half], -out[half:])
    torch.testing.assert_close(out[:half] @ out[:half].T / out.shape[1], torch.eye(half), atol=0.15, rtol=0)


def test_a_convolution_passes_its_inputs_on_at_first():
    conv = PassingConv(3, 8)
    x = torch.randn(2, 3, 5, 5)
    torch.testing.assert_close(conv(x)[:, :3], x)
    assert torch.equal(PassingConv(8, 3).weight[:, :3].diagonal()[1, 1], torch.ones(3))


def test_logits_layers_and_head():
    model = small_airbench()
    assert model(torch.rand(5, 1, 4, 4)).shape == (5, 3)
    names = [name for name, _ in model.named_parameters()]
    assert sorted(name for layer in model.weight_layers() for name in layer) == sorted(names)
    assert "net.stem.bias" in names, "whereas directions and the norms' factors are no parameters"
    assert len(names) == 1 + 2 * 2 + 1
    model.widen_head(1)
    assert model(torch.rand(5, 1, 4, 4)).shape == (5, 4)


def test_images_that_are_too_small_are_refused():
    settings = AirbenchSettings(widths=[8, 8, 8], norm_momentum=0.4, scale=0.1)
    with pytest.raises(InputError, match=r"^data\.size: 3 groups halve images of 9 pixels a side or more, "):
        settings.build(SPEC)
