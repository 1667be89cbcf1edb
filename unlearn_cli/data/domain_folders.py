"""Images in a folder for each domain, with one for each class in it; a split may stand in files."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import datasets
from pydantic import Field, field_validator

from unlearn_cli.data.class_names import unambiguous
from unlearn_cli.data.domain_images import DomainImages
from unlearn_cli.data.domain_tree import images_by_domain, table_of_domains
from unlearn_cli.data.names import listed, unknown
from unlearn_cli.data.source import Parts, Source
from unlearn_cli.data.split_names import AUTO
from unlearn_cli.errors import InputError


class DomainFolders(DomainImages):
    """DOMAIN/CLASS/*, or DOMAIN/SPLIT/CLASS/* where there is a `test_split` (as Dassl's office_home_dg).

    A domain's folder may have capitals and spaces: "Real World" is real_world. With `splits` the images are
    those that its files list, a line "DOMAIN/CLASS/FILE NUMBER" for each. Columns label and domain.
    """

    determines: ClassVar[frozenset[str]] = DomainImages.determines | {"splits", "names"}

    splits: str | None = Field(
        description="file that lists the images of a {domain} in a {split} (train_split, test_split), in the "
        "data's folder; null: none"
    )
    names: str | None = Field(
        description="file with a line 'FOLDER NAME, FURTHER NAMES' for each class, in the data's folder; "
        "null: classes are named as their folders (ImageNet's numbers by their first word)"
    )

    @field_validator("splits")
    @classmethod
    def _names_both(cls, splits: str | None) -> str | None:
        if splits is not None and not ("{domain}" in splits and "{split}" in splits):
            raise ValueError("it has not both of {domain} and {split}, as {domain}_{split}.txt has")
        return splits

    def _parts(self, source: Source) -> Parts:
        place = Path(source.place)
        if not place.is_dir():
            raise InputError(f"data.path: no folder '{place}'; give one that holds {listed(self.domains)}")
        whole = self.splits is None and self.test_split is None
        train, notes = self._part(place, "" if whole else self.train_split)
        val, test = (
            self._part(place, split)[0] if split and split != AUTO else None
            for split in (self.val_split, self.test_split)
        )
        return Parts(train, val, test, tuple(notes))

    def _part(self, place: Path, split: str) -> tuple[datasets.Dataset, list[str]]:
        """The images of a split (of "", all that are there), and notes on what is not read."""
        if self.splits is None:
            files, notes = images_by_domain(place, self.domains, split)
        else:
            list_of_split = self.splits.replace("{split}", split)
            notes = []
            files = {
                domain: _in_list(place, list_of_split.replace("{domain}", domain)) for domain in self.domains
            }
        names = self._class_names(place)
        folders = {file.split("/")[-2] for found in files.values() for file in found}
        if names and (nameless := sorted(folders - {*names})):
            raise unknown("data.names", "name of the folder", nameless[0], sorted(names))
        return table_of_domains(place, files, names), notes

    def _class_names(self, place: Path) -> dict[str, str]:
        """A class' first name by its folder; with the folder's where several share it. Empty: no file."""
        if self.names is None:
            return {}
        pairs = [line.split(maxsplit=1) for line in _lines(place / self.names, "names")]
        first = {folder: "".join(rest).split(",")[0].strip() for folder, *rest in pairs}
        return unambiguous(first)


def _in_list(place: Path, name: str) -> list[str]:
    """The images that a file in the folder `place` lists, by their path in it."""
    found = []
    for line in _lines(place / name, "splits"):
        image, _, number = line.rpartition(" ")
        if not (number.isdigit() and Path(image).parent.name):
            raise InputError(f"data.splits: '{line[:50]}' in '{name}' is not like 'DOMAIN/CLASS/FILE NUMBER'")
        found.append(image)
    return found


def _lines(file: Path, key: str) -> list[str]:
    """Those of a text file that are not empty."""
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(
            f"data.{key}: '{file}' cannot be read ({reason}); name one in data.path, or null"
        ) from error
