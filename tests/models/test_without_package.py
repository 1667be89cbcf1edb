"""Folders that a run leaves are opened by the libraries they are made for, where this package is unknown."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import dynamic_modules_utils
from tiny_clip import TinyProblem
from tiny_pipeline import built
from tiny_text import CAPTIONS, TinyText
from tiny_vlm import TinyProblem as TinyQuestions

OPTIONS = {"num_inference_steps": 3, "guidance_scale": 2.0, "height": 8, "width": 8, "output_type": "pt"}
QUESTION = "<image> what colour is it ? :"
ALONE = """
import json, sys
class Unknown:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "unlearn_cli":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Unknown())
import torch
options = json.loads(sys.argv[1])
given = torch.load("given.pt", weights_only=True)
"""
DRAWS = """
from diffusers import DiffusionPipeline
pipe = DiffusionPipeline.from_pretrained("pipeline", trust_remote_code=True)
made = pipe(options.pop("prompt"), latents=given, **options).images
"""
EMBEDS = """
import open_clip
clip, _, transform = open_clip.create_model_and_transforms("local-dir:open_clip")
made = clip.eval().encode_image(given)
"""
ANSWERS = """
from transformers import AutoProcessor, LlavaForConditionalGeneration
net = LlavaForConditionalGeneration.from_pretrained("model").eval()
processor = AutoProcessor.from_pretrained("model")
made = net(**processor(images=[*given], text=[options["question"]], return_tensors="pt")).logits
"""
ENDS = """
assert not any(name.split(".")[0] == "unlearn_cli" for name in sys.modules)
torch.save(made.detach(), "made.pt")
"""


def made_alone(folder: Path, program: str, given: torch.Tensor, **options) -> torch.Tensor:
    """What a program, which starts in the folder and cannot import this package, makes of a tensor."""
    torch.save(given, folder / "given.pt")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-c", ALONE + program + ENDS, json.dumps(options)],
        env=environment | {"HF_MODULES_CACHE": str(folder / "modules")},
        cwd=folder,
        check=True,
        timeout=300,
    )
    return torch.load(folder / "made.pt", weights_only=True)


@pytest.fixture
def drawing(tmp_path):
    return TinyText(tmp_path / "tiny").model()


@pytest.fixture
def noise(drawing):
    return torch.randn(1, *drawing.state_shape(3, (8, 8)), generator=torch.manual_seed(1))


def test_a_tiny_pipeline_brings_its_autoencoder(drawing, noise, tmp_path, monkeypatch):
    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    drawing.export(tmp_path)
    with pytest.raises(ValueError, match="trust_remote_code"):
        DiffusionPipeline.from_pretrained(tmp_path / "pipeline")
    pipe = DiffusionPipeline.from_pretrained(tmp_path / "pipeline", trust_remote_code=True)
    assert not type(pipe.vae).__module__.startswith("unlearn_cli")
    theirs = pipe(CAPTIONS[0], latents=noise, **OPTIONS).images
    assert torch.equal(theirs, drawing.pipeline()(CAPTIONS[0], latents=noise, **OPTIONS).images)
    assert torch.equal(built(tmp_path / "pipeline", CAPTIONS).decode(noise), drawing.decode(noise))


@pytest.mark.thorough
def test_diffusers_draws_with_a_tiny_pipeline(drawing, noise, tmp_path):
    drawing.export(tmp_path)
    made = made_alone(tmp_path, DRAWS, noise, prompt=CAPTIONS[0], **OPTIONS)
    assert torch.equal(made, drawing.pipeline()(CAPTIONS[0], latents=noise, **OPTIONS).images)


@pytest.mark.thorough
def test_open_clip_embeds_with_a_tiny_clip(tmp_path):
    model, x = TinyProblem(tmp_path / "tiny").model(), torch.rand(2, 3, 8, 8)
    model.export(tmp_path)
    assert torch.equal(made_alone(tmp_path, EMBEDS, x), model.clip.encode_image(x).detach())


@pytest.mark.thorough
def test_transformers_answers_with_a_tiny_llava(tmp_path):
    model, x = TinyQuestions(tmp_path / "tiny").model(), torch.rand(1, 3, 8, 8).mul(255).round()
    model.export(tmp_path)
    made = made_alone(tmp_path, ANSWERS, x, question=QUESTION)
    with torch.no_grad():
        ours = model.net(**model.inputs(x / 255, ["what colour is it ?"])).logits
    torch.testing.assert_close(made, ours)
