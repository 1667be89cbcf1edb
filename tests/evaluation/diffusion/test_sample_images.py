"""Kept images lie within their folder, whatever the prompts are."""

import json

import torch

from unlearn_cli.evaluation.diffusion.sample_images import folder_names, save_images

LONG = "a photo of a very " + 30 * "very " + "long prompt"
PROMPTS = [
    *("a dog", "A Dog", "../../outside", "/etc/passwd", "..", "", "a/b", "a\\b", "a b", "nul\0l"),
    *(LONG, f"{LONG} indeed", "été 🌻", "x" * 300, "line\nbreak", "\udcff", "con: 50% *?"),
]


def test_names_are_safe_short_and_unique():
    found = folder_names(PROMPTS)
    assert len({name.casefold() for name in found}) == len(PROMPTS)
    assert all(0 < len(name.encode()) < 250 for name in found)
    assert not any(set(name) & set("/\\\0\n:*?") or name.startswith(".") for name in found)
    assert found[0] == "a dog"
    assert found[12] == "été 12" or found[12] == "été"


def test_every_image_is_in_the_folder_and_its_prompt_is_told(tmp_path):
    labels = torch.arange(len(PROMPTS))
    images = torch.zeros(len(PROMPTS), 3, 2, 2, dtype=torch.uint8)
    save_images(images, labels, PROMPTS, tmp_path / "run" / "samples")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    names = json.loads((tmp_path / "run" / "samples" / "names.json").read_text())
    assert list(names.values()) == PROMPTS
    for number, name in enumerate(names):
        assert (tmp_path / "run" / "samples" / name / f"{number:05}.png").is_file()


def test_classes_keep_their_names(tmp_path):
    save_images(torch.zeros(2, 3, 2, 2, dtype=torch.uint8), torch.arange(2), ["0", "a dog"], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "a dog"]
