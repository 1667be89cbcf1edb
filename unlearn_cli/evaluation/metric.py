"""What an option of the group `metric` is: one number beside those of `eval=`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Never

from unlearn_cli.config.settings import Settings, described
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.storage.identity import by_content

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class Metric(Settings, ABC):
    """A number of a model, measured for method, original and oracle alike.

    Its key is its node's: `# @package metric.surprise` at the top of its YAML makes it `surprise`. A subclass
    types `model` by what it measures.
    """

    meaning: ClassVar[Meaning]
    """Displayed name, unit, direction and a sentence: kept in the run's record."""
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    """Names of the tasks whose models it measures."""

    def check(self, origins: Origins, model: Never) -> None:
        """Called before anything is trained; `model` is freshly initialised.

        Raises:
            InputError: the settings do not fit the data, the forget set or the model.
        """

    @abstractmethod
    def measure(self, origins: Origins, model: Never, outputs: Outputs, folder: Path) -> float:
        """The number, in the meaning's unit.

        Args:
            origins: the run: its data, sets (rows of forget, retain, val, test), experiment, trainer(folder).
            model: on the device.
            outputs: what the evaluation (`eval=`) has of it; of a classifier `{"logits": (N, C)}` over the
                data's rows, on the CPU, NaN where not predicted.
            folder: for working files.
        """

    def facts(self) -> dict[str, Any]:
        """What determines the number beside model and rows: class, source, values, files by their content."""
        return by_content(described(self))
