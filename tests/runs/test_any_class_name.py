"""Classes of any name that a file system holds, from the folder to the figures."""

import json
import os
from pathlib import Path

import numpy as np
from PIL import Image
from tiny_run import unlearn

NAMES = ("$_{$", "[cat]", "two\nlines", "a|b `c` *d*", os.fsdecode(b"caf\xe9"))


def test_a_run(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in NAMES:
        (folder := Path("odd") / name).mkdir(parents=True)
        for number in range(8):
            with (folder / f"{number}.png").open("wb") as file:
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(file, "PNG")
    (result,) = unlearn(
        *(
            "data=images",
            "data.path=./odd",
            "data.subset=null",
            "model=resnet20",
            "method=ga",
            "method.epochs=1",
        ),
        *("forget=class", "forget.classes=['[cat]']"),
        figures=True,
    )
    folder = Path(result["folder"])
    assert set(json.loads((folder / "forget.json").read_text())["classes"]) == {1}
    assert (folder / "figures" / "per_class_accuracy.png").stat().st_size
