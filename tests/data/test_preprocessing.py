"""Photographs reach ready-made models bit for bit as the models' own libraries prepare them."""

import json
from pathlib import Path

import open_clip
import pytest
import tiny_clip
import tiny_pipeline
import tiny_vlm_folders
import torch
from diffusers.image_processor import VaeImageProcessor
from hub_settings import HUB
from open_clip.transform import PreprocessCfg, image_transform_v2
from photographs import SHAPES, class_folders
from PIL import Image
from torchvision import transforms
from transformers import AutoProcessor, CLIPImageProcessor, LlavaImageProcessor

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.brought import brought
from unlearn_cli.data.hub import HubImages
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.clip.open_clip_models import OpenClip
from unlearn_cli.models.clip.tiny_clip import TinyClip
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store

CPU = Compute("cpu", "fp32", False, False)
TRANSFORMS = [
    {},
    {"interpolation": "bilinear", "mean": [0.1, 0.2, 0.3]},
    {"resize_mode": "squash"},
    {"resize_mode": "longest", "fill_color": 128},
]
"""Values of open_clip's preprocess_cfg."""
PROCESSORS = [
    CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}),
    CLIPImageProcessor(size={"shortest_edge": 21}, crop_size={"height": 16, "width": 16}),
    LlavaImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}, do_pad=True),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return class_folders(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def batch(tmp_path):
    """batch(folder, model, **changes): all pictures as the model is given them, and their files."""

    def made(folder: Path, model, **changes) -> tuple[Batch, list[Path]]:
        values = HUB | {"path": str(folder), "mean": [0.5] * 3, "std": [0.5] * 3} | changes
        where = (None, Store(tmp_path / "store"), CPU)
        data = HubImages(**values).load_for(model.preprocessing(values["size"]), *where)
        (raw,) = data.batches([torch.arange(len(data)).numpy()])
        return data.prepare(raw, augment=False), [folder / file for file in data.columns["file"]]

    return made


def clip_folder(place, **values):
    spec = ImageSpec(["cat", "dog"], 3, (16, 16), (0.5,) * 3, (0.25,) * 3)
    TinyClip(**tiny_clip.TINY).build(spec).export(place)
    file = place / "open_clip" / "open_clip_config.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | {"preprocess_cfg": values}))
    return OpenClip(name=str(place / "open_clip"), pretrained=None, template="a {}")


def seen_by_tower(model, x: torch.Tensor) -> torch.Tensor:
    """What goes into the vision tower."""
    seen = []
    with model.visual.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        model.image_features(x)
    return seen[0]


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("values", TRANSFORMS)
def test_open_clip(pictures, tmp_path, batch, values, resident, caplog):
    settings = clip_folder(tmp_path, **values)
    caplog.set_level("INFO", "unlearn")
    given, files = batch(pictures, settings, resident=resident, size=8)
    assert "the model's own preprocessing makes images of 16 x 16 pixels (data.size=8)" in caplog.text
    model = settings.build(ImageSpec(["cat", "dog"], 3, (16, 16), (0.5,) * 3, (0.25,) * 3))
    own = open_clip.create_model_and_transforms(f"local-dir:{tmp_path / 'open_clip'}")[2]
    theirs = torch.stack([own(Image.open(file)) for file in files])
    assert len(files) == len(SHAPES)
    assert torch.equal(seen_by_tower(model, given.x), theirs)


def test_grey_pictures_may_have_one_mean(tmp_path, batch):
    grey = class_folders(tmp_path / "grey", {f"{n}.png": (20, 24, "L") for n in range(4)})
    given, _ = batch(grey, clip_folder(tmp_path), mean=[0.4], std=[0.2])
    assert given.x.shape == (4, 3, 16, 16)


def test_what_open_clip_is_told_of_its_pictures_is_saved_with_it(tmp_path):
    settings = clip_folder(tmp_path / "first", resize_mode="squash", interpolation="bilinear")
    settings.build(ImageSpec(["cat"], 3, (16, 16), (0.5,) * 3, (0.25,) * 3)).export(tmp_path / "second")
    again = OpenClip(name=str(tmp_path / "second" / "open_clip"), pretrained=None, template="a {}")
    assert again.preprocessing(None).facts() == settings.preprocessing(None).facts()


def test_pictures_have_the_size_of_the_tower_that_a_file_of_weights_is_for(tmp_path):
    torch.save({}, weights := tmp_path / "weights.pt")
    large = OpenClip(name="ViT-L-14-336-quickgelu", pretrained=str(weights), template="a {}")
    assert large.preprocessing(224)(Image.new("RGB", (500, 400))).shape == (3, 336, 336)


@pytest.mark.parametrize("number", range(len(PROCESSORS)))
def test_llava(pictures, tmp_path, batch, number):
    folder = tiny_vlm_folders.llava_folder(tmp_path / "llava")
    processor = AutoProcessor.from_pretrained(folder)
    processor.image_processor = PROCESSORS[number]
    processor.save_pretrained(folder)
    given, files = batch(pictures, tiny_vlm_folders.settings(folder))
    model = tiny_vlm_folders.built(folder)
    ours = model.inputs(given.x, [model.pairs[0][0]] * len(files))["pixel_values"]
    own = AutoProcessor.from_pretrained(folder).image_processor
    theirs = [own(images=Image.open(file), return_tensors="pt")["pixel_values"] for file in files]
    assert torch.equal(ours, torch.cat(theirs))


@pytest.mark.parametrize(
    ("shape", "tiles"), [((9, 8), 1), ((61, 37), 4), ((20, 51), 3), ((70, 12), 4), ((24, 15), 2)]
)
def test_mllama(tmp_path, batch, shape, tiles):
    folder = tiny_vlm_folders.mllama_folder(tmp_path / "mllama")
    width, height = shape
    alike = {f"{n}.png": (width - n // 2, height, mode) for n, mode in enumerate(["RGB", "L", "RGBA", "P"])}
    place = class_folders(tmp_path / "pictures", alike)
    given, files = batch(place, tiny_vlm_folders.settings(folder))
    model = tiny_vlm_folders.built(folder)
    ours = model.inputs(given.x, [model.pairs[0][0]] * len(files))
    own = AutoProcessor.from_pretrained(folder).image_processor
    theirs = own(images=[[Image.open(file)] for file in files], return_tensors="pt")
    assert ours["aspect_ratio_mask"][0].sum() == tiles
    for name in ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask"):
        assert torch.equal(ours[name], theirs[name]), name


def test_mllamas_pictures_of_several_canvases_are_cropped_if_asked(pictures, tmp_path, batch):
    settings = tiny_vlm_folders.settings(tiny_vlm_folders.mllama_folder(tmp_path / "mllama"))
    with pytest.raises(
        InputError, match=r"^data\.size: images of differing sizes \(.*give data\.size=PIXELS"
    ):
        batch(pictures, settings)
    assert batch(pictures, settings, size=24)[0].x.shape == (len(SHAPES), 3, 32, 32)


def test_diffusers(pictures, tmp_path, batch):
    folder = tiny_pipeline.saved(tmp_path / "pipeline")
    given, files = batch(pictures, tiny_pipeline.settings(folder), size=16)
    model = tiny_pipeline.built(folder, ["a", "b"])
    seen, encode = [], model.shared.vae.encode
    model.shared.vae.encode = lambda x: seen.append(x) or encode(x)
    model.encode(given)
    script = transforms.Compose(
        [
            transforms.Resize(16, interpolation=transforms.InterpolationMode.LANCZOS),
            transforms.CenterCrop(16),
            transforms.ToTensor(),
            transforms.Normalize([0.5], [0.5]),
        ]
    )
    theirs = torch.stack([script(Image.open(file).convert("RGB")) for file in files])
    assert torch.equal(torch.cat(seen), theirs)
    (square,) = (number for number, file in enumerate(files) if file.name == "square.jpg")
    own = VaeImageProcessor(vae_scale_factor=2).preprocess(Image.open(files[square]), 16, 16)
    assert torch.equal(theirs[square], own[0])


def test_images_at_hand_are_brought_to_a_models_size(tmp_path):
    tiny = tiny_clip.TinyProblem(tmp_path / "tiny")
    settings = clip_folder(tmp_path, mean=[0.0] * 3, std=[1.0] * 3)
    found = brought(tiny.data, settings.preprocessing(None))
    assert found.size == (16, 16)
    assert found.fingerprint != tiny.data.fingerprint
    (raw,) = found.batches([tiny.sets.train[:3]])
    own = image_transform_v2(PreprocessCfg(size=16, mean=(0.0,) * 3, std=(1.0,) * 3), is_train=False)
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in tiny.data.tensor[:3]]
    assert torch.equal(found.prepare(raw, augment=False).x, torch.stack([own(one) for one in pictures]))
    assert brought(found, settings.preprocessing(None)) is found
