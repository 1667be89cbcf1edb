"""Methods of a user's own: one whose steps can be made long, and one that breaks."""

import os
import time
from pathlib import Path

from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.methods.ft import FineTune

ClassifierEvaluation.figures = lambda *_: []  # type: ignore[method-assign]  # half the time of a tiny run


class Slow(FineTune):
    """FT; a step takes half a second while the file `slowly` exists."""

    def unlearn(self, task, model, sets, trainer):
        slowly = Path(os.environ["USER_FOLDER"], "slowly")

        class Dawdling:
            """The task, with a pause before each loss."""

            def __getattr__(self, name):
                return getattr(task, name)

            def loss(self, model, batch):
                if slowly.exists():
                    time.sleep(0.5)
                return task.loss(model, batch)

        return super().unlearn(Dawdling(), model, sets, trainer)


class Broken(FineTune):
    """FT that breaks for seed 1 until the file `mended` exists."""

    def unlearn(self, task, model, sets, trainer):
        if trainer.seed == 1 and not Path(os.environ["USER_FOLDER"], "mended").exists():
            raise ValueError("broken on purpose")
        return super().unlearn(task, model, sets, trainer)
