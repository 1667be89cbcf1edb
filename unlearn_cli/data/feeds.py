"""Which rows each step sees: pure index arithmetic, no data.

A feed maps (epoch, batch_size, seed) to a plan, the epoch's steps in order. The same arguments give the same
plan on every machine, hence a resumed run continues in the order of the first.

Batches of one pass differ in size by at most one (the usual short last batch would rest on a few rows, and
batch normalisation fails on one).
"""

from collections.abc import Callable

import numpy as np

from unlearn_cli.runtime.seeding import rng

Plan = list[np.ndarray]
"""The rows of each step, int64."""

Feed = Callable[[int, int, int], Plan]
"""(epoch, batch_size, seed) -> Plan."""


def shuffled(rows: np.ndarray) -> Feed:
    """One pass over `rows`, in a fresh order each epoch; ceil(n / batch_size) steps."""

    def feed(epoch: int, batch_size: int, seed: int) -> Plan:
        order = rng("feed", seed, epoch).permutation(rows)
        return np.array_split(order, _steps(len(rows), batch_size)) if len(rows) else []

    return feed


def sequential(*feeds: Feed) -> Feed:
    """The passes one after another within one epoch (SalUn's code: all of D_f, then all of D_r)."""

    def feed(epoch: int, batch_size: int, seed: int) -> Plan:
        return [batch for part in feeds for batch in part(epoch, batch_size, seed)]

    return feed


def mixed(*rows: np.ndarray) -> Feed:
    """One pass over all the row sets together; a step holds what chance gives it."""
    return shuffled(np.concatenate(rows))


def paired(forget: np.ndarray, retain: np.ndarray) -> Feed:
    """One pass over both sets, every step holding its proportional share of each.

    ceil((n_f + n_r) / batch_size) steps, forget rows first in each. A set smaller than the number of steps is
    missing from some of them.
    """
    total = len(forget) + len(retain)

    def feed(epoch: int, batch_size: int, seed: int) -> Plan:
        if not total:
            return []
        generator = rng("feed", seed, epoch)
        forget_order, retain_order = generator.permutation(forget), generator.permutation(retain)
        ends = np.linspace(0, total, _steps(total, batch_size) + 1).round().astype(np.int64)
        forget_ends = ends * len(forget) // total
        retain_ends = ends - forget_ends
        return [
            np.concatenate([forget_order[f0:f1], retain_order[r0:r1]])
            for f0, f1, r0, r1 in zip(
                forget_ends[:-1], forget_ends[1:], retain_ends[:-1], retain_ends[1:], strict=True
            )
        ]

    return feed


def balanced(forget: np.ndarray, retain: np.ndarray) -> Feed:
    """One pass over the retain rows, each step half of it forget rows, which come again as often as needed.

    ceil(n_r / (batch_size / 2)) steps, forget rows first in each (diffusion methods: equal batches of both).
    """

    def feed(epoch: int, batch_size: int, seed: int) -> Plan:
        if not len(forget) or not len(retain):
            return []
        generator = rng("feed", seed, epoch)
        parts = np.array_split(generator.permutation(retain), _steps(len(retain), max(1, batch_size // 2)))
        passes = -(-len(retain) // len(forget))
        again = np.concatenate([generator.permutation(forget) for _ in range(passes)])
        ends = np.cumsum([0, *map(len, parts)])
        return [
            np.concatenate([again[start:end], part])
            for start, end, part in zip(ends[:-1], ends[1:], parts, strict=True)
        ]

    return feed


def stretches(feed: Feed, steps: int) -> Feed:
    """The passes of `feed` on end, cut into epochs of so many steps, whatever a pass has.

    All of its passes must have equally many.
    """

    def stretch(epoch: int, batch_size: int, seed: int) -> Plan:
        length, first = len(feed(0, batch_size, seed)), epoch * steps
        if not length:
            return []
        passes = range(first // length, (first + steps - 1) // length + 1)
        plan = [batch for number in passes for batch in feed(number, batch_size, seed)]
        return plan[first % length :][:steps]

    return stretch


def _steps(rows: int, batch_size: int) -> int:
    return -(-rows // batch_size)
