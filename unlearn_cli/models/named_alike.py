"""The tensors of a file, found in a model whatever wrappers either of them was in."""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain, product

import torch
from torch import Tensor

COUNTER = "num_batches_tracked"
"""Of batch norm, which old files lack; nothing reads it while batch norm has a fixed momentum."""


def wrappers(own: Collection[str], theirs: Collection[str]) -> tuple[str, str]:
    """Of our names and of theirs the prefix (module., model., net., ...) without which most names of the two
    are alike; empty where nothing is gained by leaving one out.

    All of ours have it; of theirs all, or those before a name of ours: beside the network a training script
    may have saved more.
    """

    def alike(prefixes: tuple[str, str]) -> int:
        left, right = prefixes
        return len(bare(own, left) & bare(theirs, right))

    ours = [*_shared_prefixes(own)]
    before = [_before(next(iter(own), "").removeprefix(prefix), theirs) for prefix in ours]
    return max(product(ours, [*_shared_prefixes(theirs), *chain(*before)]), key=alike)


def bare(names: Collection[str], prefix: str) -> set[str]:
    """The names without the prefix."""
    return {name.removeprefix(prefix) for name in names}


def differences(own: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> str:
    """How the tensors of a file differ from those of a model, both by bare names; empty: they do not."""
    missing = [name for name in own if name not in theirs and not name.endswith(COUNTER)]
    foreign = [name for name in theirs if name not in own]
    shapes = [
        f"{name} is {list(theirs[name].shape)} in the file, {list(tensor.shape)} here"
        for name, tensor in own.items()
        if name in theirs and theirs[name].shape != tensor.shape
    ]
    kinds = [
        f"{name} {kind}"
        for name, tensor in own.items()
        if name in theirs and (kind := _other_kind(theirs[name], tensor))
    ]
    told = (
        *(("missing", missing), ("unexpected", foreign)),
        *(("of another shape", shapes), ("of another kind", kinds)),
    )
    return "; ".join(f"{len(names)} {kind} (first: {names[0]})" for kind, names in told if names)


def _other_kind(found: Tensor, own: Tensor) -> str:
    """What keeps the tensor from being taken as ours; empty: nothing."""
    if found.is_meta:
        return "has no values"
    if found.layout is not torch.strided or found.is_quantized:
        return f"is {_word(found.layout if not found.is_quantized else found.dtype)}"
    return f"is {_word(found.dtype)}" if own.is_floating_point() and not found.is_floating_point() else ""


def _word(torchs: object) -> str:
    return str(torchs).removeprefix("torch.")


def _before(name: str, names: Collection[str]) -> list[str]:
    return [one.removesuffix(name) for one in names if one.endswith(f".{name}")]


def _shared_prefixes(names: Collection[str]) -> Iterator[str]:
    """Empty, then every prefix of whole components that all names share."""
    prefix = ""
    while True:
        yield prefix
        component, dot, _ = next(iter(names), "").removeprefix(prefix).partition(".")
        prefix += f"{component}."
        if not dot or not all(name.startswith(prefix) for name in names):
            return
