"""A forget set: which training rows are to be forgotten, and how they were chosen."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_cli.data.rows import digest
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.storage.files import replacing, write_json


def nothing() -> np.ndarray:
    """No rows."""
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class ForgetSet:
    """Rows to forget, of a known data set and split."""

    rows: np.ndarray
    """Sorted int64, a part of the training split."""
    kind: str
    facts: dict[str, Any]
    """The selector's parameters, fit for JSON."""
    classes: tuple[int, ...]
    """Classes of which no training row is left."""
    data_fingerprint: str
    split_fingerprint: str
    found: dict[str, Any] = field(default_factory=dict)
    """What was measured in choosing it, fit for JSON."""
    anchors: np.ndarray = field(default_factory=nothing)
    """For each of the rows, a retained one with the anchor in the concept's place; empty: no anchor."""
    concepts: tuple[Substitution, ...] = ()
    """The words to be forgotten, if it was chosen by words."""
    withheld_rows: np.ndarray = field(default_factory=nothing)
    """Training rows that show what is to be forgotten, yet no method sees; they try out its reach."""
    visible_rows: np.ndarray | None = None
    """The training rows that methods see, be they to be forgotten or retained; None: all but the withheld."""
    forgotten_outside_training: np.ndarray = field(default_factory=nothing)
    """Rows outside of the training split that show what is wholly forgotten, beside those of `classes`."""
    groups: np.ndarray = field(default_factory=nothing)
    """(N,) number of each row's domain as methods are told; empty: no domain is to be forgotten."""
    account: Path | None = None
    """A folder with an account of the choice (tables and figures), if choosing took more than a draw."""

    @property
    def fingerprint(self) -> str:
        """Hash of data, split and rows, however the rows were chosen."""
        visible = nothing() if self.visible_rows is None else self.visible_rows
        parts = (self.anchors, self.withheld_rows, self.forgotten_outside_training, visible)
        more = [part for part in (*parts, self.groups) if len(part)]
        return digest(self.data_fingerprint, self.split_fingerprint, self.rows, *more)

    @property
    def figures(self) -> list[Path]:
        """Those of the account."""
        return sorted(self.account.glob("*.png")) if self.account else []

    def save(self, folder: Path) -> None:
        """Write forget.json, a manifest that `forget=indices` reads back, and forget/, the account."""
        manifest = {
            "kind": self.kind,
            "seed": self.facts.get("seed"),
            "facts": self.facts,
            "found": self.found,
            "classes": list(self.classes),
            "data_fingerprint": self.data_fingerprint,
            "split_fingerprint": self.split_fingerprint,
            "fingerprint": self.fingerprint,
            "indices": self.rows.tolist(),
        }
        write_json(folder / "forget.json", manifest)
        if self.account:
            for file in self.account.iterdir():
                with replacing(folder / "forget" / file.name) as temporary:
                    shutil.copyfile(file, temporary)
