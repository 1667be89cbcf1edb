"""What the tests do on a SLURM cluster: ask it, fill it, and call the command there as a user would."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import tiny_commands

PATIENCE = 150  # seconds in which whatever is waited for must have come
CLUSTER = ("hydra/launcher=slurm", "hydra.launcher.gpus_per_node=0", "hydra.launcher.cpus_per_task=1")


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Cluster:
    """A running SLURM."""

    environment: dict[str, str]

    def ask(self, *command: str) -> list[str]:
        """The lines that a command of SLURM prints."""
        answer = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return answer.stdout.splitlines()

    def queue(self) -> list[str]:
        return self.ask("squeue", "--noheader", "--array", "--format=%i %T %r")

    def full(self, partition: str = "main", seconds: float = 600) -> str:
        """A job on all CPUs; its id."""
        sleep = ("--output=/dev/null", f"--wrap=sleep {seconds}")
        (id,) = self.ask("sbatch", "--parsable", f"--partition={partition}", "--ntasks=4", *sleep)
        return id


@dataclass
class User:
    """A folder in which somebody works."""

    folder: Path
    cluster: Cluster
    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    @property
    def slowly(self) -> Path:
        """While this file exists the steps of method=slow are long."""
        return self.folder / "slowly"

    def begin(self, *arguments: str, small: bool = True, code: Path | None = None) -> subprocess.Popen[str]:
        """The command, in a process that is not waited for.

        code: folder of another copy of the package.
        """
        environment = self.cluster.environment | {
            "USER_FOLDER": str(self.folder),
            "PYTHONPATH": f"{code or ''}:{self.folder}",
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "300",
        }
        settings = (
            (f"--config-dir={self.folder / 'conf'}", "device=cpu", *tiny_commands.TINY) if small else ()
        )
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("unlearn")), *arguments[:1], *settings, *arguments[1:]],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.begun.append(process)
        return process

    def begin_sweep(self, *arguments: str, code: Path | None = None) -> subprocess.Popen[str]:
        """`unlearn -m` on the cluster with tiny settings."""
        return self.begin("-m", *CLUSTER, *arguments, code=code)

    def sweep(self, *arguments: str) -> Ended:
        return ended(self.begin_sweep(*arguments))

    def status(self, *sweep: str) -> str:
        """What `unlearn status` prints."""
        return ended(self.begin("status", *sweep, small=False)).out

    def runs(self, count: int) -> list[Path]:
        """The run folders, sorted by seed and the methods' names; none until there are as many."""
        found = sorted(file.parent for file in self.outputs.glob("*/*/*/*/*/status.json"))
        return found if len(found) == count else []

    def jobs(self) -> list[Path]:
        """Where the jobs that were submitted lie, one file for each."""
        return sorted(self.outputs.glob("sweeps/*/jobs/*_submitted.pkl"))


def ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if file.exists() else {}


def row(table: str, name: str) -> str:
    """What `unlearn status` says of a run: its line of the table, without the name."""
    (line,) = [line for line in table.splitlines() if line.strip().startswith(name)]
    return " ".join(line.strip().removeprefix(name).split())


def until(condition: Callable[[], Any], what: Callable[[], object] = lambda: "") -> Any:
    """Wait until the condition holds; what it gave."""
    began = time.monotonic()
    while not (found := condition()):
        assert time.monotonic() - began < PATIENCE, what()
        time.sleep(0.2)
    return found
