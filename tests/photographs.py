"""Pictures like photographs, of several shapes and colour modes, as files in class folders."""

from pathlib import Path

import numpy as np
from PIL import Image

SHAPES = {
    "wide.png": (61, 37, "RGB"),
    "tall.jpg": (30, 53, "RGB"),
    "square.jpg": (45, 45, "RGB"),
    "small.png": (11, 9, "RGB"),
    "grey.png": (40, 31, "L"),
    "veiled.png": (37, 44, "RGBA"),
    "palette.gif": (50, 33, "P"),
    "print.jpg": (41, 29, "CMYK"),
}
"""Width, height and mode by file."""


def photograph(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Smooth shades with some grain on them."""
    generator = np.random.default_rng(seed)
    coarse = Image.fromarray(generator.integers(0, 256, (4, 5, 4), dtype=np.uint8), "RGBA")
    shades = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    grain = generator.integers(-12, 13, shades.shape)
    return (
        Image.fromarray((shades + grain).clip(0, 255).astype(np.uint8), "RGBA")
        .convert(mode if mode == "RGBA" else "RGB")
        .convert(mode)
    )


def class_folders(place: Path, shapes: dict[str, tuple[int, int, str]] = SHAPES) -> Path:
    """The folder, in which every file is one of two classes."""
    for number, (name, (width, height, mode)) in enumerate(shapes.items()):
        folder = place / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        photograph(width, height, mode, seed=number).save(folder / name)
    return place
