"""Class-conditional UNets of one's own: what their files say, and what is refused."""

import json
from pathlib import Path

import own_generator
import pytest
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler
from recipes import TINY_UNET

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.unconditional import check_unconditional
from unlearn_cli.models.checkpoint import save_model
from unlearn_cli.models.diffusion.diffusers_unet import DiffusersSettings
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.unet import UNetSettings

SAID = {"timesteps": 100, "beta_schedule": "scaled_linear", "prediction": "v_prediction"}
SHORT = {"_class_name": "UNet2DModel", "num_class_embeds": 11}
NULL = dict.fromkeys(SAID)
TEN = ImageSpec([str(number) for number in range(10)], 1, (8, 8), (0.0,), (1.0,))


def settings(folder: Path, **changes) -> DiffusersSettings:
    return DiffusersSettings(**{"label_drop": 0.1, "weights": folder, **NULL, **changes})


def saved(folder: Path, scheduler=None, **changes) -> Path:
    """A UNet in the folder, with its scheduler if there is one."""
    net = own_generator.unet(**changes)
    if scheduler:
        DDPMPipeline(net, scheduler).save_pretrained(folder)
    else:
        net.save_pretrained(folder)
    return folder


def test_a_pipeline_says_it_all(tmp_path):
    noising = DDPMScheduler(200, beta_end=0.03, prediction_type="sample", clip_sample_range=3.0)
    folder = saved(tmp_path / "mine", noising)
    model = settings(folder).original(TEN)
    assert torch.equal(model.process.betas, noising.betas)
    assert (model.process.config.prediction_type, model.process.config.clip_sample_range) == ("sample", 3.0)
    assert (model.null, model.label_drop, model.unconditional) == (10, 0.1, True)
    own = own_generator.unet().state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.unet.state_dict().items())
    blank = settings(folder).build(TEN).unet
    assert blank.config.items() <= model.unet.config.items()
    assert not torch.equal(blank.conv_in.weight, model.unet.conv_in.weight)


def test_grey_images_in_colour_where_it_draws_in_colour(tmp_path, toy):
    folder = saved(tmp_path / "mine", DDPMScheduler(), in_channels=3, out_channels=3)
    assert (toy.channels, settings(folder).as_taken(toy).channels) == (1, 3)


def test_a_unet_alone_needs_its_noise_told(tmp_path):
    folder = saved(tmp_path / "mine")
    process = settings(folder, **SAID).original(TEN).process.config
    assert (process.num_train_timesteps, process.beta_schedule) == (100, "scaled_linear")
    with pytest.raises(InputError, match=r"^model.beta_schedule: not said, for '.*mine' has no sched"):
        settings(folder, timesteps=100).original(TEN)
    DDIMScheduler(50).save_pretrained(folder)  # a scheduler beside it says it
    assert len(settings(folder).original(TEN).process.betas) == 50
    back = tmp_path / "run"
    back.mkdir()
    settings(folder).write_back(settings(folder).original(TEN), back)
    assert {file.name for file in (back / "unlearned").iterdir()} == {file.name for file in folder.iterdir()}


def test_without_a_null_class_there_is_no_guidance(tmp_path):
    model = settings(saved(tmp_path / "mine", DDPMScheduler(), null=0)).original(TEN)
    assert (model.null, model.label_drop, model.unconditional) == (10, 0.0, False)
    x, t, labels = torch.randn(2, 1, 8, 8), torch.tensor([0, 1]), torch.tensor([0, 9])
    assert model.train()(x, t, labels).shape == x.shape
    sampler = Sampler(steps=2, eta=0, guidance=2, batch_size=2, seed=0)
    for ask in (
        lambda: sampler.check(model, "eval.sampler"),
        lambda: check_unconditional(model, "ESD", "class"),
    ):
        with pytest.raises(InputError, match=r"label drop.*give weights with a null class"):
            ask()


def test_a_state_dict_for_the_unet_that_is_told(tmp_path):
    values = TINY_UNET | {"channels": [8, 16]}
    net = own_generator.unet(null=0)
    torch.save(net.state_dict(), tmp_path / "mine.pt")
    own = UNetSettings(**values, weights=tmp_path / "mine.pt")
    model = own.original(TEN)
    assert not model.unconditional
    assert torch.equal(model.unet.conv_in.weight, net.conv_in.weight)
    assert own.facts() == UNetSettings(**values).facts() | {"class_embeds": 10}
    net = own_generator.unet(num_class_embeds=None)
    torch.save(net.state_dict(), tmp_path / "mine.pt")
    with pytest.raises(InputError, match=r"^model.weights: .*mine.pt has no class_embedding.weight"):
        UNetSettings(**values, weights=tmp_path / "mine.pt").original(TEN)


def test_a_run_s_own_file_says_how_it_noised_and_its_classes(tmp_path, toy):
    model = UNetSettings(**TINY_UNET).build(TEN)
    facts = {"model": UNetSettings(**TINY_UNET).facts(), "class_names": ["c", "a", "b"]}
    save_model(tmp_path, model, facts)
    own = UNetSettings(**TINY_UNET, weights=tmp_path / "model.safetensors")
    assert list(own.as_taken(toy).classes) == ["c", "a", "b"]
    other = own.model_copy(update={"prediction": "sample"})
    with pytest.raises(InputError, match=r"^model.prediction: sample, and the run .*; set model.predic"):
        other.as_taken(toy)


DEEP = {"block_out_channels": (8,) * 5, "sample_size": None} | {
    f"{way}_block_types": (f"{way.title()}Block2D",) * 5 for way in ("down", "up")
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"classes": 7}, r"model.weights: '.*mine' knows 8 classes, and the data have 10"),
        ({"num_class_embeds": None}, r"model.weights: '.*unet' has no table of classes"),
        ({"out_channels": 2}, r"model.weights: '.*unet' predicts more than the noise"),
        ({"center_input_sample": True}, r"model.weights: '.*unet' takes images in \[0, 1\]"),
        ({"in_channels": 3, "out_channels": 3}, r"data: images of 1 channel\(s\), but '.*mine' draws 3"),
        (
            {"sample_size": 32},
            r"data.size: images of 8 x 8 pixels, but '.*mine' draws 32 x 32 \(",
        ),
        (DEEP, r"data.size: '.*mine' cannot take images of 8 x 8 pixels \(.*give a multiple of 16"),
    ],
)
def test_a_folder_that_does_not_fit(tmp_path, changes, told):
    folder = saved(tmp_path / "mine", DDPMScheduler(), **changes)
    with pytest.raises(InputError, match=f"^{told}"):
        settings(folder).original(TEN)


@pytest.mark.parametrize(
    ("changes", "values", "told"),
    [
        ({}, {"prediction": "sample"}, "model.prediction: sample, but .* says epsilon; leave it out"),
        ({"beta_schedule": "sigmoid"}, {}, "model.weights: the scheduler of .* beta_schedule is 'sigmoid'"),
        ({"thresholding": True}, {}, "model.weights: the scheduler of .* thresholding"),
    ],
)
def test_a_scheduler_that_does_not_fit(tmp_path, changes, values, told):
    folder = saved(tmp_path / "mine", DDPMScheduler(**changes))
    with pytest.raises(InputError, match=f"^{told}"):
        settings(folder, **values).original(TEN)


def test_files_that_are_not_there_or_damaged(tmp_path):
    folder = saved(tmp_path / "mine", DDPMScheduler())
    (tmp_path / "mine.pt").touch()
    (tmp_path / "empty").mkdir()
    weights, index = folder / "unet" / "diffusion_pytorch_model.safetensors", folder / "model_index.json"
    faults = [
        (tmp_path / "none", None, "no such folder"),
        (tmp_path / "mine.pt", None, "is a file; it goes with model=unet"),
        (tmp_path / "empty", None, "has no config.json"),
        (folder, (folder / "scheduler" / "scheduler_config.json", "{"), "cannot be opened"),
        (folder, (weights, "{"), "cannot be opened"),
        (folder, (folder / "unet" / "config.json", "[]"), "is a None"),
        (folder, (folder / "unet" / "config.json", json.dumps(SHORT)), "does not say how many channels"),
        (folder, (index, json.dumps({"_class_name": "LDMPipeline", "vqvae": ["a", "b"]})), "with vqvae"),
    ]
    for place, damage, told in faults:
        if damage:
            file, content = damage
            whole = file.read_bytes()
            file.write_text(content)
        with pytest.raises(InputError, match=f"^model.weights: .*{told}"):
            settings(place).original(TEN)
        if damage:
            file.write_bytes(whole)
    with pytest.raises(InputError, match=r"^model.weights: missing; set model.weights=FOLDER"):
        settings(None).original(TEN)
