"""What the evidence of a certificate does not show, in sentences for whoever relies on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from unlearn_cli.config.dormant import switched_on
from unlearn_cli.methods.retrain import Retrain

if TYPE_CHECKING:
    from unlearn_cli.experiment import Experiment

ALWAYS = (
    "The rows are where the data are, and the original model, which learned them, is where it was: neither "
    "was deleted. Copies, backups, logs and models given to others are unknown to this run.",
    "Near copies, and rows that show the same person or thing and were not asked for, were not looked for "
    "and are retained.",
)
OF_HASHES = (
    "The hashes show that files are as they were when the certificate was written. Nobody has signed them: "
    "whoever may change every file can write another certificate. Keep its digest elsewhere, or sign it."
)


def not_shown(
    experiment: Experiment, evidence: Mapping[str, Any], asked: int, forgotten: int, copies: int | None
) -> list[str]:
    """The sentences, the most particular first."""
    return [*_of_run(experiment, evidence), *_of_rows(asked, forgotten, copies), *ALWAYS, OF_HASHES]


def _of_run(experiment: Experiment, evidence: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(experiment.method, Retrain):
        yield (
            "The method changes a trained model and does not train anew: nothing proves that no trace of the "
            "rows is left in its weights."
        )
        if not evidence["oracle"]:
            yield (
                "There is no model retrained without the rows to compare with, so how near to one this comes "
                "is not known."
            )
        elif not evidence["floor"]:
            yield (
                "There is one retrained model to compare with: how far two such models are from each other "
                "was not measured (oracle.count=3), so what a gap means is not known."
            )
    evaluation = experiment.config.get("eval") or {}
    if not switched_on(evaluation, "attacks"):
        yield (
            "No attack on single rows was made: what the model gives away of each of them is not known, and "
            "an average hides the worst."
        )
    if not switched_on(evaluation, "hidden"):
        yield (
            "Whether what was forgotten is gone or only hidden was not looked into: relearning, pruning and "
            "probes may bring it back."
        )


def _of_rows(asked: int, forgotten: int, copies: int | None) -> Iterator[str]:
    if others := asked - forgotten:
        yield (
            f"{others} of the {asked} rows asked for are no training rows: no model learned from them here, "
            "but numbers may have been measured on them."
        )
    if copies is None:
        yield "Exact copies of the forgotten images among the retained rows were not looked for."
    elif copies:
        yield f"{copies} of the {forgotten} forgotten images have an exact copy among the retained rows."
