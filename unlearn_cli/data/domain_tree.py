"""DOMAIN/CLASS/* in a folder, or DOMAIN/SPLIT/CLASS/*."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import datasets

from unlearn_cli.data.class_folders import class_images, table_of, unread
from unlearn_cli.data.names import listed
from unlearn_cli.data.tree import Tree
from unlearn_cli.errors import InputError, did_you_mean


def folders_of_domains(place: Path) -> dict[str, str]:
    """A folder's name by that of its domain: "Real World" is real_world."""
    return {
        folder.name.lower().replace(" ", "_"): folder.name for folder in place.iterdir() if folder.is_dir()
    }


def images_by_domain(
    place: Path, domains: Sequence[str], split: str
) -> tuple[dict[str, list[str]], list[str]]:
    """The images of each domain by their path in the folder, and notes on what is not read.

    Args:
        split: the folder between domain and class; "": none.

    Raises:
        InputError: a domain or a split without a folder, an image where none is looked for.
    """
    found, notes, there = {}, [], folders_of_domains(place)
    for domain in domains:
        if domain not in there:
            hint = did_you_mean(domain, there, f"there is {listed(sorted(there)) or 'none'}")
            raise InputError(f"data.domains: no folder '{domain}' in '{place}'; {hint}")
        tree = Tree.of(place / there[domain])
        if split:
            if not (tree.place / split).is_dir():
                raise InputError(
                    f"data.train_split, data.test_split: no folder '{split}' in '{tree.place}'; where there "
                    "are no splits, data.test_split=null holds out a part"
                )
            tree = tree.beneath(split)
        if not split and tree.images and all(file.count("/") == 2 for file in tree.images):
            raise InputError(
                f"data.path: no images in '{tree.place}/CLASS'; where there are folders of splits, set "
                "data.train_split, data.test_split"
            )
        start = "/".join((there[domain], split) if split else (there[domain],))
        found[domain] = [f"{start}/{file}" for file in class_images(tree)]
        if not found[domain]:
            raise InputError(f"data.path: no images in '{tree.place}/CLASS'")
        notes += unread(tree)
    return found, notes


def table_of_domains(
    place: Path, files: Mapping[str, Sequence[str]], names: Mapping[str, str] | None = None
) -> datasets.Dataset:
    """Columns image, label, file and domain of the files by domain; `names` of classes by folder."""
    domains = [domain for domain, found in files.items() for _ in found]
    listed_files = [file for found in files.values() for file in found]
    return table_of(Tree.at(place), listed_files, names, domain=domains)
