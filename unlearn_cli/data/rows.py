"""Arithmetic of rows: parts of them by class, evenly spread ones, a hash of arrays."""

from collections.abc import Iterator

import numpy as np

from unlearn_cli.config.hashing import short_hash


def stratified(
    rows: np.ndarray, labels: np.ndarray, fraction: float, generator: np.random.Generator
) -> np.ndarray:
    """Sorted rows: round(fraction * n_c) of each class c among `rows`. `labels`: of the whole row space."""
    of_class = labels[rows]
    parts = [generator.permutation(rows[of_class == c]) for c in np.unique(of_class)]
    picked = [part[: round(fraction * len(part))] for part in parts]
    return np.sort(np.concatenate(picked)).astype(np.int64)


def spread(values: np.ndarray, count: int) -> np.ndarray:
    """So many of the values at most, evenly spread."""
    return values[np.linspace(0, len(values) - 1, min(count, len(values))).round().astype(np.int64)]


def digest(*parts: str | bytes | np.ndarray) -> str:
    """The first 16 hex digits of a SHA-256 over texts, bytes and arrays (values and shapes)."""
    return short_hash(piece for part in parts for piece in _pieces(part))


def _pieces(part: str | bytes | np.ndarray) -> Iterator[bytes | memoryview]:
    if isinstance(part, np.ndarray):
        yield f"{part.dtype}{part.shape}".encode()
        yield np.ascontiguousarray(part).data
    else:
        yield part.encode() if isinstance(part, str) else part
