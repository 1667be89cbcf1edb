"""The keys of an evaluation that looks for what is hidden."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from unlearn_cli.config.dormant import INSPECTIONS
from unlearn_cli.config.settings import Settings
from unlearn_cli.data.names import unknown
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.hidden.base import Inspection
from unlearn_cli.evaluation.hidden.cka import Cka
from unlearn_cli.evaluation.hidden.distance import Distance
from unlearn_cli.evaluation.hidden.probe import Probe
from unlearn_cli.evaluation.hidden.prune import Prune
from unlearn_cli.evaluation.hidden.quantise import Quantise
from unlearn_cli.evaluation.hidden.relearn import Relearn
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning


class HiddenSettings(Settings):
    """`hidden` switches inspections on; keys of those that are off are no part of a run's identity."""

    hidden: list[str] | Literal["all"] = Field(
        description="what a model still holds, asked of original and oracle, too: relearn, quantise, prune, "
        "probe, cka, distance; all = all six; [] = none"
    )
    relearn: Relearn | None = Field(description="training again")
    quantise: Quantise | None = Field(description="weights in a few bits")
    prune: Prune | None = Field(description="without the smallest weights")
    probe: Probe | None = Field(description="simple classifiers on what the last layer reads")
    cka: Cka | None = Field(description="likeness of what each layer reads")
    distance: Distance | None = Field(description="of the weights to the original's, and the way between")

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_hidden_where_it_says_nothing(cls, values: Any) -> Any:
        """A YAML of one's own need not know of these keys, nor does an earlier version's record."""
        return {"hidden": [], **dict.fromkeys(INSPECTIONS), **values}

    @field_validator("hidden")
    @classmethod
    def _are_known(cls, names: Any) -> Any:
        if names == "all":
            return list(INSPECTIONS)
        if wrong := [name for name in names if name not in INSPECTIONS]:
            raise unknown("eval.hidden", "inspection", wrong[0], INSPECTIONS)
        return names

    @model_validator(mode="after")
    def _have_values(self) -> Self:
        for name in self.hidden:
            if getattr(self, name) is None:
                raise InputError(f"eval.{name}: missing; give it the values that eval=classification has")
        return self

    @property
    def inspections(self) -> tuple[Inspection, ...]:
        """Those that are on."""
        return tuple(getattr(self, name) for name in INSPECTIONS if name in self.hidden)

    @property
    def meanings(self) -> dict[str, Meaning]:
        """Of metrics that the values name: other bits, other shares."""
        own = {key: meaning for one in self.inspections for key, meaning in one.meanings.items()}
        return {key: meaning for key, meaning in own.items() if key not in MEANINGS}
