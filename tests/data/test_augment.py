import numpy as np
import pytest
import torch

from unlearn_cli.data.augment import Epoch, flips, mirror, random_crop, random_resized_crop

ROWS = torch.arange(2000)


def cropped_and_mirrored(x, padding, fill="zeros"):
    return mirror(random_crop(x, padding, fill), flips(True, torch.arange(len(x)), None))


@pytest.mark.parametrize(("fill", "mode"), [("zeros", "constant"), ("reflect", "reflect")])
def test_each_crop_is_a_window_of_the_padded_image_or_its_mirror(fill, mode):
    x = torch.randint(0, 256, (64, 3, 5, 7), dtype=torch.uint8)
    torch.manual_seed(0)
    out = cropped_and_mirrored(x, 2, fill)
    assert out.shape == x.shape
    assert out.dtype == torch.uint8
    padded = torch.from_numpy(np.pad(x.numpy(), [(0, 0), (0, 0), (2, 2), (2, 2)], mode=mode))
    seen = set()
    for image, source in zip(out, padded, strict=True):
        windows = {
            (top, left, mirrored): (window.flip(-1) if mirrored else window)
            for top in range(5)
            for left in range(5)
            for mirrored in (False, True)
            for window in [source[:, top : top + 5, left : left + 7]]
        }
        found = [place for place, window in windows.items() if torch.equal(window, image)]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 25, "64 images draw their own windows out of 50"


def test_without_padding_and_flip_nothing_changes():
    x = torch.randint(0, 256, (4, 1, 3, 3), dtype=torch.uint8)
    assert random_crop(x, 0, "zeros") is x
    assert mirror(x, flips(False, torch.arange(4), None)) is x


def test_draws_come_from_the_global_generator():
    x = torch.rand(16, 3, 8, 8)
    for augment in (lambda: cropped_and_mirrored(x, 2), lambda: random_resized_crop(x)):
        torch.manual_seed(1)
        first, next_ = augment(), augment()
        torch.manual_seed(1)
        assert torch.equal(augment(), first)
        assert not torch.equal(next_, first)


def test_a_resized_crop_of_a_ramp_spans_a_part_of_it():
    ramp = torch.linspace(0, 1, 32).expand(200, 1, 32, 32)
    torch.manual_seed(0)
    out = mirror(random_resized_crop(ramp), flips(True, torch.arange(200), None))
    assert out.shape == ramp.shape
    assert out.min() >= 0
    assert out.max() <= 1
    rows = out[:, 0, 0]
    step = rows.diff(dim=1)
    rising = (step >= -1e-6).all(1)
    falling = (step <= 1e-6).all(1)
    assert (rising ^ falling).all(), "a window of the ramp, mirrored or not"
    assert 70 < rising.sum() < 130
    # width = sqrt(area * aspect), at most 1, at least sqrt(0.08 * 3/4) of the image
    span = rows.max(1).values - rows.min(1).values
    assert span.min() > 0.15
    assert span.max() <= 1
    assert span.std() > 0.1


def test_flips_alternate_from_epoch_to_epoch():
    """Half of the rows first, the others next; which, the seed says, in whatever batch they come."""
    first, second, third = (flips("alternating", ROWS, Epoch(7, number)) for number in range(3))
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert torch.equal(flips("alternating", ROWS[[5, 3]], Epoch(7, 0)), first[[5, 3]])
    for seed in (0, 1, 8, 2**62 + 9):
        other = flips("alternating", ROWS, Epoch(seed, 0))
        assert other.float().mean() == pytest.approx(0.5, abs=0.05)
        assert (other == first).float().mean() == pytest.approx(0.5, abs=0.05)
        assert (other[1:] == other[:-1]).float().mean() == pytest.approx(0.5, abs=0.05)


def test_flips_outside_of_an_epoch_are_drawn():
    assert not torch.equal(flips("alternating", ROWS, None), flips("alternating", ROWS, None))
