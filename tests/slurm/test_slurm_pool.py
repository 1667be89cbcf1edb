"""The shadow models of two sweeps begun together are jobs, each made once; the runs wait for them."""

import pytest
from on_cluster import ended, read, row, until
from run_results import entries
from tiny_commands import EPOCH

pytestmark = [pytest.mark.slurm, pytest.mark.thorough, pytest.mark.timeout(900)]

POOL = ("train.epochs=1", "eval.attacks=[ulira]", "shadows.count=2", "hydra.launcher.wait=false")


def test_a_pool_is_made_by_jobs_for_both_sweeps(user, cluster):
    begun = [user.begin_sweep(f"method={method}", EPOCH, *POOL) for method in ("ft", "ga")]
    for end in map(ended, begun):
        assert end.code == 0, end.err
    sweeps = sorted(user.outputs.glob("sweeps/*"))
    tables = [user.status(str(sweep)) for sweep in sweeps]
    assert sum("first: shadow, digits ×2" in table for table in tables) == 2, tables
    assert sum("queued (Dependency)" in table for table in tables) == 2, tables
    until(lambda: not cluster.queue(), lambda: [user.status(str(sweep)) for sweep in sweeps])
    assert len(user.jobs()) == 2 + 2 * 2 + 2  # shadows, unlearned by either method, runs
    for sweep in sweeps:
        table = user.status(str(sweep))
        assert "1 finished" in table, table
        assert row(table, "first: shadow, digits ×2") == "finished"
        assert table.count("first: unlearned shadow, digits") == 1, "two, told together"
    store = user.outputs / "store"
    assert len(entries(store, "model")) == 2 + 2  # shadows, original and oracle
    assert len(entries(store, "margins")) == 2 + 2 * 2
    assert not [*store.rglob("*.damaged*")]
    for run in user.runs(2):
        assert read(run / "attacks.json")["shadows"]["count"] == 2
