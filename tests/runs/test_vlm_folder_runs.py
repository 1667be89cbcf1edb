"""SAUCE from training its autoencoder to its file, on folders of LLaVA's and of Llama 3.2's layout."""

import json
from pathlib import Path

import pytest
import torch
from tiny_run import unlearn
from tiny_vlm_folders import PAIRS, built, llava_folder, mllama_folder

from unlearn_cli.sae.artifact import attach_file

SHORT = (
    "task=vlm",
    "data.images=4",
    "data.colours=[red,blue]",
    "data.textures=[plain]",
    "data.shapes=[circle,square]",
    "data.test_fraction=0.25",
    "data.val_fraction=0.34",
    "method=sauce",
    "method.epochs=1",
    "method.batch_size=16",
    "method.k=[4]",
    "method.gamma=[-4.0]",
    "method.reads=4",
    "eval.tokens=3",
    "eval.relearn.rows=0",
    "eval.pixels.steps=0",
    "progress=false",
)


@pytest.mark.parametrize("made", [llava_folder, mllama_folder])
def test_train_select_edit_generate_export_attach_detach(made, tmp_path):
    folder = made(tmp_path / "model")
    (result,) = unlearn(f"paths.outputs={tmp_path}", "model=vlm", f"model.path={folder}", *SHORT)
    assert result["oracle"] is None
    (trial,) = json.loads((Path(result["folder"]) / "trials.json").read_text())
    assert trial["k"] == 4
    model = built(folder)
    x = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    texts = [list(part) for part in zip(*PAIRS[:2], strict=True)]
    with torch.no_grad():
        plain = model.answer_logits(x, *texts)[0]
        (edit,) = attach_file(model.net, Path(result["folder"]) / "edits" / "red.safetensors")
        assert not torch.equal(model.answer_logits(x, *texts)[0], plain)
        assert len(model.answer(x, texts[0], tokens=3)) == 2
        edit.remove()
        assert torch.equal(model.answer_logits(x, *texts)[0], plain)
