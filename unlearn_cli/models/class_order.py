"""Classes in the order of a model's outputs."""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError

log = logging.getLogger("unlearn")

UNNAMED = re.compile(r"LABEL_\d+")
"""What transformers calls an output that nobody has named."""


def in_order(data: ImageData, outputs: Sequence[str] | None, key: str) -> ImageData:
    """The data with their classes numbered as the model's outputs are, where these have the same names.

    outputs: names of the model's outputs; None: unknown, and taken to be in the data's order.
    InputError, which begins with `key`: so many outputs as classes there are not.
    """
    if outputs is None:
        return data
    names = [str(name) for name in outputs]
    if len(names) != len(data.classes):
        raise InputError(
            f"{key}: tells {len(names)} classes apart ({listed(names, 3)}), and the data have "
            f"{len(data.classes)} ({listed(data.classes, 3)}); give data with the model's classes"
        )
    if names == list(data.classes) or all(map(UNNAMED.fullmatch, names)):
        return data
    if sorted(names) != sorted(data.classes):
        told = "%s: its outputs are called %s, the data's classes %s; they are taken in this order"
        log.warning(told, key, listed(names, 5), listed(data.classes, 5))
        return data
    number = np.array([names.index(name) for name in data.classes])
    return replace(
        data,
        classes=names,
        labels=number[data.labels],
        fingerprint=digest(data.fingerprint, np.array(number)),
        columns={name: values for name, values in data.columns.items() if name != "label"},
    )
