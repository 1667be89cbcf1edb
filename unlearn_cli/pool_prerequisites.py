"""The models of pools as prerequisites, each on its own: they are made side by side, before the runs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.seeds import without_own_seed
from unlearn_cli.experiment import Experiment
from unlearn_cli.methods.original import Original
from unlearn_cli.pool import Pool
from unlearn_cli.prerequisite import MODEL, Prerequisite, model_entry, sections
from unlearn_cli.seed_pool import Seeds
from unlearn_cli.shadows import Shadows


def pooled(kind: Prerequisite, experiment: Experiment) -> list[Prerequisite]:
    """Each of a pool, which are made side by side."""
    pool, unlearned, count = POOLS[kind]
    of_all = key_of({"of": kind.determined_by(experiment)})

    def one(number: int) -> Prerequisite:
        return replace(
            kind,
            determined_by=lambda _: [of_all, number],
            made=lambda origins: pool(origins).is_made(number, unlearned),
            make=lambda origins: pool(origins).margins(number, unlearned),
            entry=lambda origins: pool(origins).entry(number, unlearned),
            number=number,
        )

    return [one(number) for number in range(count(experiment))]


def _of_shadows(experiment: Experiment) -> Any:
    """Their seeds are their own, and what is to be forgotten does not matter."""
    found = sections(*MODEL, "shadows")(experiment)
    return found | {"train": without_own_seed(found["train"])}


def _of_seeds(experiment: Experiment) -> Any:
    return sections(*MODEL, "oracle")(experiment)


def _of_unlearned_shadows(experiment: Experiment) -> Any:
    own = sections("forget", "method", "mask", "surgery", "lora")(experiment)
    own["method"] = without_own_seed(own["method"])
    chosen_by_model = {"chosen_by": experiment.seeds.train} if experiment.forget.needs_original else {}
    return [_of_shadows(experiment), own, chosen_by_model]


SHADOW = Prerequisite(
    "shadow",
    wanted=lambda experiment: bool(experiment.eval.membership),
    determined_by=_of_shadows,
    after=("data",),
    made=lambda origins: False,  # each of a pool says so itself
    make=lambda origins: None,
    told_by=(),
    like=lambda origins: (
        *model_entry(Original())(origins),
        Shadows(origins).size / len(origins.splits.train),
    ),
)
UNLEARNED_SHADOW = replace(
    SHADOW,
    name="unlearned shadow",
    wanted=lambda experiment: (
        bool(experiment.eval.membership) and not isinstance(experiment.method, Original)
    ),
    determined_by=_of_unlearned_shadows,
    after=("forget set", "shadow"),
    told_by=("method", "forget"),
    like=None,
    as_a_run=True,
)
OVER_SEEDS = replace(
    SHADOW,
    name="original over seeds",
    wanted=lambda experiment: experiment.eval.has_klom,
    determined_by=_of_seeds,
    after=("data", "original"),
    told_by=("seed",),
    like=lambda origins: (*model_entry(Original())(origins), 1.0),
)
UNLEARNED_OVER_SEEDS = replace(
    UNLEARNED_SHADOW,
    name="unlearned over seeds",
    wanted=lambda experiment: experiment.eval.has_klom and not isinstance(experiment.method, Original),
    determined_by=lambda experiment: [_of_seeds(experiment), _of_unlearned_shadows(experiment)],
    after=("forget set", "original over seeds"),
    told_by=("method", "forget", "seed"),
)
POOLS: dict[Prerequisite, tuple[type[Pool], bool, Callable[[Experiment], int]]] = {
    SHADOW: (Shadows, False, lambda experiment: experiment.shadows.count),
    UNLEARNED_SHADOW: (Shadows, True, lambda experiment: experiment.shadows.count),
    OVER_SEEDS: (Seeds, False, lambda experiment: experiment.oracle.count),
    UNLEARNED_OVER_SEEDS: (Seeds, True, lambda experiment: experiment.oracle.count),
}
"""Their models, whether they are unlearned, and how many there are."""
