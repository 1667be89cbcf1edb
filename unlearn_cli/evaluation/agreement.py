"""How alike a model and the retrain oracle predict, sample by sample."""

from collections.abc import Mapping

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from unlearn_cli.evaluation.logits import rows_of

PARTS = ("forget", "retain", "test")
CHUNK = 65536  # rows in double precision at once: ImageNet's retain set would fill the memory


def agreement(logits: Tensor, oracle_logits: Tensor, parts: Mapping[str, np.ndarray]) -> dict[str, float]:
    """`agreement_*` (% of equal argmax), `KL_*` (nats, mean Σ p_o log(p_o / p)); none for an empty part.

    parts: rows of the logits (N, C), by a name of PARTS.
    """
    values = {}
    for part, rows in parts.items():
        equal, divergence = 0, 0.0
        for some in np.split(rows, range(CHUNK, len(rows), CHUNK)):
            model, oracle = rows_of(logits, some), rows_of(oracle_logits, some)
            equal += int((model.argmax(dim=1) == oracle.argmax(dim=1)).sum())
            log_p, log_oracle = (z.double().log_softmax(dim=1) for z in (model, oracle))
            divergence += float(F.kl_div(log_p, log_oracle, reduction="sum", log_target=True))
        if len(rows):
            values[f"agreement_{part}"] = 100 * equal / len(rows)
            values[f"KL_{part}"] = divergence / len(rows)
    return values
