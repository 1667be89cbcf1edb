"""UnlearnCanvas: pictures of objects in styles, a folder for each style with one for each object in it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import datasets
from pydantic import Field

from unlearn_cli.data.hub import HubImages
from unlearn_cli.data.source import Source
from unlearn_cli.errors import InputError


class UnlearnCanvas(HubImages):
    """STYLE/OBJECT/*.jpg (Zhang et al., NeurIPS 2024), captioned; columns caption, style and object.

    Underscores in folder names are spaces in captions and columns.
    """

    determines: ClassVar[frozenset[str]] = HubImages.determines | {"caption"}

    caption: str = Field(description="caption of a picture, with {style} and {object} in it")

    def _splits(self, source: Source) -> tuple[datasets.Dataset, None]:
        files = sorted(Path(source.place).glob("*/*/*.jpg"))
        if not files:
            raise InputError(f"data.path: no STYLE/OBJECT/*.jpg in '{source.place}'; give the data's folder")
        styles, things = ([file.parts[place].replace("_", " ") for file in files] for place in (-3, -2))
        columns = {
            "image": [str(file) for file in files],
            "caption": [
                self.caption.replace("{style}", style).replace("{object}", thing)
                for style, thing in zip(styles, things, strict=True)
            ],
            "style": styles,
            "object": things,
        }
        return datasets.Dataset.from_dict(columns), None
