"""What turns texts to tokens: no method changes it, so that copies of a model hold it together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import open_clip


@dataclass(frozen=True, eq=False)
class Shared:
    """Of open_clip. Its tables of some 100,000 entries take longer to copy than a small model."""

    tokenizer: Any

    def __deepcopy__(self, memo: dict[int, Any]) -> Shared:
        return self


@cache
def own_tokenizer(length: int) -> open_clip.SimpleTokenizer:
    """The one that comes with open_clip, for texts of this many tokens."""
    return open_clip.SimpleTokenizer(context_length=length)
