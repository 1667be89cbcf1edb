"""A built-in world of small captioned scenes, for text-to-image, CLIP and vision-language models."""

from __future__ import annotations

from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from unlearn_cli.data.captions import Caption, check_fields, describe_scene
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.scenes import COLOURS, DOMAINS, PLACEMENTS, SHAPES, TEXTURES, Scene, render
from unlearn_cli.data.settings import DataSettings
from unlearn_cli.errors import InputError

if TYPE_CHECKING:
    from unlearn_cli.runtime.compute import Compute
    from unlearn_cli.storage.store import Store

KNOWN = {
    "colours": tuple(COLOURS),
    "textures": tuple(TEXTURES),
    "shapes": tuple(SHAPES),
    "placements": tuple(PLACEMENTS),
    "domains": tuple(DOMAINS),
}

Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Shapes(DataSettings):
    """Every combination of the attributes under every caption; a stratified part is the test set, last."""

    attributes: ClassVar[tuple[str, ...]] = Scene._fields

    size: int = Field(ge=8, description="pixels of a side; 16 shows all there is")
    colours: Names = Field(description=f"colours of the shape: {', '.join(COLOURS)}")
    textures: Names = Field(description=f"textures of the background: {', '.join(TEXTURES)}")
    shapes: Names = Field(description=f"shapes to draw: {', '.join(SHAPES)}")
    placements: Names = Field(
        description=f"places of the shape: {', '.join(PLACEMENTS)}; a caption tells it if there are several"
    )
    domains: Names = Field(
        description=f"how it is drawn: {', '.join(DOMAINS)}; a caption tells it if there are several"
    )
    templates: Names = Field(description="captions that training knows, of {colour}, {shape} and {texture}")
    paraphrases: tuple[str, ...] = Field(
        description="captions for tests outside those: other wording, with the synonyms"
    )
    synonyms: dict[str, str] = Field(description="by a colour, texture, shape, ...: its word in paraphrases")
    images: int = Field(gt=0, description="images of each caption of `templates`")
    outside_images: int = Field(gt=0, description="images of each caption of `paraphrases`")
    label: Literal["caption", "colour", "texture", "shape", "placement", "domain"] = Field(
        description="the column whose values are the classes"
    )
    jitter: int = Field(ge=0, description="largest shift of shape and texture, in sixteenths of the side")
    seed: int = Field(
        ge=0, description="draws what differs between images of a caption: places, shades, noise"
    )

    @field_validator(*KNOWN)
    @classmethod
    def _are_known(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = KNOWN[str(info.field_name)]
        if wrong := [name for name in names if name not in known]:
            raise InputError(f"data.{info.field_name}: no '{wrong[0]}'; there is {listed(known)}")
        if len(set(names)) < len(names):
            raise InputError(f"data.{info.field_name}: [{', '.join(names)}] names one twice; give each once")
        return names

    @field_validator("templates", "paraphrases")
    @classmethod
    def _have_fields(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(check_fields, templates))

    @field_validator("synonyms")
    @classmethod
    def _are_of_names(cls, synonyms: dict[str, str]) -> dict[str, str]:
        known = list(chain(*KNOWN.values()))
        if wrong := [name for name in synonyms if name not in known]:
            raise InputError(f"data.synonyms: nothing is called '{wrong[0]}'; there is {listed(known, 50)}")
        return synonyms

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Shapes:
        texts: set[str] = set()
        for text, *_ in self.captions():
            if text in texts:
                raise InputError(
                    f"data.templates, data.paraphrases: '{text}' is the caption of two; "
                    f"name all that differs, each time in other words"
                )
            texts.add(text)
        if self.label != "caption" and len(getattr(self, f"{self.label}s")) < 2:
            raise InputError(f"data.label: there is one {self.label} alone; give two or more {self.label}s")
        return self

    def scenes(self) -> list[Scene]:
        """Every combination of the attributes."""
        return [
            Scene(*names)
            for names in product(self.colours, self.textures, self.shapes, self.placements, self.domains)
        ]

    def captions(self) -> list[Caption]:
        """Of every scene in every template, then in every paraphrase: the classes of label=caption."""
        wordings: list[tuple[str, dict[str, str], str]] = [
            *((template, {}, "inside") for template in self.templates),
            *((template, self.synonyms, "outside") for template in self.paraphrases),
        ]
        says = len(self.placements) > 1, len(self.domains) > 1
        return [
            Caption(describe_scene(template, scene, synonyms, *says), scene, number, prompts)
            for number, (template, synonyms, prompts) in enumerate(wordings)
            for scene in self.scenes()
        ]

    def load(self, root: Path | None, store: Store, compute: Compute) -> ImageData:
        copies = {"inside": self.images, "outside": self.outside_images}
        each = [caption for caption in self.captions() for _ in range(copies[caption.prompts])]
        columns = {
            "caption": [caption.text for caption in each],
            **{name: [getattr(caption.scene, name) for caption in each] for name in self.attributes},
            "template": [str(caption.template) for caption in each],
            "prompts": [caption.prompts for caption in each],
        }
        classes = list(dict.fromkeys(columns[self.label]))
        number = {name: position for position, name in enumerate(classes)}
        labels = np.array([number[name] for name in columns[self.label]], dtype=np.int64)
        scenes = render(
            [caption.scene for caption in each], self.size, "shapes", self.seed, jitter=self.jitter
        )
        return self.in_memory(scenes, labels, classes, columns, compute)
