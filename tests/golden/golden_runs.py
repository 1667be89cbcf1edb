"""A case run as the command runs it, but for its evaluation; all imports from the package are here."""

import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import torch
from golden_numbers import numbers
from omegaconf import OmegaConf
from tiny_cases import EARLIER, overrides

from unlearn_cli.config.composing import composed
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import References
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.origins import Origins
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store
from unlearn_cli.tracking import Tracker
from unlearn_cli.unlearning import unlearned

ROWS = 16
ORIGINAL = "original"
MODELS = "store/model"


class Golden:
    """The cases of one task, in a temporary folder: its original is trained once.

    Nothing else is shared, so that no case's history depends on what another has put into the store.
    """

    def __init__(self, task: str, folder: Path):
        self.task = task
        self.folder = folder
        self.compute = Compute("cpu", "fp32", channels_last=True, compile=False)
        self.run = cache(self._run)
        self.read_back: dict[str, list[str]] = {}
        """By case what its model is not, once it is read from its run folder."""

    def _run(self, case: str) -> dict[str, Any]:
        """The numbers of a case."""
        experiment, path = self._experiment(case), self._path(case)
        store = Store(experiment.paths.store, self.compute)
        origins = Origins.of(experiment, self.compute, store)
        original = origins.get(Original())
        oracle = origins.get(Retrain()) if isinstance(experiment.method, Retrain) else None
        references = References(original, oracle)
        model, record = unlearned(origins, references, path, Tracker())
        again, _ = unlearned(origins, references, path, Tracker())
        sets, trainer = origins.sets, origins.trainer(path)
        losses = {
            name: experiment.task.losses(model, trainer, rows[:ROWS])
            for name, rows in (("forget", sets.forget), ("retain", sets.retain))
        }
        rows = sets.retain[:ROWS]
        made, read_back = model.state_dict(), again.state_dict()
        self.read_back[case] = [
            *(f"names: {name}" for name in sorted({*made} ^ {*read_back})),
            *(
                f"values: {name}"
                for name, value in made.items()
                if name in read_back and not torch.equal(value, read_back[name])
            ),
            *["losses"] * (not torch.equal(losses["retain"], experiment.task.losses(again, trainer, rows))),
        ]
        return numbers(record["history"], model, original.model, losses, sets.forget)

    def _experiment(self, case: str) -> Experiment:
        arguments = [*overrides(self.task, case), f"paths.outputs={self._path(case)}"]
        if earlier := EARLIER.get(case.split()[0]):
            self.run(earlier)
            arguments.append(f"method.path={self._path(earlier)}")
        config, choices = composed(arguments)
        experiment = read(config, choices)
        self._path(case).mkdir(parents=True)
        if case != ORIGINAL:
            self.run(ORIGINAL)
            shutil.copytree(self._path(ORIGINAL) / MODELS, self._path(case) / MODELS)
        OmegaConf.save(OmegaConf.create(experiment.config), self._path(case) / "config.yaml")
        return experiment

    def _path(self, case: str) -> Path:
        return self.folder / "runs" / re.sub(r"[^\w.]+", "-", case)
