"""A classifier whose training step is small takes one thread of a CPU: more would only wait for each other.

Its numbers are then the same with any number of cores, and several commands can share them.
"""

from unlearn_cli.origins import Origins
from unlearn_cli.precision import image_flops, is_measured
from unlearn_cli.runtime import threads
from unlearn_cli.tasks.classification import Classification

SMALL = 5e8
"""Floating-point operations of a batch's forward pass. ResNet-20s of several sizes on two cores: at 3e8 a
second thread gains nothing, at 1.3e9 it gains half."""


def decide_threads(origins: Origins) -> None:
    """Of what is trained from now on in this process."""
    if origins.compute.device.type == "cpu":
        threads.take(1 if _is_small(origins) else threads.most())


def _is_small(origins: Origins) -> bool:
    """Whether it is a classifier, and a step of its training takes less than `SMALL`."""
    experiment, spec = origins.experiment, origins.data.spec
    if not isinstance(experiment.task, Classification) or is_measured(experiment, spec):
        return False
    return image_flops(experiment, spec, origins.compute) * experiment.train.batch_size < SMALL
