"""Class folders for text-to-image models: each class a prompt, as SalUn forgets a class of Imagenette."""

from pathlib import Path

import numpy as np
from PIL import Image
from tiny_commands import PROMPTS
from tiny_run import unlearn

WNIDS = ("n01440764", "n03028079", "n03394916")  # tench, church, French horn


def test_a_class_gives_way_to_the_next(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for wnid in WNIDS:
        (folder := Path("nette") / wnid).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    kept = [value for value in PROMPTS if not value.startswith("data.") and "judge" not in value]
    monkeypatch.setattr("tiny_run.small", lambda _: kept)
    (result,) = unlearn(
        *(
            "task=text_to_image",
            "data=images",
            "data.path=./nette",
            "forget=class",
            "forget.classes=[church]",
        ),
        *(
            "method=rl",
            "method.max_steps=2",
            "oracle=false",
            "eval.columns=[]",
            "eval.judge=null",
            "eval.images=1",
        ),
    )
    assert "metrics" in result
