"""Likeness of representations: linear CKA (Kornblith et al., ICML 2019), layer by layer.

CKA(K, L) = HSIC(K, L) / √(HSIC(K, K)·HSIC(L, L)) of the Gram matrices K = XXᵀ, L = YYᵀ of n samples. HSIC is
the unbiased estimator (Song et al., JMLR 2012, equation 5; for CKA Nguyen et al., ICLR 2021): the plain one
comes near 1 for any two layers that are wider than n, and forget sets are small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.rows import spread
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.hidden.base import Found, Inspection, Subject
from unlearn_cli.evaluation.hidden.features import check_has_features, layers_read

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

FEWEST = 4
"""Samples that the unbiased estimator takes."""


class Cka(Inspection):
    """CKA to the original and to the oracle, of what each layer reads of forgotten and of kept samples."""

    name: ClassVar[str] = "cka"

    rows: int = Field(ge=FEWEST, description="forget samples at most, and as many test samples")

    def check(self, origins: Origins, model: nn.Module) -> None:
        check_has_features(model, "eval.hidden: cka")
        for name, rows in self._rows(origins.sets).items():
            if len(rows) < FEWEST:
                raise InputError(
                    f"eval.hidden: cka takes {FEWEST} {name} samples, and there are {len(rows)}; leave it out"
                )

    def inspect(self, subject: Subject) -> Found:
        trainer, references = subject.origins.trainer(subject.folder), subject.references()
        record: dict[str, dict[str, dict[str, float]]] = {}
        for name, rows in self._rows(subject.origins.sets).items():
            (batch,) = trainer.batches(rows, len(rows))
            own = layers_read(subject.model, batch.x, gram)
            record[name] = {
                reference: _by_layer(own, layers_read(model, batch.x, gram))
                for reference, model in references.items()
            }
        last = {name: [*values.values()][-1] for name, values in record["forget"].items() if values}
        return Found({f"CKA_{name}": value for name, value in last.items()}, record)

    def _rows(self, sets: Sets) -> dict[str, np.ndarray]:
        return {"forget": spread(sets.forget, self.rows), "test": spread(sets.test, self.rows)}


def _by_layer(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, float]:
    """CKA of the layers that both have."""
    return {name: cka(own[name], other[name]) for name in own if name in other}


def gram(features: Tensor) -> Tensor:
    """(n, D) -> (n, n) float64, of centred features."""
    centred = features.double() - features.double().mean(0)
    return centred @ centred.T


def cka(one: Tensor, other: Tensor) -> float:
    """Of two Gram matrices (n, n), n ≥ 4; at most 1, about 0 (a little below, too) where nothing is alike.

    0 where the features of one do not vary.
    """
    scale = hsic(one, one) * hsic(other, other)
    return hsic(one, other) / scale**0.5 if scale > 0 else 0.0


def hsic(one: Tensor, other: Tensor) -> float:
    """The unbiased estimate of the Hilbert-Schmidt independence criterion of Gram matrices (n, n)."""
    n = len(one)
    one, other = one.clone().fill_diagonal_(0), other.clone().fill_diagonal_(0)
    total = (one * other).sum() + one.sum() * other.sum() / ((n - 1) * (n - 2))
    total = total - 2 / (n - 2) * (one.sum(0) @ other.sum(1))
    return float(total) / (n * (n - 3))
