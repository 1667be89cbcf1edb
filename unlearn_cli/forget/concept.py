"""Captioned rows whose captions name a concept; an anchor takes its place."""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.splits import Splits
from unlearn_cli.data.substitution import Kind, Substitution, Words, substitutions
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet

INSIDE = "inside"


class Concept(Selector):
    """Training rows by a concept in their captions.

    Rows that show a concept without naming it (their caption is a paraphrase, a column has the concept as its
    value) are withheld: no method sees them, the oracle neither, and prompts like theirs test what has been
    forgotten beyond the prompts of the unlearning set.
    """

    concept: Words = Field(
        min_length=1, description="word or phrase of the captions that is to be forgotten; one or several"
    )
    anchor: Words = Field(
        min_length=1, description="what takes the place of each concept; one for all, or each its own"
    )
    kind: Kind = Field(description="object: replaced by the anchor; style: ' in the style of …', taken away")

    @model_validator(mode="after")
    def _pairs(self) -> Concept:
        if len(self.anchor) not in (1, len(self.concept)):
            raise InputError(
                f"forget.anchor: {len(self.anchor)} anchors for {len(self.concept)} concepts; "
                "give one for all, or one each"
            )
        for one in self.substitutions:
            if not one.concept.strip() or not one.anchor.strip():
                raise InputError(
                    "forget.concept, forget.anchor: an empty word; name what is to go and what stands in"
                )
            if one.concept.casefold() == one.anchor.casefold():
                raise InputError(
                    f"forget.anchor: '{one.anchor}' is the concept itself; name what shall take its place"
                )
        if both := {w.casefold() for w in self.concept} & {w.casefold() for w in self.anchor}:
            raise InputError(f"forget.anchor: '{both.pop()}' is to be forgotten too; name one that stays")
        return self

    @property
    def substitutions(self) -> list[Substitution]:
        """One for each concept."""
        return substitutions(self.concept, self.anchor, self.kind)

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        if "caption" not in data.columns:
            raise InputError(
                f"forget: {data.name} has no captions, and a concept is looked up in them; "
                "use data=shapes, data=generated or forget=class"
            )
        rows, anchors, showing = [], [], []
        for one in self.substitutions:
            found, partners = self._paired(one, data, splits.train)
            rows.append(found)
            anchors.append(partners)
            showing.append(_rows_showing(one.concept, data, splits.train))
        first, which = np.unique(np.concatenate(rows), return_index=True)
        return self.forget_set(
            "concept",
            first,
            data,
            splits,
            anchors=np.concatenate(anchors)[which],
            concepts=tuple(self.substitutions),
            withheld_rows=np.setdiff1d(np.concatenate(showing), first),
        )

    def _paired(self, one: Substitution, data: ImageData, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows whose captions name the concept, and for each a row that shows the anchor in its place."""
        captions = data.columns["caption"]
        inside = train[data.columns["prompts"][train] == INSIDE] if "prompts" in data.columns else train
        by_caption = {caption: inside[captions[inside] == caption] for caption in np.unique(captions[inside])}
        named = [caption for caption in by_caption if one.is_named_in(caption)]
        if not named:
            raise InputError(
                f"forget.concept: no caption of {data.name} names '{one.concept}'; they are like "
                f"{listed(sorted(by_caption), 3)}"
            )
        rows, anchors = [], []
        for caption in named:
            partner = self._anchored(caption)
            there = by_caption.get(partner, [])
            if not len(there):
                raise InputError(
                    f"forget.anchor: '{one.anchor}' in place of '{one.concept}' makes '{partner}', "
                    f"which {data.name} does not show; the captions are like {listed(sorted(by_caption), 3)}"
                )
            rows.append(by_caption[caption])
            anchors.append(np.resize(there, len(rows[-1])))
        return np.concatenate(rows), np.concatenate(anchors)

    def _anchored(self, caption: str) -> str:
        """The caption without any of the concepts."""
        for one in self.substitutions:
            caption = one.to_anchor(caption)
        return caption


def _rows_showing(concept: str, data: ImageData, train: np.ndarray) -> np.ndarray:
    """Training rows with the concept as a column's value, or in a caption."""
    word = concept.casefold()
    shows = np.zeros(len(train), dtype=bool)
    for name, column in data.columns.items():
        if name != "label":
            shows |= np.char.lower(column[train].astype(str)) == word
    named = Substitution(concept, "", "object")
    captions, places = np.unique(data.columns["caption"][train].astype(str), return_inverse=True)
    return train[shows | np.array([named.is_named_in(caption) for caption in captions])[places]]
