"""Keys of a run that hold further keys: `paths`, `oracle`, `shadows`, `expected`."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import DirectoryPath, Field

from unlearn_cli.config.settings import Settings


class Paths(Settings):
    outputs: Path = Field(description="folder of run folders and sweeps")
    store: Path = Field(description="originals, oracles and scores, made once and shared by all runs")
    data: DirectoryPath | None = Field(
        description="folder of local copies, as FOLDER/cifar10, looked at before the hub; null: none"
    )


class Expected(Settings):
    """A paper's numbers for an experiment."""

    source: str = Field(description="table, paper, what was averaged")
    choices: dict[str, Any] = Field(
        description="what the numbers hold for: option by group, and value by dotted key"
    )
    values: dict[str, dict[str, tuple[float, float | None]]] = Field(
        description="by method and metric: mean, and deviation where it is published"
    )


class Tuning(Settings):
    """How the values of a run were chosen, as `unlearn tune` tells it."""

    trials: int = Field(ge=1, description="of each method")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(description="of the runs that they were judged by")
    objective: str = Field(description="what the best had the best of, on validation rows")
    values: dict[str, Any] = Field(
        default={}, description="what was chosen, by dotted key: what is typed in its place was not"
    )


class Oracles(Settings):
    """Whether a run is compared with the retrained model, and with how many. `oracle=false` is `compare`."""

    compare: bool | Literal["auto"] = Field(
        description="compare with the retrain oracle or not; auto: unless the model comes trained. "
        "`oracle=false` says the same"
    )
    count: int = Field(
        ge=1,
        le=100,
        description="oracles of the same rows, the further ones with the seeds after train.seed; 2 or more "
        "give the floor of every gap, how far oracles are from each other",
    )


class Shadows(Settings):
    """Models by which attacks on single rows (`eval.attacks`) know what a model makes of rows it learned."""

    count: int = Field(
        ge=2, le=4096, description="shadow models, trained once for all methods and forget sets"
    )
    fraction: float = Field(
        gt=0,
        lt=1,
        description="part of all rows that each learns; of each row exactly round(fraction · count) learn it",
    )
    seed: int = Field(ge=0, lt=2**63, description="draws their rows and the rows that are asked about")
