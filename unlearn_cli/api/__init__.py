"""The door for Python: all that `import unlearn_cli as unlearn` offers. Imports nothing heavy."""

from unlearn_cli.api.comparison import Comparison, compare
from unlearn_cli.api.loading import load
from unlearn_cli.api.result import Result
from unlearn_cli.api.runs import Composition, compose, run, sweep, tune
from unlearn_cli.errors import UnlearnError

__all__ = [
    "Comparison",
    "Composition",
    "Result",
    "UnlearnError",
    "compare",
    "compose",
    "load",
    "run",
    "sweep",
    "tune",
]
