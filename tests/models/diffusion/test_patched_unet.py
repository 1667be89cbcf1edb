"""The UNet on squares of pixels."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recipes import TINY_UNET

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.patched_unet import Patched, PatchedUNetSettings

SMALL: dict[str, Any] = TINY_UNET | {"side": 2, "prediction": "v_prediction"}


def build(size: tuple[int, int] = (8, 8), **changes: Any) -> Patched:
    torch.manual_seed(0)
    return PatchedUNetSettings(**SMALL | changes).build(ImageSpec(list("abc"), 3, size, (0.0,), (1.0,)))


def test_the_network_sees_squares_and_answers_in_pixels() -> None:
    model, x = build().eval(), torch.randn(2, 3, 8, 8)
    t, labels = torch.tensor([0, 49]), torch.tensor([0, 3])
    with torch.no_grad():
        found = model(x, t, labels)
        squares = model.unet(F.pixel_unshuffle(x, 2), t, class_labels=labels).sample
    assert found.shape == x.shape
    assert squares.shape == (2, 12, 4, 4)
    # position (row, column) holds the pixels of its square: channel c, then row and column in the square
    assert torch.equal(found[:, 1, 3, 4], squares[:, 4 * 1 + 2 * 1 + 0, 1, 2])


def test_classes_and_process_are_those_of_the_plain_one() -> None:
    model = build()
    assert (model.null, model.label_drop) == (3, 0.25)
    assert len(model.process.betas) == 50
    assert model.state_shape(3, (8, 8)) == (3, 8, 8)


def test_squares_that_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"^model\.side: 3 does not divide the images' 8 pixels; give a div"):
        build(side=3)
