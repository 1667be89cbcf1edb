"""Extensions of one's own: one Python file anywhere on the path and one YAML in a folder of one's own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import timm
import torch
from run_results import entries, run_folders, state
from safetensors.torch import load_file
from tiny_commands import EPOCH, TINY
from tiny_run import unlearn

from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.evaluation.meaning import MEANINGS

PAGES = sorted((Path(__file__).parents[1] / "docs" / "extend").glob("*.md"))
METHOD = '''
"""Pull: weights shrink towards zero after a pass over the retain set."""

from pydantic import Field

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.methods.base import GradientMethod


class Pull(GradientMethod):
    factor: float = Field(gt=0, lt=1, description="what is left of a weight")

    def unlearn(self, task, model, sets, trainer):
        def objective(model, batch):
            return {"retain": 0 * task.loss(model, batch).mean()}

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
_target_: my_pull.Pull
epochs: 3
lr: 0.1
batch_size: 64
factor: 0.5
"""


@pytest.fixture
def extension(tmp_path):
    """A folder with my_pull.py and conf/method/pull.yaml."""
    (tmp_path / "my_pull.py").write_text(METHOD)
    (tmp_path / "conf" / "method").mkdir(parents=True)
    (tmp_path / "conf" / "method" / "pull.yaml").write_text(YAML)
    return tmp_path


def test_a_method_from_outside_runs_through_the_command(extension):
    outputs = extension / "outputs"
    arguments = [
        f"--config-dir={extension / 'conf'}",
        f"paths.outputs={outputs}",
        "method=pull",
        EPOCH,
        *TINY,
    ]
    environment = os.environ | {"PYTHONPATH": str(extension)}
    command = [str(Path(sys.executable).with_name("unlearn")), *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "pull" in ended.stdout
    (folder,) = run_folders(outputs)
    assert folder.name.startswith("pull-s0-")
    assert state(folder) == "finished"
    after = load_file(folder / "model.safetensors")
    originals = [load_file(entry / "model.safetensors") for entry in entries(outputs / "store", "model")]
    assert any(torch.equal(after["net.fc.weight"], 0.5 * before["net.fc.weight"]) for before in originals)


def test_its_options_are_checked_and_it_composes_with_a_mask(extension, monkeypatch, capsys):
    monkeypatch.syspath_prepend(extension)
    arguments = (
        f"--config-dir={extension / 'conf'}",
        f"paths.outputs={extension / 'outputs'}",
        "method=pull",
    )
    with pytest.raises(SystemExit) as ended:
        unlearn(*arguments, "method.factor=2")
    assert ended.value.code == 2
    assert "method.factor" in capsys.readouterr().err
    (result,) = unlearn(*arguments, EPOCH, "mask=saliency")
    assert result["cost"]["mask_seconds"] > 0


def test_there_is_a_page_for_each_kind_of_extension():
    assert {page.stem for page in PAGES} == {"data", "forget_set", "method", "metric", "model", "task"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_documents_examples_run_as_they_stand(page, tmp_path, monkeypatch, unlearn, shared_store):
    """Files are written from the page, then its commands follow; FILE: weights trained elsewhere."""
    text = page.read_text()
    files = re.findall(r"`(\S+)`:\n\n```(?:python|yaml)\n(.*?)```", text, re.DOTALL)
    commands = re.findall(r"^    PYTHONPATH=\. unlearn (?!-m)(.*?)(?: +#.*)?$", text, re.MULTILINE)
    assert files
    assert commands
    for name, content in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    torch.save(timm.create_model("resnet18", num_classes=10, in_chans=1).state_dict(), tmp_path / "FILE")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ClassifierEvaluation, "figures", lambda *_: [])  # four fifths of such a run's time
    short = ("data.subset=0.2", "train.epochs=1", "progress=false", f"paths.store={shared_store}")
    with patch.dict(MEANINGS):  # a page adds to it
        for command in commands:
            ended = unlearn(*shlex.split(command), *short)
            assert ended.code == 0, ended.err
            assert "UA" in ended.out
