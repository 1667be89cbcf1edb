"""A number belongs to what was asked: files, plug-ins and folders that are not what they were."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unlearn_cli as unlearn
from unlearn_cli import origins
from unlearn_cli.compare.records import read
from unlearn_cli.storage.identity_file import read_identity

FT = ("method=ft", "method.epochs=1")
PHOTOS = (
    *("data=images", "data.path=photos", "data.subset=1", "data.test_fraction=0.3"),
    *("model=resnet20", "model.depth=8", "model.width=8"),
)
METHOD = """
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.methods.base import GradientMethod
class Mine(GradientMethod):
    def unlearn(self, task, model, sets, trainer):
        def objective(model, batch):
            return {"forget": +1 * task.loss(model, batch).mean()}
        return trainer.fit(model, shuffled(sets.forget), objective, self)
"""
METHOD_YAML = """\
# unlearn method=mine
# Mine
defaults:
  - /optim@_here_: sgd
  - _self_
_target_: my_method.Mine
epochs: 1
lr: 0.1
batch_size: 64
"""
MODEL = """
from torch import nn
from unlearn_cli.models.base import ModelSettings
class Mine(ModelSettings):
    def build(self, images):
        pixels = images.channels * images.size[0] * images.size[1]
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 8), nn.ReLU(), nn.Linear(8, len(images.classes)))
"""


@pytest.fixture(autouse=True)
def source_is_read(monkeypatch):
    """Two sources of the same second and length have one bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def folders() -> list[Path]:
    """Of all runs, in the order of their end."""
    found = Path("outputs").glob("*/*/*/*/*/metrics.json")
    return [file.parent for file in sorted(found, key=lambda file: file.stat().st_mtime)]


def numbers(folder: Path) -> dict[str, float]:
    return json.loads((folder / "metrics.json").read_text())["metrics"]


def plugin(name: str, text: str) -> None:
    path = Path("plugins", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def photos(seed: int, place: str = "photos") -> None:
    generator = np.random.default_rng(seed)
    for name in ("cat", "dog"):
        Path(place, name).mkdir(parents=True, exist_ok=True)
        for number in range(10):
            pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(Path(place, name, f"{number}.png"))


def test_images_replaced_in_place_are_another_run_and_a_moved_folder_is_the_same(tiny):
    own = (*PHOTOS, *FT)
    photos(0)
    assert not tiny(*own).code
    assert "already finished" in tiny(*own).err
    photos(1)
    end = tiny(*own)
    first, second = folders()
    assert f"data.path: the content of 'photos' is not what it was for {first.relative_to('.')}" in end.err
    assert "training the original" in end.err
    assert numbers(first) != numbers(second)
    shutil.move("photos", "elsewhere")
    assert f"already finished: {second}" in tiny(*own, "data.path=elsewhere").err
    photos(0)
    assert f"already finished: {first}" in tiny(*own).err


def test_rows_of_a_file_that_has_others_are_another_run(tiny, monkeypatch):
    infos = []
    track = origins.tracked
    monkeypatch.setattr(
        origins, "tracked", lambda one, info, to: [infos.append(info), track(one, info, to)][1]
    )
    Path("rows.txt").write_text("\n".join(map(str, range(4))))
    own = ("data.subset=1", "data.val_fraction=0", "forget=indices", "forget.file=rows.txt", *FT)
    assert not tiny(*own).code
    Path("rows.txt").write_text("\n".join(map(str, range(30))))
    assert "forget.file: the content of 'rows.txt' is not what it was" in tiny(*own).err
    counts = [json.loads((folder / "metrics.json").read_text())["forget"]["count"] for folder in folders()]
    assert counts == [4, 30]
    told = [read(folder).config["forget"]["file_content"] for folder in folders()]
    assert len({*told}) == 2  # a comparison takes them for no repetitions of one variant
    assert {row["n"] for row in unlearn.compare("outputs").rows} == {1}
    assert len({info.config["variant"] for info in infos if info.own}) == 2  # nor does a dashboard


def test_a_method_of_ones_own_that_was_edited_is_another_run(tiny):
    plugin("method/mine.yaml", METHOD_YAML)
    plugin("my_method.py", METHOD)
    own = ("--config-dir", "plugins", "method=mine")
    assert not tiny(*own).code
    assert "already finished" in tiny(*own).err
    plugin("my_method.py", METHOD.replace("+1", "-1"))
    assert "method: the source of my_method is not what it was" in tiny(*own).err
    first, second = folders()
    assert numbers(first) != numbers(second)
    told = json.loads((second / "environment.json").read_text())
    kept = read_identity(second)
    assert kept
    assert told["plugins"] == kept.identity.plugins
    assert {"torch", "numpy", "unlearn-cli"} <= told["packages"].keys()
    assert (told["device"], told["threads"]) == ("cpu", 1)


def test_a_model_of_ones_own_that_was_edited_is_trained_again(tiny):
    plugin("model/mine.yaml", "# unlearn model=mine\n# Mine\n_target_: my_model.Mine\n")
    plugin("my_model.py", MODEL)
    own = ("--config-dir", "plugins", "model=mine", *FT)
    assert not tiny(*own).code
    plugin("my_model.py", MODEL.replace("ReLU", "Tanh"))
    end = tiny(*own)
    assert "model: the source of my_model is not what it was" in end.err
    assert "training the original" in end.err
    assert "training the oracle" in end.err
    originals = [json.loads((folder / "metrics.json").read_text())["original"] for folder in folders()]
    assert originals[0] != originals[1]


def test_a_folder_renamed_to_another_runs_name_is_refused(tiny, unlearn):
    assert not tiny(*FT).code
    assert not tiny(*FT, "seed=1").code
    (first, second) = folders()
    shutil.rmtree(first)
    second.rename(first)
    end = tiny(*FT)
    assert end.code == 2
    assert end.error.startswith(f"paths.outputs: {first} holds another run (forget.seed=1, not 0")
    end = tiny("-m", *FT, "seed=0")
    assert end.code == 1
    assert "holds another run" in end.err
    assert "renamed" in unlearn("status").out


def test_force_makes_a_finished_run_again(tiny):
    assert not tiny(*FT).code
    (folder,) = folders()
    (folder / "metrics.json").write_text((folder / "metrics.json").read_text())
    before = (folder / "status.json").read_text()
    end = tiny(*FT, "--force")
    assert "unlearning" in end.err
    assert folders() == [folder]
    assert (folder / "status.json").read_text() != before
    assert "1 to do" in tiny("plan", "--force", *FT).out
    assert "0 to do" in tiny("plan", *FT).out


def test_a_run_is_made_again_from_its_record_here_and_elsewhere(tiny, unlearn, monkeypatch):
    own = (*PHOTOS, *FT)
    photos(0)
    assert not tiny(*own).code
    (folder,) = folders()
    end = unlearn("rerun", str(folder))
    assert "the same 12 numbers" in end.out
    assert folders() == [folder]
    home = Path.cwd()
    Path("other").mkdir()
    monkeypatch.chdir("other")
    end = unlearn("rerun", str(home / folder))
    assert "the same 12 numbers" in end.out, end.err
    assert folders() == [folder]
    assert unlearn("rerun", str(folder), "seed=1").code == 2
    shutil.move(home / "photos", home / "moved")
    end = unlearn("rerun", str(folder))
    assert end.code == 2
    assert end.error == f"data.path: '{home}/photos', which the run read, is not here; give data.path=PLACE"
    photos(1, "new")
    end = unlearn("rerun", str(folder), "data.path=new")
    assert f"data.path: the content of 'new' is not what it was for {folder}" in end.err
    assert "numbers differ from" in end.out
    assert "no folder of a run" in unlearn("rerun", str(home)).error
