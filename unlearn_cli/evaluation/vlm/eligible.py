"""Which questions tell whether a concept is forgotten: those that the original answers by seeing."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.evaluation.vlm.questioner import Questioner, percent


def eligible_rows(
    questioner: Questioner, original: nn.Module, answers: Mapping[int, str], cells: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, float]:
    """Direct rows that the original answers rightly, but not from an image without the concept.

    There may be none. Also what it answers rightly from a blank image, in percent: there it can but guess,
    and a guess may be the concept of all rows.

    answers: the original's, by row. cells: of `rows_by_cell`.
    """
    direct = cells["direct"]
    another = dict(zip(direct.tolist(), np.resize(cells["in_domain"], len(direct)), strict=True))

    def blank_image(model: nn.Module, batch: Batch) -> Tensor:
        return torch.full_like(batch.x, 0.5)

    def another_image(model: nn.Module, batch: Batch) -> Tensor:
        rows = np.array([another[row] for row in batch.index.tolist()])
        (other,) = questioner.trainer.batches(rows, len(rows))
        return other.x

    from_blank, from_another = (
        questioner.is_correct(direct, questioner.ask(original, direct, change=change))
        for change in (blank_image, another_image)
    )
    known = questioner.is_correct(direct, [answers[row] for row in direct])
    return direct[known & ~from_another], percent(from_blank)
