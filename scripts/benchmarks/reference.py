"""Times the code that SalUn's authors released and ours: mask, relabelling, evaluation.

CHECKOUT is a clone of https://github.com/OPTML-Group/Unlearn-Saliency, whose functions are called as its
scripts call them (generate_mask.py, main_random.py); the data are handed over in memory. Their network, a
ResNet-18 for small images, is trained by both sides.
Run: OMP_NUM_THREADS=1 .venv/bin/python -m scripts.benchmarks.reference CHECKOUT DATA [--json FILE]
"""

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import transforms

from scripts.benchmarks.peers import Ours, Pictures, asked, in_turns, report, without_cuda

PARTS = ("mask", "relabelling", "evaluation")
"""Of an unlearning run; relabelling is one epoch."""
RELABELLING = ("method=salun", "method.epochs=1")


def main() -> None:
    arguments = asked(__doc__, *PARTS)
    print(f"{torch.get_num_threads()} thread(s), torch {torch.__version__}, {arguments.images} images")
    with TemporaryDirectory() as folder:
        ours = {
            precision: Ours(arguments, Path(folder) / precision, precision, *RELABELLING)
            for precision in ("fp32", "bf16")
        }
        theirs = Release(arguments.checkout, ours["fp32"], Path(folder))
        network = theirs.network
        parts = {
            PARTS[0]: sides(theirs.make_mask, {name: one.mask for name, one in ours.items()}, network),
            PARTS[1]: sides(theirs.relabel, {name: one.unlearn for name, one in ours.items()}, network),
            # ours is in fp32 whatever the run's precision
            PARTS[2]: sides(theirs.evaluate, {"fp32": ours["fp32"].evaluate}, network),
        }
        chosen = {name: sides for name, sides in parts.items() if name in arguments.parts}
        rows = list(in_turns(chosen, arguments.turns))
        sets = ours["fp32"].origins.sets
    counts = {name: len(getattr(sets, name)) for name in ("forget", "retain", "val", "test")}
    report(arguments, "SalUn's released code and unlearn", rows, images=counts, network="ResNet-18, 32 x 32")


def sides(
    theirs: Callable[[], object], ours: dict[str, Callable[[nn.Module], object]], network: nn.Module
) -> dict[str, Callable[[], object]]:
    return {"release": theirs} | {name: (lambda do=do: do(network)) for name, do in ours.items()}


class Release:
    """Their side."""

    def __init__(self, checkout: Path, ours: Ours, folder: Path):
        without_cuda()
        folder_of_code = checkout / "Classification"
        sys.path.insert(0, str(folder_of_code))
        sys.modules["trainer"] = package = ModuleType("trainer")  # its __init__ asks for what is not there
        package.__path__ = [str(folder_of_code / "trainer")]
        with patch.object(sys, "argv", ["main_random.py"]):
            import arg_parser

            self.arguments = arg_parser.parse_args()
        from trainer.train import train
        from trainer.val import validate

        package.train, package.validate = train, validate  # type: ignore[attr-defined]
        import evaluation
        import generate_mask
        import models
        import unlearn
        import utils

        self.code = SimpleNamespace(
            mask=generate_mask, unlearn=unlearn, validate=validate, evaluation=evaluation, utils=utils
        )
        self.arguments.unlearn_epochs = 1
        self.arguments.unlearn_lr = ours.experiment.method.lr
        self.arguments.save_dir = str(folder / "masks")
        Path(self.arguments.save_dir).mkdir()
        torch.manual_seed(0)
        self.network = models.resnet18(num_classes=10)
        self.loaders = {
            name: self._loader(ours, getattr(ours.origins.sets, name), augmented=name in ("retain", "forget"))
            for name in ("retain", "forget", "val", "test")
        }
        self.mask = {name: (torch.rand_like(p) < 0.5).long() for name, p in self.network.named_parameters()}

    def make_mask(self) -> None:
        model = copy.deepcopy(self.network).cuda()
        self.code.mask.save_gradient_ratio(self.loaders, model, nn.CrossEntropyLoss(), self.arguments)

    def relabel(self) -> None:
        model = copy.deepcopy(self.network).cuda()
        method = self.code.unlearn.get_unlearn_method("RL")
        method(self.loaders, model, nn.CrossEntropyLoss(), self.arguments, self.mask)

    def evaluate(self) -> None:
        model, loaders = copy.deepcopy(self.network).cuda(), copy.deepcopy(self.loaders)
        for loader in loaders.values():
            self.code.utils.dataset_convert_to_test(loader.dataset, self.arguments)
            self.code.validate(loader, model, nn.CrossEntropyLoss(), self.arguments)
        retain, test = loaders["retain"].dataset, loaders["test"]
        members = Subset(retain, range(min(len(test.dataset), len(retain))))
        self.code.evaluation.SVC_MIA(
            shadow_train=DataLoader(members, batch_size=self.arguments.batch_size),
            shadow_test=test,
            target_train=None,
            target_test=loaders["forget"],
            model=model,
        )

    def _loader(self, ours: Ours, rows: Any, augmented: bool) -> DataLoader:
        changes: list[Any] = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
        transform = transforms.Compose([*(changes if augmented else []), transforms.ToTensor()])
        pinned = torch.cuda.is_available()
        return DataLoader(
            Pictures(ours.origins, rows, transform),
            batch_size=self.arguments.batch_size,
            shuffle=augmented,
            pin_memory=pinned,
        )


if __name__ == "__main__":
    main()
