"""Whatever lies on a disk is data: a malicious sample of each kind is held against each loader."""

import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_pipeline
import tiny_vlm_folders
import torch
import yaml
from malicious import changed, evil_array, evil_module, evil_pickle
from tiny_clip import TinyProblem
from tiny_vision import saved_classifier

import unlearn_cli
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError, UnlearnError
from unlearn_cli.evaluation.diffusion.clip_score import ClipScore
from unlearn_cli.evaluation.diffusion.inception import inception
from unlearn_cli.evaluation.diffusion.ready_judge import ReadyJudge
from unlearn_cli.forget.indices import Indices
from unlearn_cli.methods.checkpoint import method_of
from unlearn_cli.models.clip.open_clip_models import OpenClip
from unlearn_cli.models.clip.zero_shot import CONFIG, WEIGHTS
from unlearn_cli.models.delta import delta_at
from unlearn_cli.models.diffusion.pipeline import pipeline_folder
from unlearn_cli.models.state_dict import read_state_dict
from unlearn_cli.sae.foreign import load_foreign
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.tensors import read_tensors
from unlearn_cli.training.checkpoint import read_checkpoint

IMAGES = ImageSpec(["a", "b"], 3, (8, 8), [0.5] * 3, [0.5] * 3)


@pytest.fixture
def proof(tmp_path, monkeypatch):
    """A folder that is there once code has run; code of tmp_path can be imported, and answers are 'yes'."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    place = tmp_path / "executed"
    yield place
    assert not place.exists(), "code of the sample has run"


@pytest.mark.parametrize(
    "read",
    [
        read_state_dict,
        lambda file: read_checkpoint(file, "this"),
        lambda file: read_tensors(file),
        lambda file: delta_at(file.rename(file.with_suffix(".safetensors"))),
        inception,
        lambda file: load_foreign(file.rename(file.with_name("ae.pt")).parent),
        lambda file: OpenClip(name="ViT-B-32", pretrained=str(file), template="{}").build(IMAGES),
        lambda file: ClipScore(model="ViT-B-32", pretrained=str(file)).check(),
    ],
    ids=["weights", "checkpoint", "tensors", "delta", "inception", "sae", "clip", "clip-score"],
)
def test_pickles(tmp_path, proof, read):
    file = evil_pickle(tmp_path / "evil.pt", proof)
    with suppress(UnlearnError, Damaged):
        assert read(file) is None


def test_arrays(tmp_path, proof):
    file = evil_array(tmp_path / "rows.npy", proof)
    with pytest.raises(InputError, match="cannot be read"):
        Indices(file=file).select(None, None)


class TestRunFolders:
    @pytest.fixture
    def run(self, tmp_path, proof):
        """A run's folder whose configuration names a class of a module that would run code."""
        evil_module(tmp_path / "evil_of_a_run.py", proof)
        folder = tmp_path / "run"
        folder.mkdir()
        node = {"_target_": "evil_of_a_run.Evil"}
        config = {"method": node, "model": node, "paths": {"store": "store"}}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        (folder / "metrics.json").write_text(json.dumps({"choices": {}}))
        (folder / "status.json").write_text(json.dumps({"state": "finished"}))
        return folder

    def test_its_method(self, run):
        with pytest.raises(InputError, match=r"^method\.path: .* names the class 'evil_of_a_run\.Evil'"):
            method_of(run)

    def test_its_model(self, run):
        with pytest.raises(InputError, match="names the class 'evil_of_a_run"):
            unlearn_cli.load(run)

    def test_tags_of_yaml(self, run, proof):
        (run / "config.yaml").write_text(f"method: !!python/object/apply:os.mkdir ['{proof}']\n")
        with pytest.raises(InputError, match=r"config\.yaml is damaged"):
            method_of(run)

    def test_the_command(self, run, refused, proof):
        assert "names the class" in refused(
            "task=clip", "method=checkpoint", f"method.path={with_delta(run)}"
        )


def with_delta(run: Path) -> Path:
    from unlearn_cli.models.delta import FACTS
    from unlearn_cli.storage.tensors import write_tensors

    write_tensors(run / "delta.safetensors", {"x": torch.zeros(1)}, {FACTS: "{}"})
    return run


class TestClipFolders:
    @pytest.fixture
    def folder(self, tmp_path, proof):
        """open_clip's own format, with code beside it that an option would load."""
        TinyProblem(tmp_path / "problem").model().export(tmp_path)
        folder = tmp_path / "open_clip"
        evil_module(folder / "evil.py", proof)
        changed(folder / "tokenizer_config.json", "auto_map", value={"AutoTokenizer": ["evil.Evil", None]})
        changed(folder / "config.json", "auto_map", value={"AutoConfig": "evil.Evil"})
        changed(folder / "config.json", "model_type", value="evil")
        return folder

    def loaders(self, folder):
        yield lambda: OpenClip(name=str(folder), pretrained=None, template="a {}").build(IMAGES)
        yield lambda: ClipScore(model=f"local-dir:{folder}", pretrained=None).check()

    @pytest.mark.parametrize("option", ["trust_remote_code", "tokenizer_file", "code_revision"])
    def test_arguments_of_the_tokenizer(self, folder, option):
        changed(folder / CONFIG, "model_cfg", "text_cfg", "hf_tokenizer_name", value="any")
        changed(folder / CONFIG, "model_cfg", "text_cfg", "tokenizer_kwargs", value={option: True})
        for load in self.loaders(folder):
            with pytest.raises(InputError, match=f"has '{option}'; what a tokenizer takes|asks to run code"):
                load()

    def test_a_tokenizer_with_code(self, folder):
        changed(folder / CONFIG, "model_cfg", "text_cfg", "hf_tokenizer_name", value="any")
        for load in self.loaders(folder):
            with pytest.raises(InputError):
                load()

    def test_a_text_tower_with_code(self, folder):
        changed(folder / CONFIG, "model_cfg", "text_cfg", "hf_model_name", value=str(folder))
        for load in self.loaders(folder):
            with pytest.raises(InputError):
                load()

    def test_pickled_weights(self, folder, proof):
        (folder / WEIGHTS).unlink()
        evil_pickle(folder / "open_clip_pytorch_model.bin", proof)
        for load in self.loaders(folder):
            with pytest.raises(InputError):
                load()


class TestVlmFolders:
    @pytest.fixture
    def folder(self, tmp_path, proof):
        folder = tiny_vlm_folders.llava_folder(tmp_path / "llava")
        evil_module(folder / "evil.py", proof)
        return folder

    @pytest.mark.parametrize(
        ("file", "auto"),
        [
            ("config.json", {"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}),
            ("processor_config.json", {"AutoProcessor": "evil.Evil", "AutoImageProcessor": "evil.Evil"}),
            ("tokenizer_config.json", {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}),
            ("preprocessor_config.json", {"AutoImageProcessor": "evil.Evil", "AutoProcessor": "evil.Evil"}),
        ],
    )
    def test_a_class_of_its_own(self, folder, file, auto):
        changed(folder / file, "auto_map", value=auto)
        for key in ("processor_class", "tokenizer_class", "image_processor_type"):
            changed(folder / file, key, value="Evil")
        with suppress(InputError):  # where the class that is told elsewhere does as well
            vlm(folder)

    @pytest.mark.parametrize(
        ("keys", "value"),
        [
            (["trust_remote_code"], True),
            (["text_config", "attn_implementation"], "kernels-community/flash-attn"),
            (["attn_implementation"], {"text_config": "someone/kernel"}),
        ],
    )
    def test_a_switch(self, folder, keys, value):
        changed(folder / "config.json", *keys, value=value)
        with pytest.raises(InputError, match=r"^model\.path: .*config\.json asks to run code"):
            vlm(folder)

    def test_pickled_weights(self, folder, proof):
        (folder / "model.safetensors").unlink()
        evil_pickle(folder / "pytorch_model.bin", proof)
        with pytest.raises(InputError):
            vlm(folder)


def vlm(folder: Path):
    values = tiny_vlm_folders.VALUES | {"path": str(folder)}
    return tiny_vlm_folders.PretrainedVlm(**values).build(
        ImageSpec(tiny_vlm_folders.CLASSES, 3, (16, 16), [0.5] * 3, [0.5] * 3)
    )


class TestPipelines:
    @pytest.fixture
    def folder(self, tmp_path, proof):
        folder = tiny_pipeline.saved(tmp_path / "pipe")
        evil_module(folder / "evil.py", proof)
        evil_module(folder / "unet" / "evil.py", proof)
        evil_module(tmp_path / "evil_of_a_pipeline.py", proof)
        return folder

    def test_it_is_taken_without_these(self, folder):
        assert pipeline_folder(str(folder), None, None) == folder

    @pytest.mark.parametrize(
        ("part", "named"),
        [
            ("unet", ["evil_of_a_pipeline", "Evil"]),
            ("unet", ["evil", "Evil"]),
            ("scheduler", ["evil_of_a_pipeline", "EvilScheduler"]),
            ("text_encoder", ["transformers", "AutoModel"]),
            ("tokenizer", ["transformers", "AutoTokenizer"]),
            ("vae", "diffusers"),
            ("vae", [["diffusers"], 1]),
        ],
    )
    def test_a_part_of_another_library(self, folder, part, named):
        changed(folder / "model_index.json", part, value=named)
        with suppress(InputError):  # where the class alone is looked at
            tiny_pipeline.settings(folder).build(IMAGES)

    def test_a_kernel_of_the_hub(self, folder):
        changed(folder / "text_encoder" / "config.json", "attn_implementation", value="someone/kernel")
        with pytest.raises(InputError, match=r"^model\.path: .*config\.json asks to run code"):
            tiny_pipeline.settings(folder).build(IMAGES)

    @pytest.mark.parametrize("part", ["unet", "text_encoder", "vae"])
    def test_pickled_weights(self, folder, proof, part):
        (weights,) = (folder / part).glob("*.safetensors")
        weights.unlink()
        name = "pytorch_model.bin" if part == "text_encoder" else "diffusion_pytorch_model.bin"
        evil_pickle(folder / part / name, proof)
        with pytest.raises(InputError):
            tiny_pipeline.settings(folder).build(IMAGES)


class TestJudges:
    @pytest.fixture
    def folder(self, tmp_path, proof):
        folder = saved_classifier(tmp_path / "judge", ["a", "b"])
        evil_module(folder / "evil.py", proof)
        return folder

    def refused(self, folder):
        with pytest.raises(InputError, match=r"^eval\.judges: "):
            ReadyJudge(path=str(folder)).get(SimpleNamespace())

    def test_a_class_of_its_own(self, folder):
        changed(folder / "config.json", "model_type", value="evil")
        auto = {"AutoConfig": "evil.Evil", "AutoModelForImageClassification": "evil.Evil"}
        changed(folder / "config.json", "auto_map", value=auto)
        self.refused(folder)

    def test_a_processor_of_its_own(self, folder):
        changed(folder / "preprocessor_config.json", "auto_map", value={"AutoImageProcessor": "evil.Evil"})
        changed(folder / "preprocessor_config.json", "image_processor_type", value="Evil")
        self.refused(folder)

    def test_a_switch(self, folder):
        changed(folder / "config.json", "trust_remote_code", value=True)
        self.refused(folder)

    def test_pickled_weights(self, folder, proof):
        (folder / "model.safetensors").unlink()
        evil_pickle(folder / "pytorch_model.bin", proof)
        self.refused(folder)


def test_a_script_in_a_folder_of_data(tmp_path, proof, refused):
    folder = tmp_path / "data_with_code"
    folder.mkdir()
    for name in (f"{folder.name}.py", "dataset.py", "evil.py"):
        evil_module(folder / name, proof)
    refused("data=images", f"data.path={folder}")
