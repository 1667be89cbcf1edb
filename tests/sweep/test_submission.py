"""What goes to sbatch, on a cluster of four shell scripts that accept everything."""

import re
from pathlib import Path

import pytest
import tiny_commands

from unlearn_cli.storage.sealed import read_sealed
from unlearn_cli.sweep.record import Record

SBATCH = """#!/bin/sh
if grep -q "nosuchqos" "$1"; then echo "sbatch: error: Invalid qos specification" >&2; exit 1; fi
number=$(( $(cat "$CLUSTER/count" 2>/dev/null || echo 100) + 1 ))
echo $number > "$CLUSTER/count"
cp "$1" "$CLUSTER/$number.sh"
echo "Submitted batch job $number"
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Its folder: a script for each submission, `queue` for what squeue says, `cancelled` for scancel's."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    commands = {
        "sbatch": SBATCH,
        "srun": "#!/bin/sh\n",
        "sinfo": "#!/bin/sh\nprintf 'gpu\\ndebug\\n'\n",
        "squeue": '#!/bin/sh\ncat "$CLUSTER/queue" 2>/dev/null || true\n',
        "scancel": '#!/bin/sh\necho "$@" >> "$CLUSTER/cancelled"\n',
    }
    for name, text in commands.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("CLUSTER", str(folder))
    return folder


@pytest.fixture
def submit(unlearn, tmp_path, cluster):
    """submit(*arguments): the command, which does not wait."""

    def command(*arguments):
        return unlearn(
            *tiny_commands.TINY,
            f"paths.outputs={tmp_path}/out",
            "hydra/launcher=slurm",
            "hydra.launcher.wait=false",
            *arguments,
        )

    return command


def option(script: Path, name: str) -> str | None:
    found = re.search(rf"^#SBATCH --{name}=?(.*)$", script.read_text(), re.MULTILINE)
    return found.group(1) if found else None


def record(tmp_path) -> Record:
    (folder,) = (tmp_path / "out" / "sweeps").iterdir()
    return Record.load(folder)


def test_prerequisites_are_jobs_on_which_the_runs_depend(submit, cluster, tmp_path):
    end = submit("-m", "method=ga,ft", "seed=0,1")
    assert end.code == 0, end.err
    assert "unlearn status" in end.err
    scripts = sorted(cluster.glob("*.sh"))
    assert [option(script, "array") for script in scripts] == ["0-3%4", None, None, "0-1%2", "0-1%2"]
    first, *references, runs_0, runs_1 = scripts
    assert option(first, "dependency") is None
    assert [option(script, "dependency") for script in references] == [
        "afterok:101_0:101_1",
        "afterok:101_2:101_3",
    ]
    of_seed = {"afterok:101_0:101_1:102", "afterok:101_2:101_3:103"}
    assert {option(runs_0, "dependency"), option(runs_1, "dependency")} == of_seed
    assert option(runs_0, "kill-on-invalid-dep") == "yes"
    sweep = record(tmp_path)
    assert sorted(item.job for item in sweep.runs) == ["104_0", "104_1", "105_0", "105_1"]
    assert len(sweep.prerequisites) == 6
    assert all(
        "code" in path.name or path.suffix == ".json" or path.is_dir()
        for path in (tmp_path / "out" / "sweeps").glob("*/*")
    )


def test_what_a_job_asks_for(submit, cluster):
    launcher = {
        "partition": "gpu",
        "account": "lab",
        "gpus_per_node": 4,
        "cpus_per_task": 3,
        "mem_gb": 20,
        "timeout_min": 90,
        "signal_delay_s": 77,
        "setup": "[module load x]",
    }
    given = [f"hydra.launcher.{name}={value}" for name, value in launcher.items()]
    end = submit("-m", "method=ga", *given, "+hydra.launcher.additional_parameters.nodelist=n1")
    assert end.code == 0, end.err
    (script,) = cluster.glob("*.sh")
    asked = {
        "partition": "gpu",
        "account": "lab",
        "gpus-per-node": "4",
        "ntasks-per-node": "4",
        "cpus-per-task": "3",
        "mem": "20GB",
        "time": "90",
        "signal": "USR2@77",
        "nodelist": "n1",
        "requeue": "",
    }
    assert {name: option(script, name) for name in asked} == asked
    assert "module load x" in script.read_text()


def test_what_is_in_the_queue_is_not_submitted_again(submit, cluster, tmp_path):
    submit("-m", "method=ga,ft")
    first = record(tmp_path)
    jobs = [item.job for item in first.runs + first.prerequisites]
    (cluster / "queue").write_text("".join(f"{job}|PENDING|Dependency\n" for job in jobs))
    assert submit("-m", "method=ga,ft").code == 0
    assert record(tmp_path).runs == first.runs
    before = len(list(cluster.glob("*.sh")))
    assert submit("-m", "method=ga,ft,rl").code == 0  # another sweep, of one run more
    (script,) = sorted(cluster.glob("*.sh"))[before:]
    assert option(script, "array") is None
    assert set(option(script, "dependency").split(":")[1:]) == {item.job for item in first.prerequisites}


def test_what_left_the_queue_is_submitted_again(submit, cluster):
    submit("-m", "method=ga,ft")
    before = len(list(cluster.glob("*.sh")))
    submit("-m", "method=ga,ft")
    assert len(list(cluster.glob("*.sh"))) == 2 * before


def test_a_refusal_cancels_what_was_submitted(submit, cluster, monkeypatch, tmp_path):
    refusing = SBATCH.replace("nosuchqos", "^#SBATCH --dependency")
    (cluster / "sbatch").write_text(refusing)
    end = submit("-m", "method=ga,ft")
    assert end.code == 2
    assert end.error.startswith(
        "hydra.launcher: sbatch refused (Invalid qos specification); nothing was submitted"
    )
    assert (cluster / "cancelled").read_text().split() == ["101_0", "101_1"]
    assert not list((tmp_path / "out").rglob("sweep.json"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            "hydra.launcher.partition=gpus",
            "hydra.launcher.partition: the cluster has no 'gpus'; did you mean 'gpu'?",
        ),
        ("hydra.launcher.timeout_min=0", "hydra.launcher.timeout_min: input should be greater than 0, got 0"),
        ("hydra.launcher.partitoin=gpu", "hydra.launcher.partitoin: no such key; did you mean 'partition'?"),
        (
            "hydra.launcher.additional_parameters.nodelist=n1",
            "hydra.launcher.additional_parameters.nodelist: not there yet; "
            "+hydra.launcher.additional_parameters.nodelist=… adds it",
        ),
        ("hydra/launcher=slrum", "hydra/launcher: no option 'slrum'; did you mean 'slurm'?"),
    ],
)
def test_wrong_settings(submit, cluster, wrong, said, tmp_path):
    end = submit("-m", "method=ga,ft", wrong)
    assert (end.code, end.error) == (2, said)
    assert not (tmp_path / "out").exists()
    assert not list(cluster.glob("*.sh"))


def test_no_slurm(submit, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/usr/nowhere")
    end = submit("-m", "method=ga,ft")
    assert end.code == 2
    assert end.error.startswith(
        "hydra/launcher: there is no SLURM here (no sbatch); hydra/launcher=local runs"
    )
    assert not (tmp_path / "out").exists()


def test_a_queue_that_does_not_answer(submit, cluster, tmp_path):
    """What is in it would be submitted once more."""
    (cluster / "squeue").write_text("#!/bin/sh\nexit 1\n")
    end = submit("-m", "method=ga,ft")
    assert end.code == 2
    assert end.error.startswith("hydra/launcher: SLURM's controller does not answer (squeue failed)")
    assert not list(cluster.glob("*.sh"))


def test_a_launchers_key_without_the_launcher(unlearn):
    end = unlearn("-m", "method=ga,ft", "hydra.launcher.partition=gpu")
    assert end.error == "hydra.launcher.partition: no such key here; it belongs to hydra/launcher=slurm"


def test_a_time_limit_under_the_checkpoint_interval_is_warned_of(submit):
    end = submit("-m", "method=ga,ft", "hydra.launcher.timeout_min=6", "checkpoint_minutes=5")
    assert end.code == 0
    assert "hydra.launcher.timeout_min: jobs are stopped after 6 min less 120 s" in end.err
    assert "timeout_min" not in submit("-m", "method=ga,ft", "hydra.launcher.timeout_min=60").err


def test_one_run_is_one_job(submit, cluster):
    assert submit("method=ga").code == 0
    assert len(list(cluster.glob("*.sh"))) == 1


def test_status_tells_the_queues_reasons(submit, unlearn, cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    submit("-m", "method=ga,ft")
    sweep = record(tmp_path)
    lines = [f"{sweep.runs[0].job}|PENDING|Dependency", f"{sweep.prerequisites[0].job}|RUNNING|None"]
    (cluster / "queue").write_text("\n".join(lines) + "\n")
    said = " ".join(unlearn("status", str(tmp_path / "out")).out.split())
    assert "2 runs: 1 queued, 1 not run" in said
    assert "method=ga queued (Dependency)" in said
    assert "first: original, digits, seed 0 running" in said


def test_large_arrays_are_split(submit, cluster, monkeypatch):
    monkeypatch.setattr("unlearn_cli.sweep.slurm.MOST", 2)
    assert submit("-m", "method=ga,ft,rl,original,retrain", "oracle=false", "mask=none").code == 0
    arrays = [option(script, "array") for script in sorted(cluster.glob("*.sh"))]
    assert arrays == [None, None, "0-1%2", "0-1%2", None]  # original, metrics, five runs


def test_what_fails_in_the_middle_leaves_no_job(submit, cluster, monkeypatch):
    """The disk is full once the first array is in the queue."""
    written = []

    def write(path, content):
        written.append(path)
        if len(written) > 2:
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("unlearn_cli.sweep.cluster.write_sealed", write)
    end = submit("-m", "method=ga,ft")
    assert end.code == 1
    assert "No space left on device" in end.error
    assert (cluster / "cancelled").read_text().split() == ["101_0", "101_1", "102"]


def test_a_registry_of_jobs_lies_in_the_store(submit, tmp_path):
    submit("-m", "method=ga")
    (file,) = (tmp_path / "out" / "store" / "jobs").glob("run-*.json")
    assert read_sealed(file).keys() == {"job", "log", "folder"}
