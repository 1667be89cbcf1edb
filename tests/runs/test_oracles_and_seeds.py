"""Several oracles of the same rows, and a nested design: what is trained, and what the record says."""

import json

from run_results import entries, lasting
from tiny_run import unlearn

from unlearn_cli.compare.table import to_markdown
from unlearn_cli.evaluation.floor import floor
from unlearn_cli.evaluation.gaps import gaps


def trained(store) -> list[tuple[int, str]]:
    """Seed and rows of each model in the store."""
    facts = [json.loads((entry / "entry.json").read_text())["facts"] for entry in entries(store, "model")]
    return sorted((one["seed"], one["rows"]) for one in facts)


def test_further_oracles_are_those_of_the_seeds_that_follow(tmp_path):
    command = ("method=ft", "method.epochs=1", f"paths.outputs={tmp_path}", "forget.seed=0")
    (result,) = unlearn(*command, "oracle.count=2")
    assert [one["seed"] for one in result["oracles"]] == [0, 1]
    own, other = (one["metrics"] for one in result["oracles"])
    assert own == result["oracle"]
    assert result["gap"] == gaps(result["metrics"], own)
    assert result["floor"] == floor([own, other])
    assert result["forget"]["fingerprint"]
    table = to_markdown("ft", result, None)
    assert "| 2 oracles |" in table
    assert "| oracle again |" in table
    models = trained(tmp_path / "store")
    assert len(models) == 3
    (alone,) = unlearn(*command, "seed=1")  # whose oracle is there already
    assert alone["oracle"] == other
    assert alone["floor"] is None
    assert len(trained(tmp_path / "store")) == 4
    assert set(models) < set(trained(tmp_path / "store"))


def test_a_nested_design_trains_each_original_once(tmp_path):
    command = ("-m", "method=ft", "method.epochs=1", f"paths.outputs={tmp_path}", "forget.seed=0")
    results = unlearn(*command, "train.seed=0,1", "method.seed=0,1", "oracle=false")
    assert [result["seeds"] for result in results] == [
        {"train": train, "method": method, "eval": 0, "forget": 0} for train in (0, 1) for method in (0, 1)
    ]
    assert [seed for seed, _ in trained(tmp_path / "store")] == [0, 1]
    first, second, third, _ = results
    assert first["original"] == second["original"]
    assert first["metrics"] != second["metrics"]
    assert first["original"] != third["original"]


def test_the_same_seeds_give_the_same_numbers(tmp_path):
    command = ("method=ft", "method.epochs=1", f"paths.outputs={tmp_path}", "oracle=false")
    (whole,) = unlearn(*command, "seed=1")
    (parts,) = unlearn(*command, "train.seed=1", "method.seed=1", "eval.seed=1", "forget.seed=1", "--force")
    assert lasting(whole) == lasting(parts)
