"""What runs share, and what is better made before them: data, judge, models, forget set, metrics, scores."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from unlearn_cli import measuring
from unlearn_cli.config.hashing import key_of
from unlearn_cli.experiment import Experiment
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.origins import Origins
from unlearn_cli.shadows import Pool

MODEL = ("task", "data", "model", "train", "device", "precision", "channels_last", "compile")
"""Keys of the configuration that determine an original model; its seed is among those of `train`."""


Entry = Callable[[Origins], tuple[str, dict[str, Any]]]
"""Kind and facts of an entry of the store."""


@dataclass(frozen=True)
class Prerequisite:
    """A kind of thing that is made once, kept in the store, and found there by every run that needs it."""

    name: str
    wanted: Callable[[Experiment], bool]
    determined_by: Callable[[Experiment], Any]
    """The part of a configuration that is equal for two runs exactly if they share the thing."""
    after: tuple[str, ...]
    """Names of those that must be there first."""
    made: Callable[[Origins], bool]
    """Whether the store has it; asked only where all of `after` are made."""
    make: Callable[[Origins], object]
    told_by: tuple[str, ...]
    """Which of forget set and seed tell two of them apart, for their names."""
    entry: Entry | None = None
    """The entry whose making takes the time."""
    further: int = 0
    """By how much its training's seed is above the run's."""
    like: Callable[[Origins], tuple[str, dict[str, Any], float]] | None = None
    """Kind and facts of another entry that tells of that time, and how many times as long it takes."""
    number: int | None = None
    """Which one of a pool it is, that are made side by side: each in a job of its own, be it for one run."""


def prerequisites(experiment: Experiment) -> list[Prerequisite]:
    """Those of a run, in an order in which they can be made."""
    found = [kind for kind in KINDS if kind.wanted(experiment)]
    if ORACLE in found:
        after = found.index(ORACLE) + 1
        found[after:after] = [further_oracle(number) for number in range(1, experiment.oracle.count)]
    return [one for kind in found for one in (_pool(kind, experiment) if kind in POOLS else [kind])]


def identity(kind: Prerequisite, experiment: Experiment) -> str:
    """Equal for two runs that share this prerequisite."""
    return f"{kind.name.replace(' ', '-')}-{key_of({'of': kind.determined_by(experiment)})}"


def _sections(*names: str) -> Callable[[Experiment], Any]:
    return lambda experiment: {name: experiment.config[name] for name in names}


def _all_but_the_method(experiment: Experiment) -> Any:
    sections = _sections(*MODEL, "forget", "eval", "oracle", "shadows")(experiment)
    return sections, experiment.config.get("metric"), experiment.judged_on


def _of_judge(experiment: Experiment) -> Any:
    """The evaluation's seed is not the judge's, which has its own."""
    evaluation = {key: value for key, value in experiment.config["eval"].items() if key != "seed"}
    return {"data": experiment.config["data"], "eval": evaluation}


def _of_oracle(experiment: Experiment, further: int = 0) -> Any:
    """A further one is the own oracle of the run of its seed, if that forgets the same rows."""
    found = _sections(*MODEL, "forget")(experiment)
    seed = experiment.seeds.train
    chosen_by_model = {"chosen_by": seed} if further and experiment.forget.needs_original else {}
    return found | {"train": found["train"] | {"seed": seed + further}} | chosen_by_model


def _of_scores(experiment: Experiment) -> Any:
    scores = experiment.mask.facts(experiment.task)
    return [_sections(*MODEL, "forget")(experiment), scores, experiment.seeds.method]


def _model(method: Original) -> Entry:
    def entry(origins: Origins) -> tuple[str, dict[str, Any]]:
        if origins.experiment.model.ready_made:  # there is nothing to train
            return "outputs", origins.output_facts(origins.key(method))
        return "model", origins.facts(method.rows(origins))

    return entry


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


def _pool(kind: Prerequisite, experiment: Experiment) -> list[Prerequisite]:
    """Each of a pool of shadow models."""
    unlearned, of_all = kind is UNLEARNED_SHADOW, key_of({"of": kind.determined_by(experiment)})

    def one(number: int) -> Prerequisite:
        return replace(
            kind,
            determined_by=lambda _: [of_all, number],
            made=lambda origins: Pool(origins).is_made(number, unlearned),
            make=lambda origins: Pool(origins).margins(number, unlearned),
            entry=lambda origins: Pool(origins).entry(number, unlearned),
            number=number,
        )

    return [one(number) for number in range(experiment.shadows.count)]


def _of_shadows(experiment: Experiment) -> Any:
    """Their seeds are their own, and what is to be forgotten does not matter."""
    found = _sections(*MODEL, "shadows")(experiment)
    return found | {"train": {key: value for key, value in found["train"].items() if key != "seed"}}


def _of_unlearned_shadows(experiment: Experiment) -> Any:
    own = _sections("forget", "method", "mask", "surgery", "lora")(experiment)
    own["method"] = {key: value for key, value in own["method"].items() if key != "seed"}
    chosen_by_model = {"chosen_by": experiment.seeds.train} if experiment.forget.needs_original else {}
    return [_of_shadows(experiment), own, chosen_by_model]


@cache
def further_oracle(number: int) -> Prerequisite:
    """The oracle whose seed is that much above the own one's."""

    def of_its_seed(origins: Origins) -> Origins:
        return origins.retrained(origins.experiment.seeds.train + number)

    entry = _model(Retrain())
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
    made=_has(_model(Retrain())),
    make=_make_model(Retrain()),
    told_by=("forget", "seed"),
    entry=_model(Retrain()),
)
SHADOW = Prerequisite(
    "shadow",
    wanted=lambda experiment: bool(experiment.eval.membership),
    determined_by=_of_shadows,
    after=("data",),
    made=lambda origins: False,  # each of a pool says so itself
    make=lambda origins: None,
    told_by=(),
    like=lambda origins: (*_model(Original())(origins), Pool(origins).size / len(origins.splits.train)),
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
)
POOLS = (SHADOW, UNLEARNED_SHADOW)
KINDS = (
    Prerequisite(
        "data",
        wanted=lambda experiment: True,
        determined_by=_sections("data"),
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
        determined_by=_sections(*MODEL),
        after=("data", "judge"),
        made=_has(_model(Original())),
        make=_make_model(Original()),
        told_by=("seed",),
        entry=_model(Original()),
    ),
    Prerequisite(
        "forget set",
        wanted=lambda experiment: experiment.forget.trains,
        determined_by=_sections(*MODEL, "forget"),
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
        after=("original", "forget set", "oracle", "shadow"),
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
