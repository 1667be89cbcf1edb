"""A case run as the command runs it, killed at every stage, and made whole again by the same command."""

import importlib
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from left import differences, left
from moments import Moment, stages, watched
from quick_hydra import quick_hydra
from run_results import run_folders
from tiny_cases import EARLIER, overrides
from tiny_processes import PRELOADED
from tiny_run import unlearn

forked = multiprocessing.get_context("fork")

SHARED = "original"
"""The case that makes whatever the runs of a task share: its stages are theirs."""


class Problem:
    """The cases of a task, in a folder of their own. Each run is a process of one thread."""

    def __init__(self, task: str, folder: Path):
        self.task, self.folder = task, folder
        self.outputs = folder / "outputs"
        folder.mkdir(parents=True, exist_ok=True)
        for module in PRELOADED:
            importlib.import_module(module)

    def killed(
        self, case: str, chosen: Callable[[list[Moment]], list[Moment]] = list
    ) -> Iterator[tuple[Moment, list[str]]]:
        """Those chosen of a case's stages, and in what the resumed run differs from an undisturbed one.

        All runs have the same folder, one after the other.
        """
        copies = self.folder / "copies"
        self._begin(case)
        command = self._command(case, self.outputs)
        found = _in_process(self.folder, _recorded, command, self.outputs, copies)
        whole = left(self.outputs)
        for moment in chosen(stages(found)):
            shutil.rmtree(self.outputs)
            moment.disk.rename(self.outputs)
            try:
                _in_process(self.folder, _run, command)
            except RuntimeError as error:
                yield moment, [str(error)]
            else:
                yield moment, differences(whole, left(self.outputs))
        shutil.rmtree(copies)

    def _begin(self, case: str) -> None:
        """The folder as a case finds it: with what the task's runs share, but for the one that makes it."""
        shutil.rmtree(self.outputs, ignore_errors=True)
        self.outputs.mkdir(parents=True)
        if case != SHARED:
            shutil.copytree(self._shared, self.outputs / "store")

    @cached_property
    def _shared(self) -> Path:
        """A store with the models, judges and outputs that all runs of the task have in common."""
        _in_process(self.folder, _run, self._command(SHARED, self.folder / SHARED))
        return self.folder / SHARED / "store"

    def _command(self, case: str, outputs: Path) -> list[str]:
        command = [*overrides(self.task, case), "checkpoint_minutes=0", f"paths.outputs={outputs}"]
        if earlier := EARLIER.get(case.split()[0]):
            command.append(f"method.path={self._run_folder(earlier)}")
        return command

    def _run_folder(self, case: str) -> Path:
        outputs = self.folder / "earlier" / case
        if not outputs.exists():
            store = f"paths.store={self._shared}"
            _in_process(self.folder, _run, [*self._command(case, outputs), store])
        (folder,) = run_folders(outputs)
        return folder


def _run(command: list[str]) -> None:
    unlearn(*command)


def _recorded(command: list[str], outputs: Path, copies: Path) -> list[Moment]:
    with watched(outputs, copies) as moments:
        unlearn(*command)
    return moments


def _in_process(folder: Path, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives, called in a fork of this process. RuntimeError: how it ended otherwise."""
    errors = folder / "stderr"
    receiving, sending = forked.Pipe(duplex=False)
    process = forked.Process(target=_called, args=(errors, sending, function, arguments))
    process.start()
    sending.close()
    try:
        result = receiving.recv()
    except EOFError:
        result = None
    process.join()
    if process.exitcode:
        said = errors.read_text().strip().splitlines()
        raise RuntimeError(f"ended with {process.exitcode}: {' | '.join(said[-3:])}")
    return result


def _called(errors: Path, sending: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with errors.open("w") as file:
        os.dup2(file.fileno(), 2)
        os.dup2(file.fileno(), 1)
    torch.set_num_threads(1)  # the bits of a sum depend on it
    with quick_hydra():
        sending.send(function(*arguments))
