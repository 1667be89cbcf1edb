"""What docs/results/controls/*.json hold, and which control each metric has caught by it."""

from pathlib import Path

from pydantic import BaseModel

from scripts.controls.caught import Interval, caught

FOLDER = Path(__file__).parents[2] / "docs" / "results" / "controls"


class Record(BaseModel):
    """Measured values of one kind of forget set, by seed."""

    command: str
    commit: str
    date: str
    seeds: list[int]
    oracles: dict[str, list[list[float]]]
    """By metric and seed, the values of oracles; of the likeness to the seed's own, of the others."""
    models: dict[str, dict[str, list[float]]]
    """By control and metric, a value for each seed."""
    intervals: dict[str, dict[str, list[Interval]]]
    """By control and attack by example, its interval for each seed."""

    def times_caught(self, model: str, metric: str) -> int:
        """In how many seeds."""
        intervals = self.intervals.get(model, {}).get(metric)
        return sum(
            caught(metric, value, oracles, intervals[place] if intervals else None)
            for place, (value, oracles) in enumerate(
                zip(self.models[model][metric], self.oracles.get(metric, [[]] * len(self.seeds)), strict=True)
            )
        )
