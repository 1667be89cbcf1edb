"""Shared by all tests: one thread a process, tiny data, the command."""

# ruff: noqa: E402

import gc
import os

gc.disable()  # until the tests are collected: what is imported by then are very many objects, and all stay
# One: models of a second gain nothing from more, and two processes of two threads on two cores wait for each
# other most of the time. pytest-xdist's workers inherit what the process that starts them has set.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # processes that tests start would all compile the package
os.environ["WANDB_MODE"] = "offline"
os.environ["HF_HUB_OFFLINE"] = "1"

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
import recipes
import tiny_run
import torch
from matplotlib.figure import Figure
from quick_hydra import quick_hydra

from unlearn_cli.cli import main
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.training.optim import Recipe

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))  # as processes of the tests: bits depend on it


TESTS = Path(__file__).parent
LONGEST_FIRST = (
    *("slurm", "runs", "test_extension.py", "sweep", "test_all_configs.py", "golden", "bad_input"),
    *("tracking", "command", "sae"),
)
"""Of several processes none is to begin one of these when the others have nothing left to do."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share models, those of SLURM a cluster: each in one of several processes."""

    def place(item: pytest.Item) -> int:
        top = item.path.relative_to(TESTS).parts[0]
        return LONGEST_FIRST.index(top) if top in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)
    for item in items:
        name = "slurm" if "slurm" in item.path.parts else item.path.relative_to(TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(name))


def pytest_collection_finish() -> None:
    """From here on Python looks for garbage among what the tests make alone."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def hydra_is_quick() -> Iterator[None]:
    with quick_hydra():
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """A run waits some thirty times. What is killed here is a process: the kernel keeps what it wrote."""
    with patch("os.fsync", lambda number: None):
        yield


@pytest.fixture(scope="session", autouse=True)
def fingerprints_are_ours(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Of this session's files none is remembered after it."""
    os.environ["UNLEARN_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def plugins_are_forgotten() -> Iterator[None]:
    """Modules of a test's folder `plugins`: the next test may have others of their names."""
    yield
    for name, module in list(sys.modules.items()):
        if "." not in name and Path(getattr(module, "__file__", None) or "").parent.name == "plugins":
            del sys.modules[name]


@pytest.fixture
def recipe():
    """recipe(**changes): an SGD recipe of two epochs."""
    return lambda **changes: Recipe(**recipes.SGD | changes)


@pytest.fixture
def saved_figures(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], list[Figure]]:
    """saved_figures(module): the figures that the module's `save` writes from now on, and writes still."""

    def of(module: ModuleType) -> list[Figure]:
        kept: list[Figure] = []
        save = module.save
        monkeypatch.setattr(module, "save", lambda figure, path: (kept.append(figure), save(figure, path)))
        return kept

    return of


@pytest.fixture
def compute():
    return Compute("cpu", "fp32", channels_last=False, compile=False)


@pytest.fixture
def toy():
    """40 random 4 x 4 images of 3 classes, with augmentation; the last 10 rows are the test set."""
    generator = torch.Generator().manual_seed(0)
    return Resident.of(
        torch.randint(0, 256, (40, 1, 4, 4), dtype=torch.uint8, generator=generator),
        np.arange(40) % 3,
        name="toy",
        classes=["a", "b", "c"],
        train_rows=np.arange(30),
        test_rows=np.arange(30, 40),
        augment=Augment(crop_padding=1, flip=True, random_resized=False),
        device=torch.device("cpu"),
    )


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one error line, without its label."""
        (line,) = [line for line in self.err.splitlines() if line.startswith("error: ")]
        return line.removeprefix("error: ")


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store for all tests of the command, so that a model is trained once."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders and the store of all whole runs: each original, oracle and judge is trained once."""
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture
def run(outputs: Path) -> Callable[..., dict[str, Any]]:
    """run("method=ga", ...): the result of a whole run, its originals and oracles in the shared store."""

    def of(*arguments: str, figures: bool = False) -> dict[str, Any]:
        (result,) = tiny_run.unlearn(f"paths.outputs={outputs}", *arguments, figures=figures)
        return result

    return of


@pytest.fixture
def unlearn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """unlearn(*arguments): the command in this process, in an empty folder."""
    monkeypatch.setattr(logging.getLogger("unlearn"), "handlers", [])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["unlearn", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        return Ended(code, *capsys.readouterr())

    return command


@pytest.fixture
def tiny(unlearn: Command, monkeypatch: pytest.MonkeyPatch, shared_store: Path) -> Command:
    """tiny(*arguments): the command on a fifth of the digits, outputs in ./outputs.

    Without the figures, which take most of its time.
    """
    monkeypatch.setattr(ClassifierEvaluation, "figures", lambda *_: [])
    small = (
        "data.subset=0.2",
        "train.epochs=1",
        "progress=false",
        "device=cpu",
        f"paths.store={shared_store}",
    )
    model = ("model.depth=8", "model.width=8")

    def command(*arguments: str) -> Ended:
        other = any(argument.startswith(("model=", "task=")) for argument in arguments)
        own = () if other else model
        return unlearn(*small, *own, *arguments)

    return command


@pytest.fixture
def refused(tiny):
    """refused(*arguments) -> the error line of a command that must be refused before it writes anything."""

    def command(*arguments: str) -> str:
        end = tiny(*arguments)
        assert end.code == 2, end.err
        assert end.out == ""
        assert "Traceback" not in end.err
        assert end.err.splitlines()[-1] == f"error: {end.error}"
        assert not [file for file in Path("outputs").rglob("*") if file.is_file()]
        assert len(end.error) < 400
        return end.error

    return command
