"""A small folder like UnlearnCanvas's: two styles and photographs of two objects."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from unlearn_cli.config.settings import build
from unlearn_cli.data.splits import split
from unlearn_cli.errors import InputError
from unlearn_cli.forget.concept import Concept
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store

CONF = Path(__file__).parents[2] / "conf"
STYLES, OBJECTS = ("Monet", "Seed_Images", "Van_Gogh"), ("Dogs", "Sea_Shells")


@pytest.fixture
def load(tmp_path):
    """load(folder): the data, 8 pixels a side."""

    def of(folder):
        values = yaml.safe_load((CONF / "data" / "unlearn_canvas.yaml").read_text())
        values.pop("defaults")
        small = {"path": str(folder), "size": 8, "test_fraction": 0.25, "workers": 0}
        return build(values | small, "data").load(
            None, Store(tmp_path / "store"), Compute("cpu", "fp32", False, False)
        )

    return of


@pytest.fixture
def canvas(tmp_path):
    rng = np.random.default_rng(0)
    for style in STYLES:
        for thing in OBJECTS:
            folder = tmp_path / "canvas" / style / thing
            folder.mkdir(parents=True)
            for number in range(4):
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(
                    folder / f"{number}.jpg"
                )
    return tmp_path / "canvas"


def test_folders_become_captions_and_columns(load, canvas):
    data = load(canvas)
    assert Counter(zip(data.columns["style"], data.columns["object"], strict=True)) == {
        (style.replace("_", " "), thing.replace("_", " ")): 4 for style in STYLES for thing in OBJECTS
    }
    row = next(
        i for i, name in enumerate(data.columns["caption"]) if name == "A Dogs image in Van Gogh style."
    )
    pixels = {np.asarray(Image.open(canvas / "Van_Gogh" / "Dogs" / f"{i}.jpg")).tobytes() for i in range(4)}
    assert data.image(row).tobytes() in pixels
    assert Counter(data.columns["style"][data.test_rows]) == {"Monet": 2, "Seed Images": 2, "Van Gogh": 2}


@pytest.mark.parametrize("suffix", ["png", "JPEG", "webp"])
def test_images_of_any_format(load, canvas, suffix):
    before = Counter(load(canvas).columns["caption"])
    for file in canvas.glob("*/*/*.jpg"):
        Image.open(file).save(file.with_suffix(f".{suffix}"))
        file.unlink()
    assert Counter(load(canvas).columns["caption"]) == before


def test_an_image_beside_the_styles_is_named(load, canvas):
    Image.new("RGB", (8, 8)).save(canvas / "Monet" / "overview.png")
    with pytest.raises(
        InputError, match=r"^data\.path: 'Monet/overview\.png' in '.*' is no STYLE/OBJECT/IMAGE"
    ):
        load(canvas)


def test_a_style_gives_way_to_photographs(load, canvas):
    data = load(canvas)
    chosen = Concept(concept="Van Gogh", anchor="Seed Images", kind="object").select(
        data, split(data, 0.0, 0)
    )
    assert set(data.columns["style"][chosen.rows]) == {"Van Gogh"}
    assert data.columns["object"][chosen.rows].tolist() == data.columns["object"][chosen.anchors].tolist()
    assert set(data.columns["style"][chosen.anchors]) == {"Seed Images"}


def test_another_folder_is_told(load, tmp_path):
    (tmp_path / "other" / "Dogs").mkdir(parents=True)
    with pytest.raises(InputError, match=r"^data\.path: no images in '.*other/STYLE"):
        load(tmp_path / "other")
