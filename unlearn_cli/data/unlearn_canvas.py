"""UnlearnCanvas: pictures of objects in styles, a folder for each style with one for each object in it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import datasets
from pydantic import Field

from unlearn_cli.data.class_folders import stored_image, unread
from unlearn_cli.data.hub import HubImages
from unlearn_cli.data.source import Parts, Source
from unlearn_cli.data.tree import Tree
from unlearn_cli.errors import InputError


class UnlearnCanvas(HubImages):
    """STYLE/OBJECT/* (Zhang et al., NeurIPS 2024), captioned; columns caption, style and object.

    Underscores in folder names are spaces in captions and columns.
    """

    determines: ClassVar[frozenset[str]] = HubImages.determines | {"caption"}

    caption: str = Field(description="caption of a picture, with {style} and {object} in it")

    def _parts(self, source: Source) -> Parts:
        tree = Tree.of(Path(source.place))
        files = tree.images
        if odd := next((file for file in files if file.count("/") != 2), None):
            raise InputError(f"data.path: '{odd}' in '{source.place}' is no STYLE/OBJECT/IMAGE; move it")
        if not files:
            raise InputError(f"data.path: no images in '{source.place}/STYLE/OBJECT'; give the data's folder")
        styles, things = ([file.split("/")[place].replace("_", " ") for file in files] for place in (0, 1))
        columns = {
            "image": [stored_image(tree.place / file) for file in files],
            "caption": [
                self.caption.replace("{style}", style).replace("{object}", thing)
                for style, thing in zip(styles, things, strict=True)
            ],
            "style": styles,
            "object": things,
        }
        return Parts(datasets.Dataset.from_dict(columns), None, None, tuple(unread(tree)))
