"""The settings class of an option: which keys there are, and what each may be."""

from collections.abc import Mapping
from typing import Any

from unlearn_cli.config.settings import Settings, kind_of
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.sweep.settings import Here, Processes, Slurm
from unlearn_cli.training.optim import Recipe, Training

UNNAMED: dict[str, type[Settings]] = {"optim": Recipe, "train": Training, "sampler": Sampler}
"""Groups whose files name no class."""
LAUNCHERS: dict[str, type[Settings]] = {"here": Here, "processes": Processes, "slurm": Slurm}
"""By `where`: their `_target_` is Hydra's way in."""


def settings_class(group: str, values: Mapping[str, Any]) -> type[Settings] | None:
    """The class that a group's values are for; None for what only chooses and sets others (experiments).

    Raises:
        InputError: the class that they name cannot be imported.
    """
    if group == "hydra/launcher":
        return LAUNCHERS.get(values.get("where", ""))
    kind = kind_of(values["_target_"], group) if "_target_" in values else None
    return UNNAMED.get(group, kind)
