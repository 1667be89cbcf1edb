"""Images a second that a net learns from: a plain loader loop, this trainer, and what speeds it up.

The loader loop is what the papers' code does: pictures one by one through PIL, fp32. Images are random ones
of 32 x 32 pixels.
"""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from scripts.benchmarks.timing import timed
from scripts.benchmarks.training import fit, images, recipe
from scripts.gpu.part import Row, Wanted
from unlearn_cli.config.composing import composed
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.experiment import read
from unlearn_cli.runtime.compute import Compute

NETS = ("resnet18", "airbench")


class Graphs(Compute):
    """As `compile=true`, but the kernels of a pass are recorded once and replayed (CUDA graphs)."""

    def wrapped(self, model: nn.Module) -> nn.Module:
        compiled: Any = torch.compile(model, mode="reduce-overhead")
        return compiled


WAYS = {
    "trainer, fp32": (Compute, "fp32", False),
    "trainer, bf16": (Compute, "bf16", False),
    "trainer, fp16": (Compute, "fp16", False),
    "trainer, bf16, compiled": (Compute, "bf16", True),
    "trainer, bf16, CUDA graphs": (Graphs, "bf16", True),
}
"""What compiles comes last: a limit of time cuts from the end."""


def measure(wanted: Wanted) -> Iterator[Row]:
    torch._dynamo.config.disable = wanted.tiny  # compiling takes a minute
    nets, count, batch = (("resnet20",), 64, 32) if wanted.tiny else (NETS, 20_000, 500)
    loops = {}
    for net in nets:
        loops[net] = plain_loop(net, count // 4, batch)
        yield Row(what=f"{net}: loader loop with PIL, fp32", value=loops[net], unit="images/s")
    for way, (kind, precision, compiled) in WAYS.items():
        if precision == "fp16" and not torch.cuda.is_available():
            continue
        for net in nets:
            rate = trained(net, kind("auto", precision, channels_last=True, compile=compiled), count, batch)
            yield Row(what=f"{net}: {way}", value=rate, unit="images/s")
            yield Row(what=f"{net}: {way}, of the loader loop's", value=rate / loops[net], unit="x")


def trained(net: str, compute: Compute, count: int, batch: int) -> float:
    """Images a second of `Trainer.fit`, after an epoch that does not count."""
    data = images(count, compute)
    model = network(net, data, compute)

    def epoch() -> None:
        fit(data, compute, model, batch)

    epoch()
    return count / timed(epoch)


def plain_loop(net: str, count: int, batch: int) -> float:
    compute = Compute("auto", "fp32", channels_last=False, compile=False)
    data = images(count, compute)
    model = network(net, data, compute).train()
    loader = DataLoader(Pictures(data), batch_size=batch, shuffle=True, num_workers=0)

    def epoch() -> None:
        optimizer = recipe(batch).make_optimizer(model.parameters())
        for x, y in loader:
            F.cross_entropy(model(x.to(compute.device)), y.to(compute.device)).backward()
            optimizer.step()
            optimizer.zero_grad()

    epoch()
    return count / timed(epoch)


class Pictures(Dataset):
    """The images as the papers' code reads them: PIL, one by one."""

    def __init__(self, data: Resident):
        self.data = data
        self.pixels = data.tensor.cpu()
        self.change = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.change(self.pixels[row]), int(self.data.labels[row])


def network(net: str, data: Resident, compute: Compute) -> nn.Module:
    """An option of the group `model`, as CIFAR-10 has it."""
    settings = read(*composed((f"model={net}", "data=cifar10"))).model
    return compute.place(
        settings.build(ImageSpec(data.classes, data.channels, data.size, data.mean, data.std))
    )
