"""What trials, and the epochs of a run, are chosen by: a number of each, the less the better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import fmean
from typing import Any

from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning
from unlearn_cli.experiment import Experiment

DEFAULTS = {"generation": ("UA", "RA"), "clip": ("H",), "vlm": ("H",)}
"""By task; of others the Avg Gap."""
TIES = {"generation": "FD"}
"""Of equal trials: the lower of these."""
EXPECTED = {
    "classification": ("UA", "RA", "TA"),
    "generation": ("UA", "RA"),
    "text_to_image": ("UA", "IRA", "CRA"),
}
"""By task what can be expected of an oracle that nobody has trained; see expected.py."""


@dataclass(frozen=True)
class Objective:
    """One metric in the direction of its meaning, or the mean gap of several."""

    keys: tuple[str, ...]
    tie: str | None
    meanings: Mapping[str, Meaning]

    @classmethod
    def of(cls, wanted: Sequence[str], experiment: Experiment) -> "Objective":
        """InputError: an unknown metric; a distance to an oracle, and there is none."""
        task = experiment.task.name
        keys = tuple(wanted) or DEFAULTS.get(task, (AVERAGE,))
        meanings = MEANINGS | experiment.meanings
        for key in keys:
            if key not in meanings:
                raise InputError(f"objective: no metric '{key}'; {did_you_mean(key, meanings)}")
        found = cls(keys, None if wanted else TIES.get(task), meanings)
        if found.is_gap and not experiment.has_oracle:
            raise InputError(
                f"objective: {found.name} is a distance to the oracle, and these runs have none; set "
                "oracle=true (a model of your own is retrained by the recipe that train=NAME names), or give "
                "a metric that is to be higher or lower"
            )
        return found

    @classmethod
    def of_epochs(cls, experiment: Experiment, is_expected: bool) -> "Objective":
        """That of trials; without an oracle the mean gap to what is expected of one.

        Raises:
            InputError: neither can be had.
        """
        task = experiment.task.name
        if experiment.has_oracle or not cls(DEFAULTS.get(task, (AVERAGE,)), None, MEANINGS).is_gap:
            return cls.of((), experiment)
        if task not in EXPECTED or not is_expected:
            raise InputError(
                "method.select: the best epoch is the nearest to an oracle; there is none, nor is it known "
                "what one would recognise; set oracle.compare=true or method.select=last"
            )
        return cls(EXPECTED[task], TIES.get(task), MEANINGS)

    @property
    def is_gap(self) -> bool:
        (key, *others) = self.keys
        return bool(others) or key == AVERAGE or self.meanings[key].better == "oracle"

    @property
    def name(self) -> str:
        if len(self.keys) > 1:
            return f"mean gap of {', '.join(self.keys)}"
        return f"gap of {self.keys[0]}" if self.is_gap and self.keys[0] != AVERAGE else self.keys[0]

    @property
    def is_higher_better(self) -> bool:
        return not self.is_gap and self.meanings[self.keys[0]].better == "higher"

    def check_measured(self, result: Mapping[str, Any] | None) -> None:
        """InputError: a run that was made has no such number; whether a metric is measured, a run tells."""
        if result is None:
            return
        there = self._numbers(result)
        for key in self.keys:
            if there.get(key) is None:
                what = f"gap of {key}" if self.is_gap else key
                raise InputError(f"objective: these runs have no {what}; {did_you_mean(key, there)}")

    def value(self, result: Mapping[str, Any]) -> float | None:
        """Of a run's result; None where it has no such number, or one that is not finite."""
        there = self._numbers(result)
        found = [there.get(key) for key in self.keys]
        known = [one for one in found if one is not None and isfinite(one)]
        return fmean(known) if len(known) == len(found) else None

    def _numbers(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of a run's, by key: those among which the objective's stand."""
        if self.keys == (AVERAGE,):
            return {AVERAGE: result["avg_gap"]}
        return (result["gap"] or {}) if self.is_gap else result["metrics"]

    def rank(self, results: Sequence[Mapping[str, Any] | None]) -> tuple[float, float, float]:
        """Of a trial's runs, the least is the best: not failed, not destroyed, then by value, then by tie."""
        told = [result for result in results if result and self.value(result) is not None]
        if len(told) < len(results) or not told:
            return (2, inf, inf)
        mean = fmean(float(self.value(result) or 0) for result in told)
        ties = [result["metrics"].get(self.tie, inf) for result in told] if self.tie else [0.0]
        value = -mean if self.is_higher_better else mean
        return (float(any(map(is_destroyed, told))), value, fmean(ties))


def is_destroyed(result: Mapping[str, Any]) -> bool:
    """Whether a run's model is called destroyed or badly damaged."""
    return bool(result["warnings"])
