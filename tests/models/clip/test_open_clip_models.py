"""open_clip's models: the same logits from a folder, a file or a name; and what cannot be used."""

import json
import shutil
from pathlib import Path

import open_clip
import pytest
import torch
from huggingface_hub.errors import RepositoryNotFoundError
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from tiny_clip import CLASSES, TINY, TinyProblem

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.clip import open_clip_models
from unlearn_cli.models.clip.open_clip_models import OpenClip
from unlearn_cli.models.clip.tiny_clip import TinyClip
from unlearn_cli.models.clip.zero_shot import CONFIG, WEIGHTS, ZeroShotClip

NAME = "ViT-B-16-quickgelu"
ARCHITECTURE = TinyClip(**TINY).architecture(8)
X = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def settings(name: object, pretrained: str | None = None, template: str = "a {}") -> OpenClip:
    return OpenClip(name=str(name), pretrained=pretrained, template=template)


def built(*arguments, channels: int = 3, **changes) -> ZeroShotClip:
    return (
        settings(*arguments, **changes)
        .build(ImageSpec(CLASSES, channels, (8, 8), [0.1] * 3, [0.9] * 3))
        .eval()
    )


@pytest.fixture
def model(tmp_path) -> ZeroShotClip:
    return TinyProblem(tmp_path / "problem").model()


@pytest.fixture
def folder(model, tmp_path) -> Path:
    """The model in open_clip's own format."""
    model.export(tmp_path)
    return tmp_path / "open_clip"


def logits(model: ZeroShotClip) -> torch.Tensor:
    with torch.no_grad():
        return model(X)


def saved(folder: Path, clip: torch.nn.Module, architecture: dict) -> Path:
    """A folder as open_clip's own hub writes it."""
    folder.mkdir()
    preprocessing = {"mean": [0.5] * 3, "std": [0.25] * 3}
    (folder / CONFIG).write_text(json.dumps({"model_cfg": architecture, "preprocess_cfg": preprocessing}))
    save_file(clip.state_dict(), folder / WEIGHTS)
    return folder


def test_a_folder_gives_the_same_logits(model, folder):
    found = built(folder)
    assert torch.equal(logits(found), logits(model))
    assert logits(model).std() > 0.01
    assert found.mean.flatten().tolist() == [0.5] * 3  # the folder's, not the data's
    assert found.std.flatten().tolist() == [0.25] * 3
    assert found.tokens(["a circle"]).shape == (1, TINY["tokens"])
    assert settings(folder).ready_made


def test_open_clip_itself_loads_the_folder(model, folder):
    clip = open_clip.create_model(f"local-dir:{folder}", require_pretrained=True).eval()
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(model.prompts)
    with torch.no_grad():
        images = clip.encode_image((X - 0.5) / 0.25, normalize=True)
        found = clip.logit_scale.exp() * images @ clip.encode_text(tokens, normalize=True).T
    torch.testing.assert_close(found, logits(model))
    assert open_clip.get_model_preprocess_cfg(clip)["mean"] == [0.5] * 3


def test_what_was_loaded_is_written_as_it_was(folder, tmp_path):
    built(folder).export(tmp_path / "again")
    assert torch.equal(logits(built(tmp_path / "again" / "open_clip")), logits(built(folder)))


def test_a_text_tower_of_its_own_and_a_bias(tmp_path):
    """CustomTextCLIP as SigLIP is: its text parts stand in `.text`, and b is added to all logits."""
    architecture = ARCHITECTURE | {"init_logit_bias": -3.0, "init_logit_scale": 1.0}
    torch.manual_seed(0)
    clip = CustomTextCLIP(**architecture).eval()
    found = built(saved(tmp_path / "siglip", clip, architecture | {"custom_text": True}))
    assert isinstance(found.clip, CustomTextCLIP)
    assert found.text is found.clip.text
    with torch.no_grad():
        cosines = (
            clip.encode_image((X - 0.5) / 0.25, normalize=True)
            @ clip.encode_text(found.tokens([f"a {name}" for name in CLASSES]), normalize=True).T
        )
    torch.testing.assert_close(logits(found), torch.e * cosines - 3.0)
    found.export(tmp_path)
    assert torch.equal(logits(built(tmp_path / "open_clip")), logits(found))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_of_weights_for_a_known_name(model, tmp_path, monkeypatch, suffix):
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", ARCHITECTURE)
    file = tmp_path / f"weights{suffix}"
    state = model.clip.state_dict()
    torch.save({"state_dict": state}, file) if suffix == ".pt" else save_file(state, file)
    found = built("tiny", str(file))
    assert all(torch.equal(value, state[name]) for name, value in found.clip.state_dict().items())
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"^model\.name: 'tiny' cannot be loaded \(\w+: "):
        built("tiny", str(file))


def test_a_folder_or_a_hub_name_takes_no_other_weights(folder):
    for name in (folder, "hf-hub:some/clip"):
        with pytest.raises(
            InputError, match=r"^model\.pretrained: '.*' brings weights of its own; set it to"
        ):
            built(name, str(folder / WEIGHTS))


def test_facts_tell_weights_apart_without_loading_them(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(open_clip, "create_model", lambda *_, **__: pytest.fail("loads the model"))
    first = settings(folder).facts()
    assert first == settings(folder).facts()
    assert first != settings(folder, template="the {}").facts()
    (folder / WEIGHTS).write_bytes(b"other weights")
    assert first["open_clip"] != settings(folder).facts()["open_clip"]
    assert settings(NAME, "openai").facts() != settings("ViT-L-14-quickgelu", "openai").facts()
    file = tmp_path / "weights.pt"
    file.write_bytes(b"1")
    before = settings(NAME, str(file)).facts()
    file.write_bytes(b"22")
    assert before != settings(NAME, str(file)).facts()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("ViT-B-16-quikgelu", "openai"),
            r"name: open_clip has no 'ViT-B-16-quikgelu'; did you mean 'ViT-B-16-q",
        ),
        (
            ("./nowhere",),
            r"name: no such folder '\./nowhere'; give a name of open_clip with model\.pretrained",
        ),
        ((NAME,), rf"pretrained: {NAME} has no weights without it; give one of openai, "),
        ((NAME, "opneai"), rf"pretrained: no 'opneai' for {NAME}; did you mean 'openai'\?"),
        (
            ("ViT-B-16", "openai"),
            r"name: .*'openai' were trained with QuickGELU.*; use model\.name=ViT-B-16-quickg",
        ),
        (
            ("RN50-quickgelu", "openai"),
            r"name: the vision tower of 'RN50-quickgelu' is a ResNet; only open_clip's",
        ),
        (("ViT-B-16-SigLIP", "webli"), r"name: the vision tower of 'ViT-B-16-SigLIP' is one of timm's; only"),
        (
            ("roberta-ViT-B-32", "laion2b_s12b_b32k"),
            r"name: the text tower of .* is one of transformers'; only",
        ),
        (("coca_ViT-B-32", "laion2b_s13b_b90k"), r"name: 'coca_ViT-B-32' is a CoCa, with a decoder; only"),
        (("hf-hub:no/such/name",), r"name: no 'no/such/name' on the hub, or it needs a login"),
        ((NAME, "openai", "a photo"), r"template: 'a photo' has not one {} for the class"),
    ],
)
def test_what_is_refused_before_anything_is_fetched(arguments, told):
    with pytest.raises(InputError, match=rf"^model\.{told}") as error:
        built(*arguments)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_grey_images_are_refused(folder):
    with pytest.raises(InputError, match=r"^data: images of 1 channel\(s\), but a CLIP takes 3"):
        built(folder, channels=1)


def no_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def damaged(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:500])


def of_another_shape(folder: Path) -> None:
    save_file(CLIP(**ARCHITECTURE | {"embed_dim": 4}).state_dict(), folder / WEIGHTS)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (no_weights, r"cannot be loaded \(RuntimeError: Required pretrained weights"),
        (damaged, r"cannot be loaded \(SafetensorError: "),
        (of_another_shape, r"cannot be loaded \(RuntimeError: .*size mismatch"),
        (lambda folder: (folder / CONFIG).write_text("["), r"cannot be loaded \(JSONDecodeError: "),
        (
            lambda folder: (folder / CONFIG).write_text("{}"),
            r"describes no CLIP \(KeyError\('vision_cfg'\)\)",
        ),
        (lambda folder: (folder / CONFIG).write_text("[1]"), r"cannot be loaded \(AttributeError: "),
        (lambda folder: (folder / CONFIG).unlink(), rf"no {CONFIG} in '"),
    ],
)
def test_a_folder_that_is_not_whole(folder, damage, told):
    damage(folder)
    with pytest.raises(InputError, match=rf"^model\.name: .*{told}") as error:
        built(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("arguments", [(NAME, "openai"), ("hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K",)])
def test_without_a_network_it_is_told_at_once(arguments, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(open_clip, "create_model", lambda *_, **__: pytest.fail("tries to fetch it"))
    with pytest.raises(InputError, match=r"^model\.name: the hub cannot be reached for '.*; fetch it once"):
        built(*arguments)


def test_a_model_that_the_hub_has_not(monkeypatch):
    def unknown(*_, **__):
        raise RepositoryNotFoundError.__new__(RepositoryNotFoundError)

    monkeypatch.setattr(open_clip_models.HfApi, "model_info", unknown)
    with pytest.raises(InputError, match=r"^model\.name: no 'some/clip' on the hub, or it needs a login"):
        built("hf-hub:some/clip")


def test_what_is_in_the_cache_needs_no_network(model, folder, tmp_path, monkeypatch):
    """A repository of the hub as its cache keeps it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot = tmp_path / "cache" / "models--some--clip" / "snapshots" / ("0" * 40)
    shutil.copytree(folder, snapshot)
    (tmp_path / "cache" / "models--some--clip" / "refs").mkdir()
    (tmp_path / "cache" / "models--some--clip" / "refs" / "main").write_text("0" * 40)
    assert torch.equal(logits(built("hf-hub:some/clip")), logits(model))
