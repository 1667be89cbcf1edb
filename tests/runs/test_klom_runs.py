"""KLOM: as many unlearned models as oracles, under the oracles' seeds, made once."""

from run_results import entries
from tiny_run import unlearn

from unlearn_cli.evaluation.membership import settings

PARTS = {f"KLOM{which}_{part}" for which in ("", "_95") for part in ("forget", "retain", "val")}


def test_pools_over_seeds_are_made_once_and_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "LEAST_MODELS", 2)
    command = (
        "method=ft",
        "method.epochs=1",
        "train.epochs=1",
        "oracle.count=2",
        f"paths.outputs={tmp_path}",
    )
    (result,) = unlearn(*command, "eval.klom=true")
    assert result["metrics"].keys() >= PARTS
    assert result["original"].keys() >= PARTS
    assert not PARTS & result["oracle"].keys()
    assert not PARTS & result["oracles"][1]["metrics"].keys()
    store = tmp_path / "store"
    assert len(entries(store, "model")) == 2 * 2  # originals and oracles of two seeds
    assert len(entries(store, "margins")) == 2 * 2  # of originals, of unlearned ones
    (plain,) = unlearn(*command)
    assert plain["folder"] != result["folder"]
    assert plain["metrics"].items() <= result["metrics"].items()


def test_too_few_oracles_are_refused(refused):
    told = refused("method=ft", "eval.klom=true", "oracle.count=9")
    assert told.startswith("oracle.count: 9; eval.klom compares so many oracles")
