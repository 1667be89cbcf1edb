"""What is to be forgotten and what is to stay, in texts alone."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import AfterValidator

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.models.clip.zero_shot import ZeroShotClip


def _names_both(text: str) -> str:
    if text.count("{domain}") != 1 or text.count("{label}") != 1:
        raise ValueError(
            f"'{text}' has not one {{domain}} and one {{label}}, as 'a {{domain}} of a {{label}}'"
        )
    return text


DomainText = Annotated[str, AfterValidator(_names_both)]
"""A text with {domain} and {label}."""


@dataclass(frozen=True)
class Texts:
    """Texts of what is to be forgotten and of what is retained, and each forgotten text's class."""

    forget: list[str]
    retain: list[str]
    labels: np.ndarray
    """(len(forget),) int64. Of domains: that of each class in the order of the classes, domain by domain."""
    classes: int
    """Classes that each domain is named with; of whole classes 0: no domain is named."""


def forgotten_texts(model: ZeroShotClip, data: ImageData, sets: Sets, text: str) -> Texts:
    """Of whole classes the model's own texts; of domains `text`, with the classes that methods see.

    Raises:
        InputError: neither a class nor a domain is wholly forgotten, or the domains have no name.
    """
    if len(sets.groups):
        forget, retain = domain_names(data, sets)
        labels = np.unique(data.labels[np.concatenate([sets.forget, sets.retain])])
        classes = [data.classes[label] for label in labels]

        def worded(domains: list[str]) -> list[str]:
            return [
                model.prompt(c, text.replace("{domain}", _spoken(d)).replace("{label}", "{}"))
                for d in domains
                for c in classes
            ]

        return Texts(worded(forget), worded(retain), np.tile(labels, len(forget)), len(classes))
    if not sets.classes:
        raise InputError(
            "forget: this method needs words for what is forgotten; use forget=class or forget=domain"
        )
    gone = np.array(sets.classes)
    others = [name for c, name in enumerate(data.classes) if c not in sets.classes]
    return Texts(
        [model.prompt(data.classes[c]) for c in gone], [model.prompt(name) for name in others], gone, 0
    )


def domain_names(data: ImageData, sets: Sets) -> tuple[list[str], list[str]]:
    """Names of the domains to be forgotten and of the others.

    `sets.groups` has their numbers. Their names are the values of the column that says the same: each number
    is called by the value that most of its rows have. It need not be all of them, as where domains were
    guessed.

    Raises:
        InputError: no column tells the numbers apart by such a majority.
    """
    numbers = np.unique(sets.groups)
    for values in data.columns.values():
        spelt = values.astype(str)
        names, shares = zip(*(_majority(spelt[sets.groups == number]) for number in numbers), strict=True)
        if min(shares) > 0.5 and len(set(names)) == len(names):
            gone = np.isin(numbers, sets.groups[sets.forget])
            return [n for n, g in zip(names, gone, strict=True) if g], [
                n for n, g in zip(names, gone, strict=True) if not g
            ]
    raise InputError(
        f"forget: no column names the {len(numbers)} domains, which this method needs; there is "
        f"{listed(data.columns)}"
    )


def _majority(values: np.ndarray) -> tuple[str, float]:
    """The commonest of the values, and its share."""
    names, counts = np.unique(values, return_counts=True)
    return str(names[counts.argmax()]), float(counts.max() / len(values))


def _spoken(name: str) -> str:
    return name.replace("_", " ")
