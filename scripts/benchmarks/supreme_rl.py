"""Times random labelling by SUPREME (Andreou et al. 2026, package supreme-unlearning) and by us.

CHECKOUT is a clone of https://github.com/pedroandreou/supreme-unlearning; it needs `lightning` beside our own
packages. Its method has values of its own (Adam, lr 1e-4, batch 128, 3 epochs, no augmentation, a look at the
test set after each), which ours is given. Its loaders have no workers here, so that each side is one process.
Run: OMP_NUM_THREADS=1 .venv/bin/python -m scripts.benchmarks.supreme_rl CHECKOUT DATA [--json FILE]
"""

import copy
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import torch
from torch.utils.data import DataLoader
from torchvision import transforms

from scripts.benchmarks.peers import Ours, Pictures, asked, in_turns, report

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}
SAME = (
    *("method=rl", "method.order=mixed", "optim@method=adam", "method.lr=1e-4"),
    *("method.batch_size=128", "method.epochs=3"),
    *("data.augment.crop_padding=0", "data.augment.flip=false"),
)


def main() -> None:
    arguments = asked(__doc__)
    print(f"{torch.get_num_threads()} thread(s), torch {torch.__version__}, {arguments.images} images")
    with TemporaryDirectory() as folder:
        ours = {p: Ours(arguments, Path(folder) / p, p, *SAME, watched="test") for p in PRECISIONS}
        theirs = Supreme(arguments.checkout, ours["fp32"])
        network = theirs.network
        actions = {f"SUPREME {p}": (lambda p=p: theirs.relabel(PRECISIONS[p])) for p in PRECISIONS}
        actions |= {p: (lambda one=one: one.unlearn(network)) for p, one in ours.items()}
        rows = list(in_turns({"random labelling": actions}, arguments.turns))
        sets = ours["fp32"].origins.sets
    counts = {name: len(getattr(sets, name)) for name in ("forget", "retain", "test")}
    report(arguments, "SUPREME and unlearn", rows, images=counts, network="ResNet-18, 32 x 32")


class Triples(Pictures):
    """Their data sets give each label twice: the class, and what it stands under."""

    def __getitem__(self, index: int) -> Any:
        image, label = super().__getitem__(index)
        return image, label, label


class Supreme:
    """Their side."""

    def __init__(self, checkout: Path, ours: Ours):
        os.environ["SCALENE"] = "1"  # their way to say: no workers
        sys.path.insert(0, str(checkout / "src"))
        from lightning.fabric import Fabric
        from supreme.methods.unlearning_methods.random_labeling import random_labeling
        from supreme.models.ResNet18 import ResNet18

        self.code = SimpleNamespace(fabric=Fabric, random_labeling=random_labeling)
        torch.manual_seed(0)
        self.network = ResNet18(10)
        data, sets = ours.origins.data, ours.origins.sets
        change = transforms.Compose([transforms.ToTensor(), transforms.Normalize(data.mean, data.std)])
        self.loaders = {
            name: DataLoader(Triples(ours.origins, getattr(sets, part), change), batch_size=128)
            for name, part in (
                ("retain_train", "retain"),
                ("retain_test", "test"),
                ("forget_train", "forget"),
            )
        }

    def relabel(self, precision: str) -> None:
        fabric = self.code.fabric(accelerator="auto", devices=1, precision=precision)
        self.code.random_labeling(
            fabric=fabric,
            num_gpus=1,
            wandb_logging_flag=False,
            type_of_unlearning_strategy="random_",
            num_labels=10,
            model=copy.deepcopy(self.network),
            **{f"{name}_dataloader": fabric.setup_dataloaders(one) for name, one in self.loaders.items()},
        )


if __name__ == "__main__":
    main()
