"""Rows whose runs share originals: what their spread is made of, and for how many results they count."""

from collections.abc import Sequence
from statistics import fmean

from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.keys import METHOD, origin, token
from unlearn_cli.compare.meanings import score
from unlearn_cli.compare.numbers import number
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.variance import Parts, parts, pays_most
from unlearn_cli.evaluation.meaning import Meaning

PAYS = {
    "training": "one more original (train.seed) pays most for its time",
    "unlearning": "one more unlearning of each original (method.seed) pays most for its time",
}


def by_original(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs, those that start from one original and forget the same together."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(origin(run), []).append(run)
    return [*found.values()]


def is_nested(runs: Sequence[Run]) -> bool:
    """Whether some original was unlearned more than once; one unlearning judged twice is not that."""
    return any(len(_by_unlearning(own)) > 1 for own in by_original(runs))


def _by_unlearning(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs of one original, those that differ in eval.seed alone together."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(token([run.config.get(group) for group in METHOD]), []).append(run)
    return [*found.values()]


def sentences(groups: Sequence[Group], key: str, meaning: Meaning) -> list[str]:
    """A sentence for each row with runs of one original, on what the table is ranked by."""
    return [_sentence(group, key, meaning) for group in groups if is_nested(group.runs)]


def _sentence(group: Group, key: str, meaning: Meaning) -> str:
    originals = by_original(group.runs)
    count = f"{len(group.runs)} runs"
    if all(run.result["metrics"] == own[0].result["metrics"] for own in originals for run in own):
        return (
            f"{group.name} gives one result for each original, whatever method.seed: its {count} count for "
            f"{len(originals)}."
        )
    found = parts(
        [
            [fmean(values) for same in _by_unlearning(own) if (values := _values(same, key, meaning))]
            for own in originals
        ]
    )
    if found is None:
        return f"{group.name}: too few of {count} have {meaning.name} to part their spread."
    return f"{group.name}: {_told(found, meaning)}{_advice(found, group.runs)}."


def _told(found: Parts, meaning: Meaning) -> str:
    within = number(found.unlearn**0.5, meaning.unit)
    if found.train is None or found.of_mean is None:
        return (
            f"{found.runs} runs of one original deviate by {within} in {meaning.name}, which says nothing of "
            "another original"
        )
    between, of_mean = (number(one**0.5, meaning.unit) for one in (found.train, found.of_mean))
    return (
        f"{meaning.name} deviates by {between} between {found.originals} originals and by {within} between "
        f"unlearnings of one; the mean of {found.runs} runs by {of_mean}"
    )


def _advice(found: Parts, runs: Sequence[Run]) -> str:
    """`; …` by what the records say that runs took; nothing where originals are not trained."""
    training = [
        sum((run.result[cost] or {}).get("seconds", 0.0) for cost in ("original_cost", "oracle_cost"))
        for run in runs
    ]
    unlearning = [seconds for run in runs if (seconds := run.result["cost"].get("seconds"))]
    if not unlearning or not all(training):
        return ""
    pays = pays_most(found, fmean(training), fmean(unlearning))
    return f"; {PAYS[pays]}" if pays else ""


def _values(runs: Sequence[Run], key: str, meaning: Meaning) -> list[float]:
    """What the table is ranked by; a variance asks for no sign."""
    return [value for run in runs if (value := score(run, key, meaning)) is not None]
