"""A tiny model's pipeline folder is diffusers' own: where this package is unknown, it draws the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import dynamic_modules_utils
from tiny_pipeline import built
from tiny_text import CAPTIONS, TinyText

OPTIONS = {"num_inference_steps": 3, "guidance_scale": 2.0, "height": 8, "width": 8, "output_type": "pt"}
ALONE = """
import json, sys
class Unknown:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "unlearn_cli":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Unknown())
import torch
from diffusers import DiffusionPipeline
folder, prompt, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
pipe = DiffusionPipeline.from_pretrained(folder, trust_remote_code=True)
images = pipe(prompt, latents=torch.load(f"{folder}/noise.pt"), **options).images
assert not any(name.split(".")[0] == "unlearn_cli" for name in sys.modules)
torch.save(images, f"{folder}/images.pt")
"""


@pytest.fixture
def model(tmp_path):
    return TinyText(tmp_path / "tiny").model()


@pytest.fixture
def noise(model):
    return torch.randn(1, *model.state_shape(3, (8, 8)), generator=torch.manual_seed(1))


def test_a_tiny_pipeline_brings_its_autoencoder(model, noise, tmp_path, monkeypatch):
    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    model.export(tmp_path)
    assert json.loads((tmp_path / "pipeline" / "model_index.json").read_text())["vae"] == [
        "unshuffle",
        "PixelUnshuffle",
    ]
    with pytest.raises(Exception, match="trust_remote_code"):
        DiffusionPipeline.from_pretrained(tmp_path / "pipeline")
    pipe = DiffusionPipeline.from_pretrained(tmp_path / "pipeline", trust_remote_code=True)
    assert not type(pipe.vae).__module__.startswith("unlearn_cli")
    theirs = pipe(CAPTIONS[0], latents=noise, **OPTIONS).images
    assert torch.equal(built(tmp_path / "pipeline", CAPTIONS).decode(noise), model.decode(noise))
    assert torch.equal(theirs, model.pipeline()(CAPTIONS[0], latents=noise, **OPTIONS).images)


@pytest.mark.thorough
def test_it_is_opened_by_a_process_that_does_not_know_this_package(model, noise, tmp_path):
    model.export(tmp_path)
    folder = tmp_path / "pipeline"
    torch.save(noise, folder / "noise.pt")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-c", ALONE, str(folder), CAPTIONS[0], json.dumps(OPTIONS)],
        env=environment | {"HF_MODULES_CACHE": str(tmp_path / "modules")},
        cwd=Path(tmp_path),
        check=True,
        timeout=300,
    )
    ours = model.pipeline()(CAPTIONS[0], latents=noise, **OPTIONS).images
    assert torch.equal(torch.load(folder / "images.pt"), ours)
