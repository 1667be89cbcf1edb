"""Activations of more images than memory holds: read in buffers of shuffled tokens, kept nowhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from unlearn_cli.data.augment import Epoch
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import Plan, shuffled
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.seeding import rng


@dataclass
class Activations:
    """What `Trainer.fit` asks of its data, of activations (n, d); they may lie elsewhere than the device."""

    x: Tensor
    device: torch.device

    def feed(self, epoch: int, batch_size: int, seed: int) -> Plan:
        return shuffled(np.arange(len(self.x)))(epoch, batch_size, seed)

    def batches(
        self, plan: Sequence[np.ndarray], forget: np.ndarray | None, anchors: np.ndarray | None
    ) -> Iterator[Batch]:
        for rows in plan:
            yield batch_of(self.x, rows, self.device)

    def prepare(self, batch: Batch, augment: bool, epoch: Epoch | None = None) -> Batch:
        return replace(batch, x=batch.x.float())

    def sample(self) -> Tensor:
        """Activations (n, d) for the normalisation: all."""
        return self.x


@dataclass
class Streamed:
    """The same of images that a model has yet to see, never more than one buffer of them in memory.

    The images of an epoch, in an order of its own, are cut into chunks; a buffer holds some tokens of each
    image of a chunk, shuffled. Order, choice of tokens and batches follow from the seed and the epoch, so a
    step of any buffer needs no other. If one buffer holds all images it is read once, for all epochs.

    Args:
        images: rows of a data set.
        read: rows -> their tokens (n, T, d), on whatever device, in whatever precision the buffer shall have.
            Called with at most `reads` rows at once; must give the same for the same rows.
        reads: images at once.
        tokens: of each image, drawn without replacement.
        buffer: tokens that are in memory at a time, at least.
        seed: of orders and draws.
        device: where batches go.
    """

    images: np.ndarray
    read: Callable[[np.ndarray], Tensor]
    reads: int
    tokens: int
    buffer: int
    seed: int
    device: torch.device
    _held: tuple[int, int] | None = field(default=None, init=False)
    _x: Tensor | None = field(default=None, init=False)

    @property
    def buffers(self) -> int:
        """Of an epoch; of equal size, but for one image."""
        return -(-len(self.images) // max(1, self.buffer // self.tokens))

    def feed(self, epoch: int, batch_size: int, seed: int) -> Plan:
        """Of each step (epoch, buffer, start, end), the part of a buffer's shuffled tokens."""
        plan = []
        for number, images in enumerate(self._chunks(epoch)):
            steps = -(-len(images) * self.tokens // batch_size)
            ends = np.arange(steps + 1) * len(images) * self.tokens // steps
            plan += [np.array([epoch, number, *ends[step : step + 2]]) for step in range(steps)]
        return plan

    def batches(
        self, plan: Sequence[np.ndarray], forget: np.ndarray | None, anchors: np.ndarray | None
    ) -> Iterator[Batch]:
        served: tuple[int, int] | None = None
        order: np.ndarray = np.empty(0)
        for epoch, number, start, end in (step.tolist() for step in plan):
            x = self._filled(epoch, number)
            if served != (epoch, number):
                served, order = (epoch, number), rng("tokens", self.seed, epoch, number).permutation(len(x))
            yield batch_of(x, order[start:end], self.device)

    prepare = Activations.prepare

    def sample(self) -> Tensor:
        """The tokens (n, d) in memory; the first buffer's where none is."""
        return self._filled(0, 0) if self._x is None else self._x

    def _chunks(self, epoch: int) -> list[np.ndarray]:
        return np.array_split(rng("images", self.seed, epoch).permutation(self.images), self.buffers)

    @torch.no_grad()
    def _filled(self, epoch: int, number: int) -> Tensor:
        """The buffer (n, d); read if it is not the one at hand."""
        if self.buffers == 1:
            epoch = 0
        if self._x is None or self._held != (epoch, number):
            self._x, images = None, self._chunks(epoch)[number]  # the old one is let go first
            draw, held = rng("drawn", self.seed, epoch, number), torch.empty(0)
            for first in range(0, len(images), self.reads):
                some = self._drawn(images[first : first + self.reads], draw)
                if not first:
                    held = some.new_empty(len(images) * self.tokens, some.shape[1])
                held[first * self.tokens : first * self.tokens + len(some)] = some
            self._x, self._held = held, (epoch, number)
        return self._x

    def _drawn(self, images: np.ndarray, draw: np.random.Generator) -> Tensor:
        """Some tokens of each of these images, (n · tokens, d)."""
        x = self.read(images)
        if x.shape[1] < self.tokens:
            raise InputError(
                f"sae: {self.tokens} tokens of each image are asked for, it has {x.shape[1]}; ask for fewer"
            )
        places = draw.permuted(np.tile(np.arange(x.shape[1]), (len(x), 1)), axis=1)[:, : self.tokens]
        chosen = torch.from_numpy(places).to(x.device).unsqueeze(-1)
        return x.gather(1, chosen.expand(-1, -1, x.shape[-1])).flatten(0, 1)


def batch_of(x: Tensor, rows: np.ndarray, device: torch.device) -> Batch:
    """These rows of activations (n, d), which have no class."""
    index = torch.from_numpy(rows)
    x, index = x[index.to(x.device)].to(device), index.to(device)
    return Batch(x, index, index, torch.zeros_like(index, dtype=torch.bool))
