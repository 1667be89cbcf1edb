"""What runs share, and what is better made before them: data, judge, models, forget set, metrics, scores."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from unlearn_cli import measuring
from unlearn_cli.config.seeds import without_own_seed
from unlearn_cli.experiment import Experiment
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.origins import Origins
from unlearn_cli.pool_prerequisites import POOLS, pooled
from unlearn_cli.prerequisite import MODEL, Entry, Prerequisite, model_entry, sections


def prerequisites(experiment: Experiment) -> list[Prerequisite]:
    """Those of a run, in an order in which they can be made."""
    found = [kind for kind in KINDS if kind.wanted(experiment)]
    if ORACLE in found:
        after = found.index(ORACLE) + 1
        found[after:after] = [further_oracle(number) for number in range(1, experiment.oracle.count)]
    return [one for kind in found for one in (pooled(kind, experiment) if kind in POOLS else [kind])]


def _all_but_the_method(experiment: Experiment) -> Any:
    found = sections(*MODEL, "forget", "eval", "oracle", "shadows")(experiment)
    return found, experiment.config.get("metric"), experiment.judged_on


def _of_judge(experiment: Experiment) -> Any:
    """The evaluation's seed is not the judge's, which has its own."""
    return {"data": experiment.config["data"], "eval": without_own_seed(experiment.config["eval"])}


def _of_oracle(experiment: Experiment, further: int = 0) -> Any:
    """A further one is the own oracle of the run of its seed, if that forgets the same rows."""
    found = sections(*MODEL, "forget")(experiment)
    seed = experiment.seeds.train
    chosen_by_model = {"chosen_by": seed} if further and experiment.forget.needs_original else {}
    return found | {"train": found["train"] | {"seed": seed + further}} | chosen_by_model


def _of_scores(experiment: Experiment) -> Any:
    scores = experiment.mask.facts(experiment.task)
    return [sections(*MODEL, "forget")(experiment), scores, experiment.seeds.method]


def _selection(origins: Origins) -> tuple[str, dict[str, Any]]:
    return "selection", origins.experiment.forget.selection_facts(origins)


def _has(entry: Entry) -> Callable[[Origins], bool]:
    return lambda origins: origins.store.find(*entry(origins)) is not None


def _make_model(method: Original) -> Callable[[Origins], object]:
    return lambda origins: origins.outputs(origins.get(method))


def _has_metrics(origins: Origins) -> bool:
    experiment = origins.experiment
    keys = [(origins.key(Original()), experiment.seeds.train)]
    if experiment.needs_oracle:
        keys += [(origins.retrained(seed).key(Retrain()), seed) for seed in experiment.oracle_seeds]
    return all(origins.store.find(*entry) for key in keys for entry in measuring.entries(origins, *key))


def _make_metrics(origins: Origins) -> None:
    measuring.measured_once(origins, origins.get(Original()))
    if origins.experiment.needs_oracle:
        for oracle in origins.oracles():
            measuring.measured_once(origins, oracle)


def _is_scored(experiment: Experiment) -> bool:
    return experiment.mask.scored and not isinstance(experiment.method, Original)


def _has_scores(origins: Origins) -> bool:
    return origins.experiment.mask.made(origins.experiment.task, origins.store, origins.mask_facts())


def _make_scores(origins: Origins) -> None:
    origins.mask(origins.trainer(origins.store.root, stage="method"))


@cache
def further_oracle(number: int) -> Prerequisite:
    """The oracle whose seed is that much above the own one's."""

    def of_its_seed(origins: Origins) -> Origins:
        return origins.retrained(origins.experiment.seeds.train + number)

    entry = model_entry(Retrain())
    return replace(
        ORACLE,
        determined_by=lambda experiment: _of_oracle(experiment, number),
        made=lambda origins: ORACLE.made(of_its_seed(origins)),
        make=lambda origins: ORACLE.make(of_its_seed(origins)),
        entry=lambda origins: entry(of_its_seed(origins)),
        further=number,
    )


ORACLE = Prerequisite(
    "oracle",
    wanted=lambda experiment: experiment.needs_oracle,
    determined_by=_of_oracle,
    after=("data", "judge", "forget set"),
    made=_has(model_entry(Retrain())),
    make=_make_model(Retrain()),
    told_by=("forget", "seed"),
    entry=model_entry(Retrain()),
)
KINDS = (
    Prerequisite(
        "data",
        wanted=lambda experiment: True,
        determined_by=sections("data"),
        after=(),
        made=lambda origins: True,  # they have been loaded
        make=lambda origins: None,
        told_by=(),
    ),
    Prerequisite(
        "judge",
        wanted=lambda experiment: experiment.eval.has_judge,
        determined_by=_of_judge,
        after=("data",),
        made=lambda origins: origins.experiment.eval.judge_made(origins),
        make=lambda origins: origins.experiment.eval.make_judge(origins),
        told_by=(),
    ),
    Prerequisite(
        "original",
        wanted=lambda experiment: True,
        determined_by=sections(*MODEL),
        after=("data", "judge"),
        made=_has(model_entry(Original())),
        make=_make_model(Original()),
        told_by=("seed",),
        entry=model_entry(Original()),
    ),
    Prerequisite(
        "forget set",
        wanted=lambda experiment: experiment.forget.trains,
        determined_by=sections(*MODEL, "forget"),
        after=("original",),
        made=_has(_selection),
        make=lambda origins: origins.forget_set,
        told_by=("forget", "seed"),
        entry=_selection,
    ),
    ORACLE,
    *POOLS,
    Prerequisite(
        "reference metrics",
        wanted=lambda experiment: True,
        determined_by=_all_but_the_method,
        after=("original", "forget set", "oracle", "shadow", "original over seeds"),
        made=_has_metrics,
        make=_make_metrics,
        told_by=("forget", "seed"),
    ),
    Prerequisite(
        "saliency scores",
        wanted=_is_scored,
        determined_by=_of_scores,
        after=("original", "forget set"),
        made=_has_scores,
        make=_make_scores,
        told_by=("forget", "seed"),
    ),
)
