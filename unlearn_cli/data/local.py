"""A local folder or file as tables by split, whatever form it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

import datasets
from datasets import Dataset, load_dataset_builder
from datasets.packaged_modules.folder_based_builder.folder_based_builder import FolderBasedBuilder
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard

from unlearn_cli.data import class_folders
from unlearn_cli.data.names import listed
from unlearn_cli.data.split_names import WORDS, split_of_file
from unlearn_cli.data.tree import DOCUMENTS, Tree, suffix
from unlearn_cli.errors import InputError

Tables = Mapping[str, Callable[[], Dataset]]
"""What reads each split, by its name."""
METADATA = frozenset(FolderBasedBuilder.METADATA_FILENAMES)
"""Tables beside images that give their columns."""


def local_tables(place: Path, wanted: Collection[str]) -> tuple[Tables, list[str]]:
    """The splits, `wanted` ones by their names, and notes on what is not read."""
    if place.is_file():
        return {"train": partial(_read, "parquet", [str(place)])}, []
    if (place / "dataset_dict.json").is_file() or (place / "state.json").is_file():
        return _saved(place), []
    tree = Tree.of(place)
    metadata = [file for file in tree.files if file.rsplit("/", 1)[-1] in METADATA]
    parquet = [file for file in tree.ending(".parquet") if file not in metadata]
    if _has_card(place) or not (parquet or tree.images):
        return built_tables(load_dataset_builder(str(place))), []
    if parquet:
        return _parquet(tree, parquet), _unread_tables(tree, parquet)
    if metadata:
        return _with_metadata(tree, metadata), []
    return class_folders.by_split(tree, wanted)


def built_tables(builder: datasets.DatasetBuilder) -> Tables:
    """As `datasets` makes them out."""
    builder.download_and_prepare()
    return {str(name): partial(builder.as_dataset, split=name) for name in builder.info.splits}


def _has_card(place: Path) -> bool:
    """Whether a copy of a hub repository says itself which files are which split."""
    card = place / "README.md"
    return card.is_file() and bool(MetadataConfigs.from_dataset_card_data(DatasetCard.load(card).data))


def _saved(place: Path) -> Tables:
    """What `save_to_disk` wrote."""
    saved = datasets.load_from_disk(str(place))
    tables = saved if isinstance(saved, datasets.DatasetDict) else {"train": saved}
    return {str(name): partial(_as_it_is, table) for name, table in tables.items()}


def _as_it_is(table: Dataset) -> Dataset:
    return table


def _parquet(tree: Tree, files: list[str]) -> Tables:
    """Parquet files by the split that their name or a folder tells; all of them 'train' if none does."""
    by_split: dict[str, list[str]] = defaultdict(list)
    for file in files:
        folder = next((part for part in file.split("/")[:-1] if part.casefold() in WORDS), None)
        by_split[folder or split_of_file(file) or ""].append(file)
    untold = by_split.pop("", [])
    if by_split and untold:
        raise InputError(
            f"data.path: '{untold[0]}' in '{tree.place}' is of no split, others are of {listed(by_split)}; "
            "name files as in train-1.parquet, or give a folder of one kind"
        )
    places = {name: [str(tree.place / file) for file in found] for name, found in by_split.items()}
    places = places or {"train": [str(tree.place / file) for file in untold]}
    return {name: partial(_read, "parquet", found) for name, found in places.items()}


def _with_metadata(tree: Tree, metadata: list[str]) -> Tables:
    """Images whose columns stand in tables beside them."""
    by_split: dict[str, list[str]] = defaultdict(list)
    for file in sorted({*tree.images, *metadata}):
        head = file.split("/")[0] if "/" in file else ""
        by_split[head if head.casefold() in WORDS else "train"].append(str(tree.place / file))
    return {name: partial(_read, "imagefolder", files) for name, files in by_split.items()}


def _read(form: str, files: list[str]) -> Dataset:
    builder = load_dataset_builder(form, data_files={"train": files})
    builder.download_and_prepare()
    return builder.as_dataset("train")


def _unread_tables(tree: Tree, tables: list[str]) -> list[str]:
    others = sorted({*tree.files} - {*tables})
    told = [file for file in others if suffix(file) not in (*DOCUMENTS, ".json")]
    return [f"not read beside parquet files: {listed(told, 3)}"] if told else []
