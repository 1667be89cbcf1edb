"""The tables that scripts/tables/ declares can be made: their options, keys and metrics are there."""

import pytest
from quick_hydra import quick_hydra

import unlearn_cli as unlearn
from scripts.make_table import TABLES, declared
from unlearn_cli.config.catalogue import fits, options
from unlearn_cli.evaluation.meaning import MEANINGS

NAMES = sorted(file.stem for file in TABLES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_trials_and_sweep_compose(name):
    table = declared(name)
    (*_, part) = table.parts.values()
    overrides = [*table.overrides, *part, *table.sweep, f"method={table.methods[0]}"]
    with quick_hydra():
        task = unlearn.compose(*overrides).choices["task"]
        unlearn.compose(*table.overrides, *table.tuning, f"method={table.methods[0]}")
    found = {option.name: option for option in options("method")}
    assert not [method for method in table.methods if not fits(found[method].path, task)]


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_metrics_and_parts(name):
    table = declared(name)
    for column in table.columns:
        metric, _, part = column.partition(" ")
        assert metric in MEANINGS
        assert part in ("", *table.parts)
