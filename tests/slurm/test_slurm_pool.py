"""The shadow models of two sweeps begun together are jobs, each made once; the runs wait for them."""

import pytest
from on_cluster import User, ended, read, row, until
from run_results import entries
from tiny_commands import EPOCH

from unlearn_cli.sweep.record import Record

pytestmark = [pytest.mark.slurm, pytest.mark.thorough, pytest.mark.timeout(900)]

POOL = ("train.epochs=1", "eval.attacks=[ulira]", "shadows.count=2", "hydra.launcher.wait=false")


def test_a_pool_is_made_by_jobs_for_both_sweeps(user, cluster):
    begun = [user.begin_sweep(f"method={method}", EPOCH, *POOL) for method in ("ft", "ga")]
    for end in map(ended, begun):
        assert end.code == 0, end.err
    sweeps = sorted(user.outputs.glob("sweeps/*"))
    for sweep in sweeps:
        record = Record.load(sweep)
        of_shadows, unlearning = (
            {str(item.job) for item in record.prerequisites if item.name.startswith(name)}
            for name in ("shadow", "unlearned shadow")
        )
        assert len(of_shadows) == len(unlearning) == 2
        assert waits_for(user, unlearning) == of_shadows
        assert waits_for(user, {str(record.runs[0].job)}) == of_shadows | unlearning
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


def waits_for(user: User, jobs: set[str]) -> set[str]:
    """The jobs that have to end well before these, as sbatch was told."""
    arrays = {job.partition("_")[0] for job in jobs}
    scripts = [file for array in arrays for file in user.outputs.glob(f"sweeps/*/jobs/{array}_submission.sh")]
    told = [line for file in scripts for line in file.read_text().splitlines()]
    return {job for line in told if "--dependency=afterok:" in line for job in line.split(":")[1:]}
