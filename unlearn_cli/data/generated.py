"""Images that a ready-made text-to-image model draws: of a concept, of its anchor, of what is to stay."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from safetensors.torch import load_file

from unlearn_cli.config.settings import build
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.prompt_files import Prompt, read_prompts
from unlearn_cli.data.settings import DataSettings
from unlearn_cli.data.substitution import Kind, Substitution, Words, substitutions
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import AnyModel
from unlearn_cli.models.diffusion.sampling import GUIDANCE, SEED, OwnDraws, Sampler
from unlearn_cli.models.finite import check_finite
from unlearn_cli.storage.tensors import write_tensors

if TYPE_CHECKING:
    from unlearn_cli.runtime.compute import Compute
    from unlearn_cli.storage.store import Store

log = logging.getLogger("unlearn")

ANCHOR = "{anchor}"
FILE = "images.safetensors"
CHANNELS = 3
OWN = ("caption", "role", "prompts", "label", SEED, GUIDANCE)  # columns there are anyway


def _prompts(given: Any, info: ValidationInfo) -> Any:
    """Of a file what it holds; texts of a list."""
    if isinstance(given, str):
        return list(read_prompts(Path(given).expanduser(), f"data.{info.field_name}"))
    return [Prompt(one.strip()) if isinstance(one, str) else one for one in given]


def _named(prompt: str, names: list[str], column: str) -> str:
    """The one of the names that the prompt names as words; '' if none. A name within another gives way."""
    found = [name for name in names if Substitution(name, "", "object").is_named_in(prompt)]
    found = [one for one in found if not any(one != other and one in other for other in found)]
    if len(found) > 1:
        raise InputError(f"data.columns.{column}: '{prompt}' names both '{found[0]}' and '{found[1]}'")
    return found[0] if found else ""


Prompts = Annotated[list[Prompt], BeforeValidator(_prompts)]
"""A list, or a file: see data/prompt_files.py."""


class Generated(DataSettings):
    """Drawn once, kept in the store; the classes are the prompts.

    For every prompt and concept: images of the prompt with the anchor and with the concept; and of the
    prompts to retain. Columns: caption, role (anchor, concept or retain), prompts (all "inside"), and those
    that `columns` names, whose value is what a prompt names of the column; empty if nothing.
    """

    pipeline: Any = Field(description="the model that draws; the run's own")
    concept: Words = Field(
        min_length=1, description="what the concept's images show, by the prompts; as forget.concept"
    )
    anchor: Words = Field(
        min_length=1, description="what takes its place in the anchor's images; as forget.anchor"
    )
    kind: Kind = Field(description="how the anchor takes its place in a prompt; as forget.kind")
    prompts: Prompts = Field(
        min_length=1,
        description="a list or a file; each names the anchor, or {anchor}; a style's are plain pictures",
    )
    retain: Prompts = Field(description="a list or a file: what is to stay, beside the anchor's prompts")
    columns: dict[str, list[str]] = Field(
        description="names by column; a prompt's value is the one that it names (what judges look for)"
    )
    images: int = Field(
        gt=0, description="images drawn for each prompt: with the anchor, with the concept, to retain"
    )
    size: int = Field(gt=0, description="pixels of a side; what the model was trained at")
    sampler: Sampler

    @field_validator("pipeline", mode="before")
    @classmethod
    def _is_ready_made(cls, node: Any) -> AnyModel:
        model = build(node, "model") if isinstance(node, dict) else node
        if not isinstance(model, AnyModel) or not model.ready_made:
            raise InputError(
                "data: the images of data=generated are drawn by a ready-made model; "
                "use model=sd15, model=pipeline model.path=FOLDER, or other data"
            )
        return model

    @field_validator("prompts", "retain")
    @classmethod
    def _are_words(cls, prompts: list[Prompt], info: ValidationInfo) -> list[Prompt]:
        if not all(prompt.text for prompt in prompts):
            raise InputError(f"data.{info.field_name}: an empty prompt; leave it out")
        return prompts

    @field_validator("columns")
    @classmethod
    def _are_new(cls, columns: dict[str, list[str]]) -> dict[str, list[str]]:
        if taken := [column for column in columns if column in OWN]:
            raise InputError(f"data.columns: '{taken[0]}' is there already; give it another name")
        return columns

    def roles(self) -> dict[str, str]:
        """Role by caption. InputError for a prompt without the anchor, or one that names the concept."""
        return {caption: role for caption, (role, _) in self.captions().items()}

    def captions(self) -> dict[str, tuple[str, Prompt]]:
        """Role of each caption, and the prompt that it was made from. InputError as `roles`."""
        found: dict[str, tuple[str, Prompt]] = {}
        concepts = substitutions(self.concept, self.anchor, self.kind)
        for one in concepts:
            for template in self.prompts:
                prompt = template.text.replace(ANCHOR, one.anchor)
                naming = one.to_concept(prompt)
                if not one.is_named_in(naming):
                    raise InputError(
                        f"data.prompts: '{prompt}' does not name the anchor '{one.anchor}', so the concept "
                        f"'{one.concept}' has no place in it; write {ANCHOR} there"
                    )
                found |= {one.to_anchor(naming): ("anchor", template), naming: ("concept", template)}
        found = {prompt.text: ("retain", prompt) for prompt in self.retain} | found
        for caption, (role, _) in found.items():
            if role != "concept" and (named := [one.concept for one in concepts if one.is_named_in(caption)]):
                key = "retain" if role == "retain" else "prompts"
                raise InputError(f"data.{key}: '{caption}' names '{named[0]}', which is to be forgotten")
        return found

    def load(self, root: Path | None, store: Store, compute: Compute) -> ImageData:
        made = self.captions()
        captions, roles = list(made), {caption: role for caption, (role, _) in made.items()}
        labels = np.arange(len(captions)).repeat(self.images)
        own = {
            SEED: ["" if prompt.seed is None else str(prompt.seed) for _, prompt in made.values()],
            GUIDANCE: [
                "" if prompt.guidance is None else str(prompt.guidance) for _, prompt in made.values()
            ],
        }
        own = {column: values for column, values in own.items() if any(values)}
        facts = {
            "model": self.pipeline.facts(),
            "captions": captions,
            "precision": compute.precision,
            **self.model_dump(mode="json", include={"images", "size", "sampler"}),
            **own,
        }
        named = {
            column: [_named(caption, names, column) for caption in captions]
            for column, names in self.columns.items()
        }

        def make(folder: Path) -> None:
            from unlearn_cli.models.diffusion.text_to_image import TextToImage  # with diffusers

            log.info("drawing %d images of %d prompts (kept in the store)", len(labels), len(captions))
            size, grey = (self.size, self.size), [0.5] * CHANNELS
            spec = ImageSpec(captions, CHANNELS, size, grey, grey)
            model = compute.place(self.pipeline.build(spec))
            assert isinstance(model, TextToImage)
            check_finite(model, "model.path")
            self.sampler.check(model, "data.sampler")
            model.shared.check_told_apart(
                [caption for caption in captions if roles[caption] == "concept"],
                [caption for caption in captions if roles[caption] != "concept"],
            )
            shape = model.state_shape(CHANNELS, size)
            numbers = torch.from_numpy(labels)
            drawn = self.sampler.draw(
                *(model, numbers, shape, compute, folder, "images"),
                progress=True,
                own=OwnDraws.of(own, numbers),
            )
            if compute.is_main:
                write_tensors(folder / FILE, {"images": drawn})

        images = load_file(store.get("data", facts, make) / FILE)["images"]
        columns = {
            "caption": [captions[label] for label in labels],
            "role": [roles[captions[label]] for label in labels],
            "prompts": ["inside"] * len(labels),
            **{column: [values[label] for label in labels] for column, values in (named | own).items()},
        }
        return self.in_memory(images, labels, captions, columns, compute)
