"""Plug-ins outside the checkout, in processes of their own, and the pages on them in docs/extend."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import timm
import tiny_commands
import torch
from documents import EXTEND, plugin_files
from run_results import entries, run_folders, state
from safetensors.torch import load_file
from tiny_commands import EPOCH, TINY

from unlearn_cli.command.new import KINDS, new
from unlearn_cli.command.skeleton import SKELETONS, filled
from unlearn_cli.compare.command import main as compare
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.evaluation.diffusion.text_to_image import TextToImageEvaluation
from unlearn_cli.storage.files import read_json

PAGES = sorted(page for page in EXTEND.glob("*.md") if page.stem != "README")
METHOD = '''
"""Pull: weights shrink towards zero after a pass over the retain set."""

from pydantic import Field

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.methods.base import GradientMethod


class Pull(GradientMethod):
    factor: float = Field(gt=0, lt=1, description="what is left of a weight")

    def unlearn(self, task, model, sets, trainer):
        def objective(model, batch):
            return {"retain": task.loss(model, batch).mean()}

        def shrink(parameters, anchors, lr, progress):
            for p, anchor in zip(parameters, anchors):
                p.copy_(self.factor * anchor)

        return trainer.fit(model, shuffled(sets.retain), objective, self, proximal=shrink)
'''
YAML = """\
# unlearn method=pull
# Pull: weights shrink
defaults:
  - /optim@_here_: sgd
  - _self_
_target_: {module}.Pull
epochs: 3
lr: 0.1
batch_size: 64
factor: 0.5
"""
PLACEHOLDERS = ("FOLDER", "OWNER", "rows.txt")
"""Of commands that want data of the reader's."""


@pytest.fixture
def folder(tmp_path):
    """tmp_path, with pull.py and method/pull.yaml in plugins/."""
    (tmp_path / "plugins" / "method").mkdir(parents=True)
    (tmp_path / "plugins" / "pull.py").write_text(METHOD)
    (tmp_path / "plugins" / "method" / "pull.yaml").write_text(YAML.format(module="pull"))
    return tmp_path


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`unlearn` in a process of its own, called in the folder; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "unlearn_cli", *arguments],
        env=os.environ | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def is_pulled(outputs: Path) -> bool:
    (folder,) = [folder for folder in run_folders(outputs) if folder.name.startswith("pull-s0-")]
    assert state(folder) == "finished"
    after = load_file(folder / "model.safetensors")
    originals = [load_file(entry / "model.safetensors") for entry in entries(outputs / "store", "model")]
    return any(torch.equal(after["net.fc.weight"], 0.5 * before["net.fc.weight"]) for before in originals)


def test_a_folder_is_found_without_pythonpath(folder):
    done = command(folder, "method=pull", EPOCH, *TINY, UNLEARN_PLUGINS="plugins")
    assert "pull" in done.stdout
    assert is_pulled(folder / "outputs")


def test_an_installed_package_brings_its_options_along(folder):
    site, package = folder / "site", folder / "site" / "my_lab"
    shutil.copytree(folder / "plugins", package)
    (package / "method" / "pull.yaml").write_text(YAML.format(module="my_lab.pull"))
    (site / "my_lab-1.0.dist-info").mkdir()
    (site / "my_lab-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-lab\nVersion: 1.0\n"
    )
    points = site / "my_lab-1.0.dist-info" / "entry_points.txt"
    points.write_text("[unlearn_cli.plugins]\nmy_lab = my_lab\n")
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    assert "method=pull" in command(folder, "plan", "method=pull", *TINY, PYTHONPATH=path).stdout
    assert "Pull: weights shrink (yours)" in command(folder, "method", "--help", PYTHONPATH=path).stdout


def test_the_process_of_a_job_knows_it(folder):
    """It runs the copy of its submission, with no folder of plug-ins named."""
    done = command(
        folder,
        *("hydra/launcher=processes", "method=pull", EPOCH, *TINY),
        UNLEARN_PLUGINS=str(folder / "plugins"),
    )
    assert is_pulled(folder / "outputs"), done.stderr
    assert [*folder.glob("outputs/sweeps/*/code/*/pull.py")]


def test_its_options_are_checked_and_it_composes_with_a_mask(folder, monkeypatch, tiny):
    monkeypatch.setenv("UNLEARN_PLUGINS", str(folder / "plugins"))
    assert tiny("method=pull", "method.factor=2").error.startswith("method.factor: ")
    assert tiny("method=pull", EPOCH, "mask=saliency").code == 0
    (file,) = Path("outputs").rglob("metrics.json")
    assert read_json(file)["cost"]["mask_seconds"] > 0


def test_what_new_writes_passes_its_tests(tmp_path, monkeypatch, capsys):
    """All kinds in one process: what takes the time is the import of PyTorch."""
    monkeypatch.chdir(tmp_path)
    for kind in KINDS:
        new([kind, f"mine_{kind}"])
        assert f"unlearn {kind}=mine_{kind}" in capsys.readouterr().out
    new(["project", "mine_project"])
    assert "unlearn experiment=mine" in capsys.readouterr().out
    quick = "from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation as E\n"
    Path("conftest.py").write_text(f"{quick}E.figures = lambda *_: []\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "plugins", "mine_project"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["methd", "mine"], "'methd': no kind of plug-in; did you mean 'method'?"),
        (
            ["method", "My-Own"],
            "'My-Own': a plug-in's name has small letters, digits and _ alone, as in my_method",
        ),
        (["method", "salun"], "'salun': there is a method=salun already; take another name"),
        (["method", "class"], "'class': a word of Python itself"),
        (["method", "mine", "/etc/hosts"], "/etc/hosts: a file, where the folder was to be"),
        (["method"], "the following arguments are required: NAME"),
        (["model", "statistics"], "'statistics': a module of that name is installed, and would hide yours"),
    ],
)
def test_names_that_new_refuses(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=re.escape(said)):
        new(arguments)
    assert not [*tmp_path.iterdir()]


def test_new_writes_over_nothing(tmp_path):
    new(["data", "mine_once", str(tmp_path)])
    with pytest.raises(InputError, match=r"mine_once.py: is there already"):
        new(["data", "mine_once", str(tmp_path)])


def test_there_is_a_page_for_each_kind_of_extension():
    kinds = {"attack", "data", "forget_set", "method", "metric", "model", "task"}
    assert {page.stem for page in PAGES} == kinds


@pytest.mark.parametrize(("kind", "name", "page"), [
    ("method", "bounded", "method"), ("model", "mlp", "model"), ("data", "two_tones", "data"),
    ("metric", "surprise", "metric"), ("forget", "darkest", "forget_set"),
])  # fmt: skip
def test_a_page_shows_what_new_writes(kind, name, page):
    shown = plugin_files(EXTEND / f"{page}.md")
    assert f"    unlearn new {kind} {name} plugins\n" in (EXTEND / f"{page}.md").read_text()
    for file, skeleton in ((f"{name}.py", "module.py"), (f"{kind}/{name}.yaml", "option.yaml")):
        assert shown[f"plugins/{file}"] == filled((SKELETONS / kind / f"{skeleton}.txt").read_text(), name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_documents_examples_run_as_they_stand(page, tmp_path, monkeypatch, unlearn, shared_store):
    """Files are written from the page, then its commands follow; FILE: weights trained elsewhere."""
    text = page.read_text()
    found = re.findall(r"^    (unlearn(?:-compare)? (?!new|-m).*?)(?: +#.*)?$", text, re.MULTILINE)
    commands = [line for line in found if not any(word in line for word in PLACEHOLDERS)]
    assert len(commands) > 1
    for name, content in plugin_files(page).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    torch.save(timm.create_model("resnet18", num_classes=10, in_chans=1).state_dict(), tmp_path / "FILE")
    (variable,) = set(re.findall(r"^    export (\w+=\w+)$", text, re.MULTILINE))
    monkeypatch.setenv(*variable.split("="))
    for evaluation in (ClassifierEvaluation, TextToImageEvaluation):  # four fifths of such a run's time
        monkeypatch.setattr(evaluation, "figures", lambda *_: [])
    short = ("data.subset=0.2", "train.epochs=1", "progress=false", f"paths.store={shared_store}")
    drawn = [word for word in tiny_commands.PROMPTS if not word.startswith(("task=", "eval.attacked="))]
    drawn += ["eval.attacked_prompts=2", "oracle=false", "method.max_steps=1", "method.warm_up=0"]
    for line in commands:
        program, *words = shlex.split(line)
        if program == "unlearn-compare":
            with patch.object(sys, "argv", [program, *words]):
                compare()
            continue
        ended = unlearn(*words, *(drawn if "task=text_to_image" in words else short))
        assert ended.code == 0, ended.err
        assert "UA" in ended.out
