"""Images in a folder for each class, beneath a folder for each split or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import datasets

from unlearn_cli.data.class_names import class_names, printable
from unlearn_cli.data.names import listed
from unlearn_cli.data.split_names import WORDS, spelt
from unlearn_cli.data.tree import DOCUMENTS, IMAGES, Tree, suffix
from unlearn_cli.errors import InputError

Reader = Callable[[], datasets.Dataset]
LAYOUT = "give CLASS/* or SPLIT/CLASS/*"


def by_split(
    tree: Tree, wanted: Collection[str]
) -> tuple[dict[str, Callable[[], datasets.Dataset]], list[str]]:
    """Tables by split, 'train' where there are no folders of splits; and what is not read.

    A folder is a split's if it holds class folders and is called like one (or is one of the `wanted`); one
    that holds images is a class, whatever its name.

    Raises:
        InputError: an image where none is looked for.
    """
    tree = _only_folder(tree, wanted)
    heads = sorted({file.split("/")[0] for file in tree.images if file.count("/") > 1})
    splits = [head for head in heads if head.casefold() in WORDS or _meant(head, wanted, heads)]
    if not splits:
        if heads and not _has_classes(tree):
            raise InputError(
                f"data.train_split: no folder 'train' in '{tree.place}'; there is {listed(heads)}; name one "
                "by data.train_split (domains of classes are read by data=pacs, office_home and their like)"
            )
        _refuse_unlabelled(tree)
        return {"train": partial(table_of, tree, class_images(tree))}, unread(tree)
    if stray := next((file for file in tree.images if file.split("/")[0] not in heads), None):
        raise InputError(
            f"data.path: '{stray}' lies beside the folders of splits ({listed(splits)}) in '{tree.place}'; "
            "move it"
        )
    images = {head: [f"{head}/{file}" for file in class_images(tree.beneath(head))] for head in heads}
    names = class_names(file.split("/")[-2] for files in images.values() for file in files)
    return {head: partial(table_of, tree, files, names) for head, files in images.items()}, unread(tree)


def class_images(tree: Tree) -> list[str]:
    """The images, each in a folder of its class. InputError names the first that is not."""
    images = tree.images
    for file in images:
        depth = file.count("/")
        if depth != 1:
            what = "no folder of a class above it" if depth == 0 else "more than one folder above it"
            raise InputError(f"data.path: '{file}' in '{tree.place}' has {what}; move it, or {LAYOUT}")
    return images


def table_of(
    tree: Tree, files: Sequence[str], names: Mapping[str, str] | None = None, **columns: list[str]
) -> datasets.Dataset:
    """Columns image, label and file of images whose folder is their class; `names` by folder, if at hand."""
    folders = [file.split("/")[-2] for file in files]
    names = names or class_names(folders)
    known = sorted({names[folder] for folder in folders})
    rows: dict[str, Any] = {
        "image": [stored_image(tree.place / file) for file in files],
        "label": [names[folder] for folder in folders],
        "file": [printable(file) for file in files],
        **columns,
    }
    features = {name: datasets.Value("string") for name in rows} | {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=known),
    }
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def unread(tree: Tree) -> list[str]:
    """A note on files that are no images and folders without any."""
    others = [file for file in tree.files if suffix(file) not in IMAGES]
    told = [file for file in others if "/" in file or suffix(file) not in DOCUMENTS]
    notes = [f"not read, being no images: {listed(map(printable, told), 3)}"] if told else []
    if tree.empty:
        notes.append(f"without an image: folder {listed(map(printable, tree.empty), 3)}")
    return notes


def stored_image(file: Path) -> Any:
    """A path; the image itself where a table cannot hold the path."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        return {"bytes": file.read_bytes(), "path": None}
    return str(file)


def _only_folder(tree: Tree, wanted: Collection[str]) -> Tree:
    """Deeper, where all images lie in a folder that is neither a split's nor a class'."""
    while True:
        heads = {file.split("/")[0] for file in tree.images}
        inside = all(file.count("/") > 1 for file in tree.images)
        (only,) = heads if len(heads) == 1 else ("",)
        if not (only and inside) or only.casefold() in WORDS or spelt(only, wanted) is not None:
            return tree
        tree = tree.beneath(only)


def _meant(head: str, wanted: Collection[str], heads: Sequence[str]) -> bool:
    return any(spelt(name, heads) == head for name in wanted)


def _has_classes(tree: Tree) -> bool:
    """Whether some image lies in a folder right beneath: then others are what is in the way."""
    return any(file.count("/") == 1 for file in tree.images)


def _refuse_unlabelled(tree: Tree) -> None:
    heads = {file.split("/")[0] for file in tree.images if "/" in file}
    if heads and all(head.casefold() in WORDS for head in heads):
        raise InputError(
            f"data.path: the images in '{tree.place}' lie in {listed(sorted(heads))}, without a folder for "
            "each class; give SPLIT/CLASS/*, or a metadata.csv with the columns file_name and label in each"
        )
