"""For each judged column of the data a classifier, the judge, that says which value an image shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, field_validator
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.diffusion.fidelity import NEIGHBOURS, distances
from unlearn_cli.evaluation.diffusion.ready_judge import ReadyJudge
from unlearn_cli.evaluation.judge import AnyJudge, Judge, as_floats, judge_outputs

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class JudgedColumns(Settings):
    """The keys of an evaluation that say who judges which column. `origins` is the run."""

    judge: Judge | None = Field(description="a classifier trained for each judged column; null = none")
    columns: list[str] = Field(description="columns of the data that it judges")
    judges: dict[str, ReadyJudge] = Field(description="by column: a classifier's folder or hub name")

    @field_validator("judges", mode="before")
    @classmethod
    def _by_path(cls, nodes: Any) -> Any:
        if not isinstance(nodes, dict):
            return nodes  # what is wrong with it is told by the field's type
        return {column: {"path": node} if isinstance(node, str) else node for column, node in nodes.items()}

    @property
    def column_judges(self) -> dict[str, AnyJudge]:
        """By column, the trained ones first."""
        trained: dict[str, AnyJudge] = dict.fromkeys(self.columns, self.judge) if self.judge else {}
        return trained | self.judges

    @property
    def has_judge(self) -> bool:
        return bool(self.column_judges)

    def judge_made(self, origins: Origins) -> bool:
        return all(judge.made(origins.seen_as(column)) for column, judge in self.column_judges.items())

    def make_judge(self, origins: Origins) -> None:
        for column, judge in self.column_judges.items():
            judge.reference(origins.seen_as(column))

    def check_judges(self, origins: Origins) -> None:
        """InputError: a column that is not there or cannot be learnt from, or a judge that does not fit."""
        data = origins.data
        for column, judge in self.column_judges.items():
            if column not in data.columns:
                raise InputError(
                    f"eval.columns, eval.judges: {data.name} has no column '{column}'; "
                    f"there is {', '.join(data.columns)}"
                )
            if judge is self.judge and "" in data.columns[column]:
                raise InputError(
                    f"eval.columns: some prompts of {data.name} ask for no '{column}', and a judge "
                    f"would learn that as a value; give a ready one by eval.judges"
                )
            judge.check(origins.seen_as(column))

    def judge_keys(self, origins: Origins) -> dict[str, str]:
        """The key of each judge's weights, by column."""
        return {column: judge.key(origins.seen_as(column)) for column, judge in self.column_judges.items()}

    def judge_images(self, origins: Origins, images: Tensor) -> Outputs:
        """The logits of each column's judge, by column, and the "features" of the first one.

        images: (n, c, H, W) uint8.
        """
        found: Outputs = {}
        for column, judge in self.column_judges.items():
            network, _ = judge.get(origins.seen_as(column))
            outputs = judge_outputs(network, as_floats(images, origins.compute.device))
            found[column] = outputs["logits"]
            found.setdefault("features", outputs["features"])
        return found

    def feature_distances(self, origins: Origins, drawn: Tensor, seed: int) -> dict[str, float]:
        """`FD` and `KD` of features (m, F) of the first judge to those of retained rows; {} of too few."""
        column, judge = next(iter(self.column_judges.items()))
        real = judge.reference(origins.seen_as(column))["features"]
        retained = real[np.isin(origins.all_rows, origins.sets.retain)]
        if min(len(retained), len(drawn)) <= NEIGHBOURS:
            return {}
        return distances(retained, drawn, seed)
