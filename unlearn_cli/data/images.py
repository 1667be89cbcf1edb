"""Images as the rest of the tool sees them: rows of one space, batches in the order of a plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from typing_extensions import Self

from unlearn_cli.data.augment import flips, mirror, random_crop, random_resized_crop
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.rows import digest, stratified
from unlearn_cli.errors import InputError

if TYPE_CHECKING:
    from unlearn_cli.data.augment import Augment, Epoch

FILE = "file"
"""The column of file names, of images that come from files."""


@dataclass(kw_only=True)
class ImageData(ABC):
    """N labelled images; row numbers 0..N-1 hold the official train rows first, then val, then test rows."""

    name: str
    classes: list[str]
    labels: np.ndarray
    """(N,) int64 class of each row."""
    train_rows: np.ndarray
    """Sorted int64 rows of the official training part."""
    test_rows: np.ndarray
    channels: int
    size: tuple[int, int]
    """Height and width in pixels."""
    mean: tuple[float, ...]
    """Per channel, of pixels in [0, 1]; the model normalises."""
    std: tuple[float, ...]
    fingerprint: str
    """Hash of pixels and labels, whatever path they came from."""
    augment: Augment
    device: torch.device
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    """Each (N,): the label and every other column of plain values, class numbers spelt as names."""
    val_rows: np.ndarray | None = None
    """Sorted int64 rows of the official validation part; None: a part of the train rows is held out."""
    copies: np.ndarray | None = None
    """(N,) int64: for each row the first one with exactly the same image; None: not looked for."""

    def __post_init__(self) -> None:
        for key in ("mean", "std"):
            if len(getattr(self, key)) != self.channels:
                raise InputError(
                    f"data.{key}: {len(getattr(self, key))} values for images of {self.channels} channel(s); "
                    f"give one per channel, or null to compute them"
                )
        self.columns = {"label": np.array(self.classes, dtype=object)[self.labels], **self.columns}

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def spec(self) -> ImageSpec:
        """What a model for them must be built for."""
        return ImageSpec(self.classes, self.channels, self.size, self.mean, self.std)

    def batches(
        self,
        plan: Sequence[np.ndarray],
        forget: np.ndarray | None = None,
        anchor: np.ndarray | None = None,
    ) -> Iterator[Batch]:
        """Raw (uint8) batches in the plan's order.

        forget: (N,) bool, which rows are to be forgotten; anchor: (N,) class to take a row's own's place.
        """
        marks = None if forget is None else torch.from_numpy(forget).to(self.device)
        anchors = None if anchor is None else torch.from_numpy(anchor).to(self.device)
        for rows, x in zip(plan, self.pixels(plan), strict=True):
            index = torch.from_numpy(np.asarray(rows, dtype=np.int64)).to(self.device)
            mark = torch.zeros_like(index, dtype=torch.bool) if marks is None else marks[index]
            anchored = None if anchors is None else anchors[index]
            yield Batch(x, self._targets[index], index, mark, anchored)

    def relabelled(self, column: str) -> ImageData:
        """The same images with the values of a column, in order, as their classes."""
        names, labels = np.unique(self.columns[column].astype(str), return_inverse=True)
        return replace(
            self,
            classes=[str(name) for name in names],
            labels=labels.astype(np.int64),
            fingerprint=digest(self.fingerprint, column),
            columns={key: values for key, values in self.columns.items() if key != "label"},
        )

    def in_colour(self) -> Self:
        """The same images with three channels; grey ones have three alike."""
        if self.channels != 1:
            return self
        return replace(self, channels=3, mean=self.mean * 3, std=self.std * 3, **self._in_colour())

    def _in_colour(self) -> dict[str, Any]:
        """What a kind of data changes beside."""
        return {}

    def prepare(self, batch: Batch, augment: bool, epoch: Epoch | None = None) -> Batch:
        """Float pixels in [0, 1]; augmented at random by torch's global CPU generator if `augment`.

        epoch: that the batch belongs to, for flips that alternate.
        """
        if not augment:
            return replace(batch, x=unit(batch.x))
        how = self.augment
        if how.random_resized:
            x = random_resized_crop(unit(batch.x))
            return replace(batch, x=mirror(x, flips(how.flip, batch.index, epoch)))
        x = random_crop(batch.x, how.crop_padding, how.crop_fill)
        return replace(batch, x=unit(mirror(x, flips(how.flip, batch.index, epoch))))

    def image(self, row: int) -> np.ndarray:
        """(H, W, C) uint8, for figures."""
        (x,) = self.pixels([np.array([row])])
        return x[0].permute(1, 2, 0).cpu().numpy()

    def held_out(self, fraction: float, generator: np.random.Generator) -> np.ndarray:
        """Sorted rows for validation: the official ones, else this part of each class of the train rows."""
        if self.val_rows is not None:
            return self.val_rows
        return stratified(self.train_rows, self.labels, fraction, generator)

    @abstractmethod
    def pixels(self, plan: Sequence[np.ndarray]) -> Iterator[Tensor]:
        """uint8 (B, C, H, W) on the device for each step of the plan."""

    @cached_property
    def _targets(self) -> Tensor:
        return torch.from_numpy(self.labels).to(self.device)


@dataclass(kw_only=True)
class Resident(ImageData):
    """All pixels live on the device as one uint8 tensor (N, C, H, W)."""

    tensor: Tensor

    @classmethod
    def of(
        cls,
        tensor: Tensor,
        labels: np.ndarray,
        *,
        train_rows: np.ndarray,
        device: torch.device,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
        **facts: Any,
    ) -> Resident:
        """From pixels and labels alone: what is not given is computed from them."""
        mean_, std_ = channel_statistics(tensor[train_rows]) if mean is None or std is None else (mean, std)
        return cls(
            tensor=tensor.to(device),
            labels=labels,
            train_rows=train_rows,
            channels=tensor.shape[1],
            size=(tensor.shape[2], tensor.shape[3]),
            mean=mean or mean_,
            std=std or std_,
            fingerprint=digest(tensor.cpu().numpy(), labels),
            device=device,
            **facts,
        )

    def _in_colour(self) -> dict[str, Any]:
        return {"tensor": self.tensor.expand(-1, 3, -1, -1)}

    def pixels(self, plan: Sequence[np.ndarray]) -> Iterator[Tensor]:
        for rows in plan:
            yield self.tensor[torch.from_numpy(np.asarray(rows, dtype=np.int64)).to(self.device)]


def unit(x: Tensor) -> Tensor:
    """uint8 as float32 in [0, 1]."""
    return x.float().div_(255)


def channel_statistics(tensor: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel of uint8 (N, C, H, W), in units of [0, 1]."""
    values = np.arange(256) / 255
    mean, std = [], []
    for channel in range(tensor.shape[1]):
        # 256 counts say all there is to know, without a float copy of the data
        share = torch.bincount(tensor[:, channel].flatten(), minlength=256).double().numpy()
        share /= share.sum()
        centre = float(share @ values)
        mean.append(centre)
        std.append(max(float(np.sqrt(share @ (values - centre) ** 2)), 1 / 255))
    return tuple(mean), tuple(std)
