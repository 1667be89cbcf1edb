"""The experiment tool for machine unlearning in vision. Read `run.py` first: it is one run, top to bottom.

From Python and notebooks (docs/python.md):

    import unlearn_cli as unlearn

    result = unlearn.run("method=salun", "data=digits", "seed=1")

Nothing is imported before it is used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

OFFERED = (
    "run",
    "sweep",
    "tune",
    "compose",
    "load",
    "compare",
    "Result",
    "Composition",
    "Comparison",
    "UnlearnError",
)
CALLED = ("run", "sweep", "compare")
"""Those of them whose names our modules have, too; these modules can be called."""


def __getattr__(name: str) -> Any:
    if name not in OFFERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in CALLED:
        return import_module(f"{__name__}.{name}")
    return getattr(import_module(f"{__name__}.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *OFFERED})


class Called(ModuleType):
    """A module that is called as the function of its name in `unlearn_cli.api`."""

    @property
    def __wrapped__(self) -> Any:  # where `inspect.signature` looks
        return getattr(import_module(f"{__name__}.api"), self.__name__.rpartition(".")[2])

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.__wrapped__(*arguments, **options)


class Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        """Python binds a module to its package as soon as it is imported, by whomever."""
        if name in CALLED and type(value) is ModuleType:
            value.__class__ = Called
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = Package
