"""A cluster of the tests' own, and users who work on it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_run
import torch
from on_cluster import Cluster, User, until

SLURM_LOCAL = Path(__file__).parents[2] / "scripts" / "slurm_local"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A SLURM with 4 CPUs and 2 GPUs that are none, started here and removed in the end."""
    if not (shutil.which("sbatch") or os.environ.get("UNLEARN_TEST_SLURM")):
        pytest.skip("SLURM is not installed; UNLEARN_TEST_SLURM=1 has scripts/slurm_local install it")
    if os.geteuid():
        pytest.skip("only root can start SLURM's daemons")
    # Not in a folder of pytest's: the path of a socket must be short.
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        environment = os.environ | {"SLURM_LOCAL_STATE": f"{folder}/state"}
        try:
            line = slurm_local(environment, "start", "--gpus", "2", "--cpus", "4")
            told = subprocess.run(
                ["bash", "-c", f"{line} && env -0"],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            yield Cluster(dict(pair.split("=", 1) for pair in told.stdout.rstrip("\0").split("\0")))
        finally:
            slurm_local(environment, "stop", "--wipe")


def slurm_local(environment: dict[str, str], *arguments: str) -> str:
    """What scripts/slurm_local prints. Skips the tests where it can install or start none."""
    command = ["timeout", "300", str(SLURM_LOCAL), *arguments]
    end = subprocess.run(command, env=environment, capture_output=True, text=True)
    if end.returncode:
        pytest.skip(f"no SLURM can be had here: {end.stderr[-500:]}")
    return end.stdout.strip()


@pytest.fixture(scope="module")
def user(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """Somebody with an empty folder but for methods of their own. Their jobs are gone in the end."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copytree(Path(__file__).parent / "user", folder, dirs_exist_ok=True)
    somebody = User(folder, cluster)
    yield somebody
    for process in somebody.begun:
        process.kill()  # nothing happens to one that has ended
        process.wait()
    cluster.ask("scancel", "--me", "--full")
    until(lambda: not cluster.queue(), cluster.queue)


class Undisturbed:
    """Runs in this process, with one thread as the jobs have; all in one outputs folder."""

    def __init__(self, outputs: Path):
        self.outputs = outputs
        self.store = outputs / "store"
        (outputs / "mended").touch()

    def __call__(self, *arguments: str) -> dict[str, Any]:
        """The result of a run."""
        threads, user = torch.get_num_threads(), Path(__file__).parent / "user"
        common = (f"--config-dir={user / 'conf'}", f"paths.outputs={self.outputs}", "device=cpu")
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(user)  # what the methods patch, tiny_run puts back
            patch.setenv("USER_FOLDER", str(self.outputs))
            torch.set_num_threads(1)
            try:
                (result,) = tiny_run.unlearn(*common, *arguments)
            finally:
                torch.set_num_threads(threads)
        return result


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))
