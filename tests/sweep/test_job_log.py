"""How a job ended, by what SLURM writes into its log."""

from pathlib import Path

import pytest

from unlearn_cli.sweep.job_log import BEGUN, ended_by

REQUEUED = """\
submitit INFO (2026-11-22 01:37:09,017) - Starting with JobEnvironment(job_id=1_0)
slurmstepd-vm: error: *** JOB 2 ON vm CANCELLED AT 2026-11-22T01:37:18 DUE TO JOB REQUEUE ***
srun: error: vm: task 0: Exited with exit code 255
"""
BEGINS = f"submitit INFO (2026-11-22 01:37:28,105) - {BEGUN}(job_id=1_0)\nunlearning 10 of 103 samples\n"
CANCELLED = """\
srun: got SIGCONT
slurmstepd-vm: error: *** JOB 2 ON vm CANCELLED AT 2026-11-22T01:46:01 ***
slurmstepd-vm: error: *** STEP 2.0 ON vm CANCELLED AT 2026-11-22T01:46:01 ***
srun: error: vm: task 0: Killed
"""


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (BEGINS, ""),
        (BEGINS + "srun: error: vm: task 0: Killed\n", "vm: task 0: Killed"),
        (BEGINS + CANCELLED, "JOB 2 ON vm CANCELLED AT 2026-11-22T01:46:01"),
        (REQUEUED + BEGINS, ""),
        (
            BEGINS + "slurmstepd-n: error: Detected 1 oom-kill event(s) in StepId=7.0.\nsrun: error: n: x\n",
            "Detected 1 oom-kill event(s) in StepId=7.0.",
        ),
    ],
)
def test_how_a_job_ended(tmp_path: Path, text, end):
    log = tmp_path / "log.out"
    log.write_text(text)
    assert ended_by(log) == end


def test_a_job_that_never_began_has_no_log(tmp_path):
    assert ended_by(tmp_path / "log.out") == ""
