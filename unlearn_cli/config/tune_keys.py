"""Keys of `unlearn tune` beside those of a run."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from unlearn_cli.config.settings import Settings


class TuneSettings(Settings):
    """Keys of a tuning beside those of a run. They stand on the command line alone."""

    trials: int = Field(default=20, ge=1, description="of each method, the values in force among them")
    into: Path = Field(
        default=Path("outputs/tuned"),
        description="folder of what is found and, below trials/, of the runs",
    )
    objective: list[str] = Field(
        default=[], description="metric to choose by, or several whose mean gap; default: by task"
    )
    sampler: Literal["random", "tpe"] = Field(
        default="random",
        description="tpe: after ten trials, optuna suggests values from what those before came to",
    )
    halving: bool = Field(
        default=False,
        description="all trials with a ninth of their epochs, the best third with a third, the best of those "
        "with all",
    )
    draw: int = Field(default=0, ge=0, lt=2**63, description="seed of what is drawn")

    @field_validator("objective", mode="before")
    @classmethod
    def _listed(cls, keys: Any) -> Any:
        return [keys] if isinstance(keys, str) else keys
