"""Where a sweep runs: the options of `hydra/launcher`."""

from typing import Any

from pydantic import Field

from unlearn_cli.config.settings import Settings


class Here(Settings):
    """`hydra/launcher=local`: one run after another, in the process of the command."""


class Jobs(Settings):
    """What every job asks for."""

    wait: bool = Field(description="follow the jobs to their end; false: return, `unlearn status` tells")
    timeout_min: int = Field(
        gt=0, description="time of a job in minutes; one that needs more is requeued and resumes"
    )
    signal_delay_s: int = Field(ge=0, description="seconds before that end at which the run is told to stop")
    max_num_timeout: int = Field(ge=0, description="how often a job is requeued after its time was up")
    gpus_per_node: int = Field(ge=0, description="GPUs of a run, which uses them all; 0 without any")
    tasks_per_node: int | None = Field(gt=0, description="processes of a run; null: one for each GPU")
    cpus_per_task: int = Field(gt=0, description="CPU cores, and threads, of each process")

    @property
    def processes(self) -> int:
        return self.tasks_per_node or max(1, self.gpus_per_node)


class Processes(Jobs):
    """`hydra/launcher=processes`: submitit's local executor."""

    parallel: int = Field(gt=0, description="runs at once; they share the machine's GPUs")


class Slurm(Jobs):
    """`hydra/launcher=slurm`."""

    partition: str | None = Field(
        description="partition to submit to (--partition); null: the cluster's default"
    )
    account: str | None = Field(description="account that pays (--account); null: yours")
    qos: str | None = Field(description="quality of service (--qos); null: the partition's default")
    constraint: str | None = Field(
        description="features that a node must have (--constraint), as a100; null: any node"
    )
    mem_gb: int | None = Field(gt=0, description="GB of memory of a job (--mem); null: the cluster's default")
    array_parallelism: int = Field(gt=0, description="jobs of an array that may run at once")
    setup: list[str] = Field(description="shell commands before each job: module load …")
    additional_parameters: dict[str, Any] = Field(description="any other option of sbatch")
