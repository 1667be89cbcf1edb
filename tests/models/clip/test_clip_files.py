"""Files of CLIPs in other layouts, and what weights alone do not say."""

import json
import logging

import open_clip
import pytest
import torch
from tiny_clip import CLASSES, TINY
from transformers import CLIPConfig, CLIPModel

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.clip.open_clip_models import OpenClip
from unlearn_cli.models.clip.tiny_clip import TinyClip
from unlearn_cli.models.clip.zero_shot import CONFIG

PLAIN, QUICK = "tiny", "tiny-quickgelu"
SMALL = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


def built(name: object, pretrained: object = None):
    settings = OpenClip(
        name=str(name), pretrained=None if pretrained is None else str(pretrained), template="a {}"
    )
    return settings.build(ImageSpec(CLASSES, 3, (8, 8), [0.5] * 3, [0.5] * 3))


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file of weights, for architectures with and without QuickGELU."""
    architecture = TinyClip(**TINY).architecture(8)
    for name, quick in ((PLAIN, False), (QUICK, True)):
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, architecture | {"quick_gelu": quick})
    torch.save(open_clip.model.CLIP(**architecture).state_dict(), tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


def test_a_folder_of_transformers_is_told(tmp_path):
    CLIPModel(CLIPConfig(text_config=SMALL, vision_config=SMALL)).save_pretrained(tmp_path / "clip")
    with pytest.raises(
        InputError, match=r"^model\.name: '.*clip' is a CLIPModel in the layout of transformers .*openai"
    ):
        built(tmp_path / "clip")


def test_an_archive_of_torchscript_is_told_and_not_run(file):
    """OpenAI's files are such."""
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(file))
    with pytest.raises(
        InputError, match=r"^model\.pretrained: '.*weights\.pt' is a TorchScript archive, as OpenAI"
    ):
        built(QUICK, file)


def test_a_file_in_the_names_place(file):
    with pytest.raises(
        InputError, match=r"^model\.name: '.*weights\.pt' is a file; give it as model\.pretrained"
    ):
        built(file)


@pytest.mark.parametrize(("name", "other", "how"), [(PLAIN, QUICK, "without"), (QUICK, PLAIN, "with")])
def test_which_activation_is_used_is_told_once(file, caplog, name, other, how):
    with caplog.at_level(logging.WARNING, "unlearn"):
        for _ in range(2):
            built(name, file)
    (record,) = caplog.records
    assert f"{name} is {how} it." in record.getMessage()
    assert record.getMessage().endswith(f"use model.name={other}")


def test_a_description_beside_the_weights_is_believed(file, caplog):
    file.with_name(CONFIG).write_text(json.dumps({"model_cfg": {"quick_gelu": True}}))
    built(QUICK, file)
    assert not caplog.records
    with pytest.raises(
        InputError, match=rf"says QuickGELU, and {PLAIN} is without it; use model\.name={QUICK}$"
    ):
        built(PLAIN, file)
    file.with_name(CONFIG).write_text(json.dumps({"model_cfg": {}}))
    with pytest.raises(
        InputError, match=rf"says no QuickGELU, and {QUICK} is with it; use model\.name={PLAIN}$"
    ):
        built(QUICK, file)
