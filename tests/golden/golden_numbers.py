"""What is kept of a case, and how two of its kind are compared."""

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor, nn

RELATIVE = 1e-5
"""Between machines; on one and the same nothing may differ."""
ABSOLUTE = 5e-6
"""Of terms that are differences of float32 numbers of order 1 (a divergence from a model nearly the same)."""
OF_ABSOLUTE = 1e-6
"""Of the sum of all weights, whose signs cancel: relative to that of their absolute values."""
SUM, SIZE = "parameters.sum", "parameters.absolute"
BITS = ("digest",)
"""Quantities that are the same on one machine alone."""


def numbers(
    history: list[dict[str, Any]],
    model: nn.Module,
    original: nn.Module,
    losses: dict[str, Tensor],
    forgotten: np.ndarray,
) -> dict[str, Any]:
    """Loss terms of each stage and epoch; sums over the model; its losses on some rows; the forget set."""
    before = sums(original)
    now = sums(model)
    return {
        "history": [{key: value for key, value in row.items() if is_kept(key)} for row in history],
        "parameters": {
            "sum": sum(total for total, _ in now.values()),
            "absolute": sum(absolute for _, absolute in now.values()),
            "digest": digest([f"{name} {total.hex()}" for name, (total, _) in now.items()]),
        },
        "losses": {name: float(values.double().mean()) for name, values in losses.items()},
        "forgotten": {"count": len(forgotten), "rows": digest(forgotten.tolist())},
        "weights_changed": now != before,
    }


def is_kept(key: str) -> bool:
    """Loss terms and where they are from; what is watched meanwhile (forget/acc) is no loss term."""
    return key.startswith("loss/") or "/" not in key


def sums(model: nn.Module) -> dict[str, tuple[float, float]]:
    """Of each parameter and buffer the sum and that of the absolute values, in float64."""
    found = {}
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        values = tensor.detach().double()
        values = values[values.isfinite()]  # a buffer that masks attention holds -inf
        found[name] = (float(values.sum()), float(values.abs().sum()))
    return found


def digest(parts: list[Any]) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def differences(was: dict[str, Any], now: dict[str, Any], exact: bool) -> list[str]:
    """A line for each quantity that is not what it was."""
    old, new = dict(flat(was)), dict(flat(now))
    return [
        f"{name}: was {old.get(name)}, is {new.get(name)}"
        for name in dict.fromkeys([*old, *new])
        if not same(name, old.get(name), new.get(name), exact, OF_ABSOLUTE * old.get(SIZE, 0.0))
    ]


def same(name: str, was: Any, now: Any, exact: bool, sums_may: float) -> bool:
    if exact or not (isinstance(was, float) and isinstance(now, float)):
        return was == now or (not exact and name.endswith(BITS))
    may = sums_may if name == SUM else ABSOLUTE
    return math.isclose(was, now, rel_tol=RELATIVE, abs_tol=may)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each number and text of nested mappings and lists, by its path."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in parts:
            yield from flat(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def nonsense(found: dict[str, Any], original: dict[str, Any], case: str) -> list[str]:
    """What makes a case's numbers useless: they are not finite, or those of the original model."""
    wrong = [
        f"{case}: {name} is {value}"
        for name, value in flat(found)
        if isinstance(value, float) and not math.isfinite(value)
    ]
    if case != "original" and not found["weights_changed"] and found["losses"] == original["losses"]:
        wrong.append(f"{case}: neither weights nor losses differ from the original's")
    return wrong
