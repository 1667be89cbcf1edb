"""Small scenes drawn from names: a coloured shape before a textured background, as a photo, a painting, ...

Lengths are sixteenths of the image's side: 1 is a pixel of a 16 x 16 image, and other sizes show the same.
Shapes and patterns are signed distances, negative inside; the covered part of each pixel follows from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from unlearn_cli.runtime.seeding import rng

SIDE = 16
LIGHT, DARK, PAPER, PENCIL, BLACK = (np.full(3, grey) for grey in (200.0, 60.0, 245.0, 150.0, 0.0))
WARM = np.array([1.0, 0.85, 0.65])  # of a painting's canvas, in each channel

COLOURS = {
    "red": (220, 25, 25),
    "green": (20, 170, 40),
    "blue": (30, 50, 230),
    "yellow": (240, 220, 20),
    "purple": (160, 30, 200),
    "cyan": (20, 210, 220),
}

PLACEMENTS = {"left": (-4, 0), "centre": (0, 0), "right": (4, 0), "top": (0, -4), "bottom": (0, 4)}
"""Of the shape's middle from the image's, to the right and down."""

SHAPES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "circle": lambda x, y: np.hypot(x, y) - 4.5,
    "square": lambda x, y: np.maximum(abs(x), abs(y)) - 4,
    "triangle": lambda x, y: np.maximum(y - 4, (2 * abs(x) - y - 5) / 5**0.5),
    "cross": lambda x, y: np.minimum(
        np.maximum(abs(x) - 1.5, abs(y) - 5), np.maximum(abs(x) - 5, abs(y) - 1.5)
    ),
    "diamond": lambda x, y: (abs(x) + abs(y) - 5.5) / 2**0.5,
    "ring": lambda x, y: abs(np.hypot(x, y) - 3.75) - 1,
}

TEXTURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "plain": lambda x, y: np.full_like(x, SIDE),
    "striped": lambda x, y: stripes(x, 4),
    "dotted": lambda x, y: np.hypot(x % 4 - 2, y % 4 - 2) - 1.2,
    "checkered": lambda x, y: checks(stripes(x, 8), stripes(y, 8)),
}
"""Where a background is dark."""


def stripes(x: np.ndarray, period: int) -> np.ndarray:
    """As wide as the gaps between them."""
    return abs(x % period - period / 2) - period / 4


def checks(columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """In a column or in a row, but not in both."""
    return np.sign(columns * rows) * np.minimum(abs(columns), abs(rows))


class Scene(NamedTuple):
    """What a picture shows, by the names above."""

    colour: str
    texture: str
    shape: str
    placement: str
    domain: str


@dataclass(frozen=True)
class Canvas:
    """What a domain paints with. Arrays are (S, S), pixels (S, S, 3) floats from 0 to 255."""

    x: np.ndarray
    y: np.ndarray
    ink: np.ndarray
    shape: np.ndarray
    pattern: np.ndarray
    generator: np.random.Generator

    def over(self, under: np.ndarray, ink: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """`ink` laid over `under` where the distance is negative, its edge one pixel soft."""
        covered = np.clip(0.5 - distance * len(distance) / SIDE, 0, 1)[..., None]
        return under + covered * (ink - under)


def photo(canvas: Canvas) -> np.ndarray:
    """Flat fill."""
    return canvas.over(canvas.over(LIGHT, DARK, canvas.pattern), canvas.ink, canvas.shape)


def painting(canvas: Canvas) -> np.ndarray:
    """Slanted strokes of uneven paint on a warm canvas."""
    ground = canvas.over(LIGHT * WARM, DARK * WARM, canvas.pattern)
    paint = canvas.generator.normal(0, 30, (SIDE, SIDE))
    along, across = (canvas.x + canvas.y) // 4, (canvas.x - canvas.y) // 1.5
    strokes = paint[along.astype(int) % SIDE, across.astype(int) % SIDE]
    return canvas.over(ground, canvas.ink, canvas.shape) + strokes[..., None]


def cartoon(canvas: Canvas) -> np.ndarray:
    """A thick black outline around a photo's flat fill."""
    return canvas.over(photo(canvas), BLACK, abs(canvas.shape - 0.75) - 0.75)


def sketch(canvas: Canvas) -> np.ndarray:
    """A coloured line with a pencil's beside it on white paper; no fill."""
    ground = canvas.over(PAPER, PENCIL, canvas.pattern)
    ground = canvas.over(ground, PENCIL, canvas.shape - 0.75)
    return canvas.over(canvas.over(ground, canvas.ink, canvas.shape), PAPER, canvas.shape + 1.25)


DOMAINS = {"photo": photo, "painting": painting, "cartoon": cartoon, "sketch": sketch}


def draw(scene: Scene, size: int, generator: np.random.Generator, jitter: int = 1) -> np.ndarray:
    """(size, size, 3) uint8. At random, and slight: places of shape and texture, brightness, grain.

    jitter: the largest shift of either, in sixteenths of the side.
    """
    y, x = (np.indices((size, size)) + 0.5) * SIDE / size - SIDE / 2
    right, down = PLACEMENTS[scene.placement]
    shift = generator.integers(-jitter, jitter + 1, 4)
    pixels = DOMAINS[scene.domain](
        Canvas(
            x,
            y,
            np.array(COLOURS[scene.colour]),
            SHAPES[scene.shape](x - right - shift[0], y - down - shift[1]),
            TEXTURES[scene.texture](x - shift[2], y - shift[3]),
            generator,
        )
    )
    pixels = pixels * generator.uniform(0.94, 1.06) + generator.normal(0, 3, pixels.shape)
    return np.rint(pixels.clip(0, 255)).astype(np.uint8)


def render(scenes: Sequence[Scene], size: int, *seed: object, jitter: int = 1) -> Tensor:
    """(N, 3, size, size) uint8; image number i is drawn from (*seed, i), whatever the others are."""
    pixels = [draw(scene, size, rng(*seed, number), jitter) for number, scene in enumerate(scenes)]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
