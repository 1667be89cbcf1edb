"""What a layer gives: a tensor, alone or as the first entry of a tuple or of a library's output."""

from dataclasses import is_dataclass, replace
from typing import Any

from torch import Tensor


def main_output(output: Any) -> Tensor:
    """The tensor."""
    return output if isinstance(output, Tensor) else output[0]


def with_main_output(output: Any, x: Tensor) -> Any:
    """The same with another tensor in its place."""
    if isinstance(output, Tensor):
        return x
    if is_dataclass(output):  # diffusers' and transformers' outputs, which are mappings too
        return replace(output, **{next(iter(output)): x})  # type: ignore[type-var, call-overload]
    return (x, *output[1:])
