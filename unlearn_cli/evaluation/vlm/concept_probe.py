"""Is the concept still there, in what the language model reads of an image?"""

import numpy as np
import torch
from torch import nn

from unlearn_cli.data.answers import rows_by_cell
from unlearn_cli.data.rows import spread
from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.probes import concept_probe
from unlearn_cli.evaluation.vlm.questioner import Questioner
from unlearn_cli.models.capabilities import WithProjectedPatches

PROBED = 600
"""Images at most that the probe learns from, with the concept and without it."""


@torch.no_grad()
def probe_projected(questioner: Questioner, model: nn.Module, sets: Sets, tested: np.ndarray) -> float:
    """Balanced accuracy in percent of a linear probe on the mean projected patch, learnt from training rows.

    tested: rows that it is tried on.
    """
    assert isinstance(model, WithProjectedPatches)

    def examples(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_cell = rows_by_cell(questioner.data, rows, sets.concepts)
        shows, others = (spread(by_cell[name], PROBED) for name in ("direct", "in_domain"))
        batches = questioner.trainer.batches(np.concatenate([shows, others]), questioner.task.batch_size)
        pooled = [model.projected(batch.x).mean(1).cpu() for batch in batches]
        return torch.cat(pooled).numpy(), np.repeat([1, 0], [len(shows), len(others)])

    train = np.sort(np.concatenate([sets.forget, sets.unforgotten]))
    return concept_probe(*examples(train), *examples(tested))
