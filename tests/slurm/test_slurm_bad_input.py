"""What the cluster cannot do is told in one line, and nothing is left in its queue."""

import pytest
from on_cluster import ended, read
from tiny_commands import EPOCH

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(400)]

REFUSED = {
    "hydra.launcher.partition=hihg": "the cluster has no 'hihg'; did you mean 'high'?",
    "hydra.launcher.gpus_per_node=3": "Requested node configuration is not available",
    "hydra.launcher.timeout_min=3000": "Requested time limit is invalid",
    "hydra.launcher.mem_gb=100000": "Memory specification can not be satisfied",
}
SWEEP = ("method=ft,ga", EPOCH)


@pytest.fixture(scope="module")
def refused(user):
    """By what was wrong: how the command ended. All at once; each in an outputs folder of its own."""
    commands = {
        wrong: user.begin_sweep(*SWEEP, wrong, f"paths.outputs=out{number}")
        for number, wrong in enumerate(REFUSED)
    }
    return {wrong: ended(command) for wrong, command in commands.items()}


@pytest.mark.parametrize("wrong", REFUSED)
def test_one_line_says_what_is_wrong(refused, wrong):
    end = refused[wrong]
    print(end)
    assert end.code == 2
    assert end.out == ""
    error = end.err.splitlines()[-1]
    assert error.startswith("error: hydra.launcher")
    assert REFUSED[wrong] in error
    assert len(error) < 400
    assert "Traceback" not in end.err
    assert "jobs; to see" not in end.err


def test_nothing_is_left_and_the_right_command_works(refused, user, cluster):
    assert cluster.queue() == []
    minutes = ("checkpoint_minutes=5", "hydra.launcher.timeout_min=4", "hydra.launcher.wait=false")
    end = user.sweep(*SWEEP, *minutes, "paths.outputs=out1")
    assert end.code == 0, end.err
    assert end.err.count("hydra.launcher.timeout_min: jobs are stopped after 4 min less 120 s") == 1
    records = [read(file) for file in (user.folder / "out1").glob("sweeps/*/sweep.json")]
    jobs = {item["job"] for record in records for item in record["prerequisites"] + record["runs"]}
    assert len(jobs - {None}) == 5  # original, oracle, their metrics, two runs; the first may have ended
