"""Which prompts name a concept, and the same prompts with an anchor in its place: words, not substrings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Words = Annotated[list[str], BeforeValidator(_as_list)]
"""One or several."""
Kind = Literal["object", "style"]

STYLE = " in the style of {}"


@dataclass(frozen=True)
class Substitution:
    """One concept and its anchor.

    An object's anchor takes its place ("a parachute in the sky", "an airplane in the sky"). A style is
    appended to a prompt and taken away again; its anchor is then the kind of picture, named in the prompts.
    """

    concept: str
    anchor: str
    kind: Kind

    @property
    def phrase(self) -> str:
        """What stands in a prompt that names the concept."""
        return STYLE.format(self.concept) if self.kind == "style" else self.concept

    def is_named_in(self, prompt: str) -> bool:
        """Whether the prompt names the concept."""
        return bool(_words(self.concept).search(prompt))

    def to_anchor(self, prompt: str) -> str:
        """The prompt with the anchor in the concept's place; a style goes without replacement."""
        if self.kind == "style":
            return _words(self.phrase).sub("", prompt).strip()
        return _words(self.concept).sub(self.anchor, prompt)

    def to_concept(self, prompt: str) -> str:
        """The reverse: the concept in the anchor's place; a style is appended."""
        if self.kind == "style":
            return f"{prompt}{self.phrase}"
        return _words(self.anchor).sub(self.concept, prompt)


def substitutions(concepts: Sequence[str], anchors: Sequence[str], kind: Kind) -> list[Substitution]:
    """One for each concept; a single anchor serves all."""
    anchors = [*anchors] * len(concepts) if len(anchors) == 1 else anchors
    return [Substitution(one, other, kind) for one, other in zip(concepts, anchors, strict=True)]


def _words(phrase: str) -> re.Pattern[str]:
    """The phrase between word boundaries, in any case."""
    return re.compile(
        rf"(?<!\w){re.escape(phrase)}(?!\w)" if phrase[:1].strip() else rf"{re.escape(phrase)}(?!\w)", re.I
    )
