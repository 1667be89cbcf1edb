"""What runs share is made by one job, for all sweeps; where it fails, those that need it are not run."""

import pytest
from on_cluster import ended, row, until
from run_results import entries
from tiny_commands import EPOCH

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def together(user):
    """Two users' sweeps of one store, begun at the same time, with one run in common; how they ended."""
    first = user.begin_sweep("method=ft,ga", EPOCH)
    second = user.begin_sweep("method=ga,rl", EPOCH)
    return ended(first), ended(second)


def test_sweeps_at_once_submit_nothing_twice(together, user):
    assert [end.code for end in together] == [0, 0], [end.err for end in together]
    assert len(user.jobs()) == 3 + 3  # original, oracle, their metrics; three runs
    assert len(user.runs(3)) == 3
    assert len(entries(user.outputs / "store", "model")) == 2
    assert not [*(user.outputs / "store").rglob("*.damaged*")]


def test_both_tell_the_end_of_what_one_of_them_does(together, user):
    for end, own in zip(together, ("ft", "rl"), strict=True):
        for item in ("original, digits, seed 0", "method=ga", f"method={own}"):
            assert end.err.splitlines().count(f"finished: {item}") == 1, end.err
        assert "not run" not in end.err
        assert "killed" not in end.err
    sweeps = sorted(user.outputs.glob("sweeps/*"))
    assert len(sweeps) == 2
    for sweep in sweeps:
        table = user.status(str(sweep))
        assert "2 finished" in table
        assert row(table, "first: original, digits, seed 0") == "finished"


def test_what_needs_a_prerequisite_that_failed_is_not_run(user, cluster):
    """And it does not wait for ever."""
    end = user.sweep("method=ft,ga", EPOCH, "train.lr=1e30", "hydra.launcher.wait=false")
    assert end.code == 0, end.err
    table = user.status()
    assert row(table, "method=ft") == row(table, "method=ga") == "queued (Dependency)"
    until(lambda: not cluster.queue(), cluster.queue)
    table = user.status()
    print(table)
    assert row(table, "first: original, digits, seed 0").startswith(
        "failed the loss of 'original' is not finite"
    )
    for method in ("ft", "ga"):
        told = row(table, f"method={method}")
        assert told.startswith("not run what it needs failed: ")
        assert "original" in told
