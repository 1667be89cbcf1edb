"""Membership inference on the forget set: SalUn's SVC attack (arXiv:2310.12508; evaluation/SVC_MIA.py).

An RBF support vector classifier learns members (retain rows) from non-members (test rows) by one feature of
the model's output. The value is the share of forget rows that it then calls non-members.
"""

from typing import Literal

import numpy as np
from pydantic import Field
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC
from sklearn.utils import gen_batches
from sklearn.utils.parallel import Parallel, delayed
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.features import FEATURES
from unlearn_cli.evaluation.logits import rows_of
from unlearn_cli.runtime.seeding import rng

ROUNDING = 1e-12
"""Of a sum, relative to that of its terms' magnitudes."""


class MIASettings(Settings):
    """The attack's options."""

    features: tuple[Literal["confidence", "correctness", "entropy", "m_entropy", "prob"], ...] = Field(
        min_length=1, description="one attack each; confidence is the paper's MIA"
    )
    members: Literal["first", "random"] = Field(
        description="retain rows, as many as non-members: first in data order (paper's code) or random"
    )
    max_samples: int | None = Field(
        gt=1,
        description="cap on members and on non-members, stratified by class; null = all (the paper's size)",
    )
    leak_free: bool = Field(
        description="also attack with validation rows as non-members: no image of TA trains it"
    )
    seed: int = Field(ge=0, description="draws random members and subsamples")


def mia(logits: Tensor, labels: np.ndarray, sets: Sets, settings: MIASettings) -> dict[str, float]:
    """100 · (forget rows called non-members) / |D_f| for each attack: `MIA` (confidence), `MIA_<feature>`.

    logits (N, C) and labels (N,) span the row space. `MIA_leak_free` takes its non-members from the
    validation rows and as many members: no image of TA trains the attack. Members and non-members are equal
    in number, the larger side subsampled: otherwise the SVC calls whatever it doubts by the larger side's
    name (the released code does so where the retain set is the smaller). Where there is no validation
    split, or models are judged on it, a seeded, stratified half of the test rows stands in, and only the
    other half of TA is then unseen.
    """
    attacks = {
        "MIA" if feature == "confidence" else f"MIA_{feature}": (feature, sets.test)
        for feature in settings.features
    }
    if settings.leak_free:
        halved = subsample(sets.test, labels, len(sets.test) // 2, settings.seed)
        attacks["MIA_leak_free"] = ("confidence", sets.spare_val if len(sets.spare_val) else halved)

    def attack(feature: str, nonmembers: np.ndarray) -> float:
        members = _members(sets.retain, len(nonmembers), settings)
        nonmembers = subsample(nonmembers, labels, len(members), settings.seed)
        known, unknown = (
            subsample(rows, labels, settings.max_samples, settings.seed) for rows in (members, nonmembers)
        )
        # Single precision is what the paper's code measures; it also makes saturated outputs equal points.
        parts = [
            FEATURES[feature](rows_of(logits, rows), labels[rows]).astype(np.float32)
            for rows in (known, unknown, sets.forget)
        ]
        return 100 * float(np.mean(~is_member(*parts)))

    # Threads suffice: libsvm and NumPy release the interpreter's lock. The longest attack starts first.
    order = sorted(attacks, key=lambda name: name != "MIA_prob")
    values = Parallel(n_jobs=-1, prefer="threads")(delayed(attack)(*attacks[name]) for name in order)
    return dict(zip(order, values, strict=True))


def is_member(known: np.ndarray, unknown: np.ndarray, query: np.ndarray) -> np.ndarray:
    """What SVC(C=3, gamma="auto", RBF).predict says of `query`: True = member. All (rows, features).

    Equal points of one class are merged into one of their summed weight, which scales its C: the same
    optimum from a smaller problem, since duplicates share their constraint up to its bound.
    """
    points, sides, weights = [], [], []
    for side, part in ((1, known), (0, unknown)):
        distinct, count = np.unique(part.astype(np.float64), axis=0, return_counts=True)
        points.append(distinct)
        sides.append(np.full(len(distinct), side))
        weights.append(count)
    svc = SVC(C=3, gamma="auto", kernel="rbf")
    svc.fit(np.concatenate(points), np.concatenate(sides), sample_weight=np.concatenate(weights))
    asked, where = np.unique(query.astype(np.float64), axis=0, return_inverse=True)
    gamma = 1 / asked.shape[1]  # "auto"
    # = svc.decision_function(asked), evaluated as matrix products (about 4 times faster)
    decision = [
        rbf_kernel(asked[some], svc.support_vectors_, gamma) @ svc.dual_coef_[0]
        for some in gen_batches(len(asked), 1024)
    ]
    distance = np.concatenate(decision) + svc.intercept_
    member = distance > 0
    tied = np.abs(distance) <= ROUNDING * np.abs(svc.dual_coef_).sum()
    if tied.any():  # it sums in another order, and has its own way with 0
        member[tied] = svc.predict(asked[tied])
    return member[where.reshape(-1)]


def _members(retain: np.ndarray, count: int, settings: MIASettings) -> np.ndarray:
    """As many retain rows as there are non-members; all of them where there are fewer."""
    if settings.members == "random" and count < len(retain):
        return np.sort(rng("mia members", settings.seed).choice(retain, count, replace=False))
    return retain[:count]


def subsample(rows: np.ndarray, labels: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """`count` of the rows, each class in its proportion up to one row; all rows when they are fewer."""
    if count is None or count >= len(rows):
        return rows
    shuffled_within_class = np.lexsort((rng("mia subsample", seed).random(len(rows)), labels[rows]))
    evenly = (np.arange(count) * len(rows)) // count
    return np.sort(rows[shuffled_within_class[evenly]])
