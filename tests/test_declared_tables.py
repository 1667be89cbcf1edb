"""The tables that scripts/tables/ declares can be made: their options, keys and metrics are there."""

from pathlib import Path

import pytest
import yaml
from quick_hydra import quick_hydra

from scripts.make_table import TABLES, Table, declared
from unlearn_cli.config.catalogue import fits, options
from unlearn_cli.config.composing import composed
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.experiment import Experiment, read

NAMES = sorted(file.stem for file in TABLES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_trials_and_sweep_compose(name):
    table = declared(name)
    (*_, part) = table.parts.values()
    overrides = [*table.overrides, *part, *table.sweep, f"method={table.methods[0]}"]
    with quick_hydra():
        task = checked(overrides).choices["task"]
        for method in (table.methods[0], *table.ranges):
            own = table.ranges.get(method, [])
            checked([*table.overrides, *table.tuning, *own, f"method={method}"])
    found = {option.name: option.path for option in options("method")}
    assert all(fits(found[method], task) for method in (*table.methods, *table.as_they_are))
    assert all(has_ranges(found[method]) for method in table.methods)
    assert set(table.ranges) <= set(table.methods)
    assert not any(has_ranges(found[method]) for method in table.as_they_are)


def checked(overrides: list[str]) -> Experiment:
    """Every value in its range, every option fit for the task."""
    return read(*composed(overrides))


def has_ranges(file: Path) -> bool:
    """Whether `unlearn tune` has something to choose: ranges of its own, or of the option it begins with."""
    told = yaml.safe_load(file.read_text())
    above = [
        default for default in told.get("defaults", []) if isinstance(default, str) and default != "_self_"
    ]
    return "search" in told or any(has_ranges(file.with_name(f"{name}.yaml")) for name in above)


def test_a_method_with_a_range_of_its_own_has_trials_of_its_own():
    told = {"title": "t", "methods": ["ft", "ga", "rl"], "trials": 2, "seeds": [3], "columns": []}
    one, other = Table(**told, ranges={"ga": ["method.search.lr.times=[3,30]"]}).tune()
    assert one == ["tune", "method=ft,rl", "trials=2", "seed=3"]
    assert other == ["tune", "method=ga", "trials=2", "seed=3", "method.search.lr.times=[3,30]"]


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_metrics_and_parts(name):
    table = declared(name)
    for column in table.columns:
        metric, _, part = column.partition(" ")
        assert metric in MEANINGS
        assert part in ("", *table.parts)
