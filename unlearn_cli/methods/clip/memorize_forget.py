"""The two losses that all methods for domains share: remember some images, know nothing of the others."""

from typing import Literal

import torch
from torch import Tensor

from unlearn_cli.data.batch import Batch

ForgetLoss = Literal["uniform_ce", "neg_entropy"]

EPSILON = 1e-5  # the release's, inside the logarithm


def memorize_and_forget(logits: Tensor, batch: Batch, kind: ForgetLoss) -> dict[str, Tensor]:
    """`retain`: cross-entropy of the rows to be kept; `forget`: of the others; each a mean over its own rows.

    uniform_ce: −(1/|C|) Σ_c log p(c|x), the cross-entropy to the uniform distribution (ADU's paper);
    neg_entropy: Σ_c p log p (its code), whose gradient vanishes where p is sure. A term without rows is 0.
    """
    log_p = logits.float().log_softmax(dim=1)
    retain = -log_p.gather(1, batch.y[:, None])[:, 0]
    if kind == "uniform_ce":
        forget = -log_p.mean(dim=1)
    else:
        p = log_p.exp()
        forget = (p * (p + EPSILON).log()).sum(dim=1)
    return {"retain": _mean(retain, ~batch.forget), "forget": _mean(forget, batch.forget)}


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return torch.where(where, values, 0.0).sum() / where.sum().clamp(min=1)
