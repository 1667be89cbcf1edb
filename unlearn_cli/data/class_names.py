"""Names of classes by the names of their folders."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

WNID = re.compile(r"n\d{8}")
"""A folder of ImageNet's, by its number in WordNet."""


def class_names(folders: Iterable[str]) -> dict[str, str]:
    """Class by folder. ImageNet's numbers get the first of their words: n03028079 is 'church'."""
    folders = sorted(set(folders))
    if folders and all(WNID.fullmatch(folder) for folder in folders):
        return unambiguous(_synset_names(folders))
    return {folder: printable(folder) for folder in folders}


def unambiguous(names: Mapping[str, str]) -> dict[str, str]:
    """Names by folder, with the folder's where several share one ('crane (n02012849)')."""
    shared = Counter(names.values())
    return {folder: f"{name} ({folder})" if shared[name] > 1 else name for folder, name in names.items()}


def printable(name: str) -> str:
    """The name in composed letters (as most systems type it), bytes that are no UTF-8 as '\\xe9'."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "backslashreplace"))


def _synset_names(wnids: Iterable[str]) -> dict[str, str]:
    from timm.data import ImageNetInfo  # takes a second, and only ImageNet's folders need it

    known = ImageNetInfo("imagenet-22k")
    there = {*known.label_names()}
    return {
        wnid: known.label_name_to_description(wnid).split(",")[0].strip() if wnid in there else wnid
        for wnid in wnids
    }
