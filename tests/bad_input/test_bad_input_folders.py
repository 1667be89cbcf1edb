"""Ready-made models that are not what they say, through the real command: one line, nothing written."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, FlowMatchEulerDiscreteScheduler
from safetensors.torch import load_file, save_file
from tiny_clip import TinyProblem
from tiny_commands import CLIP, PIPELINE
from tiny_pipeline import change, pipeline, rewrite, saved, scheduled
from tiny_vlm_folders import llava_folder
from transformers import CLIPConfig, CLIPModel

from unlearn_cli.models.clip.zero_shot import WEIGHTS

GENERATED = (
    *PIPELINE,
    "task=text_to_image",
    "model=pipeline",
    "forget.concept=parachute",
    "forget.anchor=airplane",
)
SMALL = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    return saved(tmp_path_factory.mktemp("pipelines") / "pipe")


def lacks_a_tensor(folder: Path) -> None:
    rewrite(folder / "text_encoder", lambda tensors: tensors.pop(sorted(tensors)[0]))


def no_numbers(folder: Path) -> None:
    rewrite(folder / "unet", lambda tensors: tensors[sorted(tensors)[0]].fill_(float("nan")))


def half(folder: Path) -> None:
    shutil.rmtree(folder)
    pipeline().to(torch.float16).save_pretrained(folder, variant="fp16")


def foreign(folder: Path) -> None:
    change(folder / "model_index.json", text_encoder=["transformers", "T5EncoderModel"])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lacks_a_tensor, "model.path: the weights of the text_encoder of 'pipe' lack 1 tensors (first: "),
        (
            foreign,
            "model.path: 'pipe' is a StableDiffusionPipeline with a text_encoder of class T5EncoderModel",
        ),
        (no_numbers, "model.path: the weights are not all finite numbers (first: "),
        (half, "model.variant: 'pipe' has no plain weights of its unet; set model.variant=fp16"),
        (
            lambda place: scheduled(place, FlowMatchEulerDiscreteScheduler()),
            "model.path: the scheduler of 'pipe'",
        ),
        (
            lambda place: scheduled(place, DDPMScheduler(beta_schedule="sigmoid")),
            "beta_schedule is 'sigmoid'",
        ),
        (
            lambda place: scheduled(place, DDIMScheduler(rescale_betas_zero_snr=True)),
            "the last state is noise alone",
        ),
    ],
)
def test_a_pipeline(refused, sound, damage, said):
    damage(Path(shutil.copytree(sound, "pipe")))
    assert said in refused(*GENERATED, "model.path=pipe")


def test_prompts(refused, sound):
    Path("prompts.csv").write_text("text of it\na dog\n")
    path = f"model.path={sound}"
    assert "data.retain: 'prompts.csv' cannot be read (no column 'prompt'" in refused(
        *GENERATED, path, "data.retain=prompts.csv"
    )
    late = f"data.prompts=['{'over the hills ' * 6}the {{anchor}}']"
    assert "the same to the text encoder, which reads 16 tokens" in refused(*GENERATED, path, late)


def test_clips(refused):
    CLIPModel(CLIPConfig(text_config=SMALL, vision_config=SMALL)).save_pretrained("clip")
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save("weights.pt")
    base = (*(value for value in CLIP if not value.startswith("model.")), "task=clip", "model=clip")
    assert "'clip' is a CLIPModel in the layout of transformers" in refused(*base, "model.name=clip")
    archive = refused(*base, "model.name=ViT-B-32-quickgelu", "model.pretrained=weights.pt")
    assert "model.pretrained: 'weights.pt' is a TorchScript archive" in archive
    TinyProblem(Path("tiny")).model().export(Path())
    state = load_file(f"open_clip/{WEIGHTS}")
    save_file(state | {"logit_scale": torch.tensor(float("nan"))}, f"open_clip/{WEIGHTS}")
    said = refused(*base, "model.name=open_clip")
    assert said == "model: the weights are not all finite numbers (first: clip.logit_scale); give others"


def test_a_processor(refused):
    record = llava_folder(Path("llava")) / "processor_config.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"patch_size": 4}))
    said = refused(
        *(
            "task=vlm",
            "model=vlm",
            "model.path=llava",
            "data.images=20",
            "data.size=16",
            "data.shapes=[circle]",
        ),
        *("data.colours=[red,blue]", "data.textures=[plain]", "forget.concept=red"),
    )
    assert said.startswith("model.path: the processor of 'llava' does not fit its model (")
