"""Captions: of scenes (a template, the domain before, the placement after), and of any data's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from string import Formatter
from typing import NamedTuple

import numpy as np

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import unknown
from unlearn_cli.data.rows import digest
from unlearn_cli.data.scenes import Scene
from unlearn_cli.errors import InputError

FIELDS = ("colour", "shape", "texture")
"""What a template may name in braces."""
PREPOSITIONS = {"left": "on", "centre": "in", "right": "on", "top": "at", "bottom": "at"}


class Caption(NamedTuple):
    """A text and the scene that it describes."""

    text: str
    scene: Scene
    template: int
    """Its number among all templates, the paraphrases counted on."""
    prompts: str
    """inside: in the scene's own names; outside: a paraphrase, in synonyms."""


def check_fields(template: str) -> str:
    """The template. ValueError: braces that do not close, or that hold anything but one of FIELDS."""
    for _, field, _, _ in Formatter().parse(template):
        if field is not None and field not in FIELDS:
            raise ValueError(f"no field {{{field}}}; there is {{colour}}, {{shape}} and {{texture}}")
    return template


def describe_scene(
    template: str, scene: Scene, synonyms: Mapping[str, str], says_placement: bool, says_domain: bool
) -> str:
    """'a sketch of a red circle on a plain background on the left'; names with a synonym give way to it."""
    words = {attribute: synonyms.get(name, name) for attribute, name in scene._asdict().items()}
    text = template.format(**{field: words[field] for field in FIELDS})
    if says_placement:
        text += f" {PREPOSITIONS[scene.placement]} the {words['placement']}"
    if says_domain:
        text = f"a {words['domain']} of {text}"
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def as_captioned(data: ImageData, caption: str) -> ImageData:
    """The images with captions as their classes: the data's own as they are, else the caption filled.

    Columns: `label` stays the class' name, `caption` is new.
    """
    if "caption" in data.columns:
        return data
    texts = fill_captions(caption, data.columns, "task.caption")
    classes, labels = np.unique(texts, return_inverse=True)
    return replace(
        data,
        classes=[str(text) for text in classes],
        labels=labels.astype(np.int64),
        fingerprint=digest(data.fingerprint, *classes, labels),
        columns=data.columns | {"caption": texts.astype(object)},
    )


def fill_captions(caption: str, columns: Mapping[str, np.ndarray], key: str = "task.captions") -> np.ndarray:
    """(N,) texts: the caption with each row's values of the columns in braces, underscores as spaces.

    Raises:
        InputError: it names a column that the data lack; `key` is the setting that holds it.
    """
    try:
        names = [field for _, field, _, _ in Formatter().parse(caption) if field is not None]
    except ValueError as error:
        raise InputError(f"{key}: '{caption}': {error}; braces hold the name of a column") from error
    for name in names:
        if name not in columns:
            raise unknown(key, "column", name, list(columns))
    made = np.full(len(columns["label"]), caption, dtype=object)
    for name in names:
        values = columns[name].astype(str)
        made = np.array(
            [
                text.replace(f"{{{name}}}", value.replace("_", " "))
                for text, value in zip(made, values, strict=True)
            ],
            dtype=object,
        )
    return made.astype(str)
