"""Classifiers as people train them elsewhere: twenty lines of plain PyTorch on a folder of images."""

from collections.abc import Callable, Collection
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

Loaded = Callable[[Image.Image], Tensor]


def train(net: nn.Module, folder: Path, load: Loaded, epochs: int = 2) -> None:
    """Adam on FOLDER/train."""
    torch.manual_seed(0)
    batches = DataLoader(ImageFolder(str(folder / "train"), load), batch_size=32, shuffle=True)
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    net.train()
    for _ in range(epochs):
        for x, y in batches:
            optimiser.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimiser.step()


@torch.no_grad()
def accuracy(net: nn.Module, folder: Path, load: Loaded, files: Collection[str] | None = None) -> float:
    """Percent of the images of FOLDER that are classified rightly; files: of these alone."""
    net.eval()
    images = ImageFolder(str(folder), load, is_valid_file=files and (lambda f: f.rsplit("/", 1)[-1] in files))
    right = [(net(x).argmax(1) == y) for x, y in DataLoader(images, batch_size=64)]
    return 100 * float(torch.cat(right).double().mean())


def digit_folders(folder: Path, train: int, test: int) -> Path:
    """So many of scikit-learn's digits as PNG files in train/CLASS and test/CLASS."""
    digits = load_digits()
    for row in range(train + test):
        name = f"{'train' if row < train else 'test'}/{digits.target[row]}/{row:04}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[row] * 15).astype("uint8")).save(folder / name)
    return folder
