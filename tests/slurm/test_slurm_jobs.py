"""What is in a job: the code and configuration of its submission, and as many processes as were asked for."""

import shutil
from pathlib import Path
from unittest.mock import patch

import pytest
import tiny_commands
from on_cluster import ended, read, until
from run_results import lasting

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]


def test_a_job_runs_what_was_submitted(user, cluster, undisturbed):
    """A module and a YAML file that are edited while it waits are not looked at."""
    expected = undisturbed("method=broken")
    code = user.folder / "code"
    for package in ("unlearn_cli", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / package, code / package)
    command = ("method=broken", "hydra.launcher.wait=false", f"paths.store={undisturbed.store}")
    held = "+hydra.launcher.additional_parameters.hold=true"
    end = ended(user.begin_sweep(*command, held, code=code))
    assert end.code == 0, end.err
    (job,) = [line.split()[0] for line in cluster.queue()]
    for module in (*code.glob("unlearn_cli/**/*.py"), user.folder / "slow_methods.py"):
        module.write_text("raise SystemExit(3)")
    for file in [*code.glob("conf/method/*.yaml"), user.folder / "conf" / "method" / "broken.yaml"]:
        file.write_text("lr: 17.0")
    cluster.ask("scontrol", "release", job)
    until(lambda: not cluster.queue(), cluster.queue)
    (run,) = user.runs(1)
    assert lasting(read(run / "metrics.json")) == lasting(expected)
    assert "17.0" not in (run / "config.yaml").read_text()
    (submitted,) = user.outputs.glob("sweeps/*/code/*/unlearn_cli/frozen.json")
    record = read(run / "environment.json")
    assert record["job"] == job
    assert {key: record[key] for key in ("commit", "changed", "diff")} == read(submitted)


def test_two_processes_in_a_job_give_the_metrics_of_one(user, undisturbed):
    """With a model that has neither batch norm nor dropout, which each process does on its own share."""
    run = ("model=judge", "+model.options.drop_rate=0.0", "data.subset=0.2", "train.epochs=6", "method=ft")
    more = ("method.epochs=2", "progress=false")
    with patch.object(tiny_commands, "TINY", ()):
        expected = undisturbed(*run, *more)
        store = f"paths.store={undisturbed.store}"
        end = user.sweep(*run, *more, "hydra.launcher.tasks_per_node=2", store)
    assert end.code == 0, end.err
    (file,) = user.outputs.glob("*/*/*/*/ft-*/metrics.json")
    result = read(file)
    assert expected["metrics"]["RA"] > 30  # it has learnt something
    assert result["metrics"] == pytest.approx(expected["metrics"], abs=0.02)
    assert result["cost"]["steps"] == expected["cost"]["steps"]
    assert result["cost"]["samples"] == expected["cost"]["samples"]
    job = read(file.with_name("status.json"))["job"]
    (log,) = user.outputs.glob(f"sweeps/*/jobs/{job}_0_log.out")
    assert "local_rank=0(2)" in log.read_text()
