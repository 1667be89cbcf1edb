"""Wrong input and failing runs, through the real command: one line, the right exit code, no traceback."""

import errno
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

GA = ("method=ga", "method.epochs=1", "method.lr=1e-3")
FT = ("method=ft", "method.epochs=1")


def the_run() -> Path:
    """The only run folder."""
    (file,) = Path("outputs").rglob("status.json")
    return file.parent


def status() -> dict:
    return json.loads((the_run() / "status.json").read_text())


def measured() -> dict:
    return json.loads((the_run() / "metrics.json").read_text())["metrics"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        # names
        ("mehtod=ga", "mehtod: no such key or group; did you mean 'method'?"),
        ("experimant=salun/cifar10_class", "did you mean 'experiment'?"),
        ("method=saluun", "method: no option 'saluun'; did you mean 'salun'?"),
        ("experiment=salun/cifar10_clas", "did you mean 'salun/cifar10_class'?"),
        ("method=null", "method: no option 'null'; did you mean 'null_space'?"),
        ("data=3", "data: no option '3'; there are: celeba,"),
        ("~tracking", "tracking: missing"),
        ("~method", "method: no option 'nothing'"),
        ("optim@method=sgdd", "optim: no option 'sgdd'; did you mean 'sgd'?"),
        ("optim=sgd", "optim: Did you mean to override one of optim@method, optim@train?"),
        ("method.lrr=1", "method.lrr: no such key or group; did you mean 'method.lr'?"),
        ("+method.lrr=1", "method.lrr: no such key; did you mean 'lr'?"),
        ("+train.epoch=1", "train.epoch: no such key; did you mean 'epochs'?"),
        ("+eval.mia.featurs=1", "eval.mia.featurs: no such key; did you mean 'features'?"),
        ("method=scrub method.gama=1", "method.gama: no such key or group; did you mean 'method.gamma'?"),
        ("forget.classes=[3]", "forget.classes: no such key here; it belongs to forget=class"),
        ("model=resnet18 model.options.a=1", "model.options.a: not there yet; +model.options.a=… adds it"),
        ("hydra.foo=1", "hydra.foo: no such key or group; there are: channels_last,"),
        ("paths=here", "paths: holds further keys"),
        # what cannot be read
        ("method=[", "cannot read 'method=['"),
        ("lr", "cannot read 'lr'"),
        ("seed=${nothing}", "Interpolation key 'nothing' not found"),
        # types
        ("method.lr=abc", "method.lr: input should be a valid number"),
        ("method.lr=null", "method.lr: input should be a valid number"),
        ("seed=1.5", "seed: input should be a valid integer"),
        ("forget=class forget.classes=3", "forget.classes: input should be a valid list"),
        ("precision=fp64", "precision: input should be 'auto', 'fp32', 'bf16' or 'fp16'"),
        ("method._target_=nosuch.Thing", "method._target_: cannot import 'nosuch.Thing'"),
        ("method._target_=os.system", "method._target_: 'os.system' is not a subclass of"),
        # ranges
        ("mask.fraction=3", "mask.fraction: input should be less than or equal to 1, got 3"),
        ("method.lr=-1", "method.lr: input should be greater than 0, got -1"),
        ("method.epochs=0", "method.epochs: input should be greater than 0, got 0"),
        ("seed=-1", "seed: input should be greater than or equal to 0, got -1"),
        ("data.std=[0]", "data.std.0: input should be greater than 0"),
        ("data.mean=[0.5,0.5,0.5]", "data.mean: 3 values for images of 1 channel(s)"),
        ("model.depth=9", "model.depth: value error, the depth is 6n + 2"),
        ("method=eu_k method.k=100", "method.k: 100 is too many"),
        # what leaves nothing
        ("forget.fraction=0", "forget.fraction: input should be greater than 0, got 0"),
        ("forget.fraction=1.0", "forget.fraction: input should be less than 1, got 1.0"),
        (
            "forget.fraction=0.999",
            "forget: fraction=0.999, seed=0 chooses all",
        ),
        ("forget.fraction=0.001", "forget: fraction=0.001, seed=0 chooses none of"),
        ("forget.fraction=null forget.count=2000", "forget.count: 2000 of"),
        ("forget.count=5", "forget.fraction, forget.count: both given"),
        ("forget=class forget.classes=[0,1,2,3,4,5,6,7,8,9]", "chooses all"),
        ("data.subset=0.0001", "data.subset: 0.0001 of"),
        # what does not exist
        ("forget=class forget.classes=[cat]", "forget.classes: no class 'cat'; there is 0, 1, 2"),
        ("forget=class forget.classes=[13]", "forget.classes: no class '13'"),
        (
            "forget=group forget.column=hue forget.values=[1]",
            "forget.column: no column 'hue'; there is label",
        ),
        ("forget=indices forget.file=rows.txt", "forget.file: no such file 'rows.txt'"),
        (
            "data=images model=resnet20 data.path=./nowhere",
            "data.path: no such folder './nowhere'; give a folder of",
        ),
        (
            "data=images model=resnet20",
            "data.path: not set; give a folder of parquet files or images, or a hub name",
        ),
        ("paths.data=nowhere", "paths.data: path does not point to a directory"),
        ("method=checkpoint method.path=model.pt", "checkpoint model.pt: no such file"),
        (
            "model=timm model.name=resnet_18",
            "model.name: timm has no model 'resnet_18'; did you mean 'resnet18'?",
        ),
        ("--config-dir=nowhere", "--config-dir: no such folder 'nowhere'"),
        # what was not given
        ("method=checkpoint", "method.path: missing; set method.path=…"),
        ("forget=indices", "forget.file: missing; set forget.file=…"),
        # what does not fit
        ("model=vgg16_bn", "data.size: vgg16_bn cannot take images of 8x8 pixels"),
        ("precision=fp16", "precision: 'fp16' needs a GPU"),
        (
            "task=generation model=resnet18",
            "model: 'resnet18' does not fit task=generation; those that do: unet",
        ),
        ("task=generation eval=classification", "eval: 'classification' does not fit task=generation; those"),
        ("model=unet", "model: 'unet' does not fit task=classification; those that do: judge, resnet18,"),
        ("eval=generation", "eval: 'generation' does not fit task=classification; those that do: class"),
        ("task=generation method=iu", "method: 'iu' does not fit task=generation (it needs "),
        ("method=esd", "method: 'esd' does not fit task=classification (it needs negative_guidance_loss)"),
        ("mask=saliency mask.guidance=2", "mask.guidance: task=classification has no guided loss; set"),
    ],
    ids=lambda value: value if "=" in value else "",
)
def test_one_line_names_what_is_wrong(refused, wrong, said):
    assert said in refused(*wrong.split())


def test_cuda_asked_for_and_absent(refused, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA device here; use device=cpu" in refused("device=cuda")


def test_no_network_and_no_local_copy(refused):
    said = refused("data=images", "data.path=nobody/nothing", "model=resnet20")
    assert "the hub cannot be reached for 'nobody/nothing'" in said
    assert "data.path=" in said
    assert "UNLEARN_DATA" in said


def test_unreadable_data(refused):
    Path("train.parquet").write_text("no parquet")
    said = refused("data=images", "data.path=./train.parquet", "model=resnet20")
    assert "data.path: 'train.parquet' cannot be read" in said


def test_data_without_the_named_column(refused):
    pq.write_table(pa.table({"picture": ["a"], "label": [0]}), "train.parquet")
    said = refused("data=images", "data.path=./train.parquet", "model=resnet20")
    assert said == "data.image_column: no column 'image'; there is picture, label"


def test_outputs_below_a_file(refused):
    Path("file").write_text("")
    said = refused("paths.outputs=file/outputs")
    assert said.startswith("paths.outputs: cannot write to 'file/outputs'")


@pytest.mark.parametrize("sweep", [(), ("-m",)])
def test_outputs_is_a_file(refused, sweep):
    Path("file").write_text("")
    assert refused(*sweep, "paths.outputs=file").startswith("paths.outputs: cannot write to 'file")


def test_store_below_a_file(tiny):
    Path("file").write_text("")
    end = tiny(*GA, "paths.store=file/store")
    assert end.code == 2
    assert end.error.startswith("paths.store: cannot write to 'file/store")


class TestConfigurationOfOnesOwn:
    @pytest.fixture
    def folder(self, tmp_path):
        for group in ("method", "task"):
            (tmp_path / "own" / group).mkdir(parents=True)
        return tmp_path / "own"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "_target_: x\nlr: : 3\n",
                "mine.yaml, line 2: not valid YAML (mapping values are not allowed here)",
            ),
            (
                "a:\n\tb: 1\n",
                "mine.yaml, line 2: not valid YAML (found character '\\t' that cannot start any token)",
            ),
            ("lr: 1\n", "method._target_: missing"),
            ("- 1\n", "method._target_: missing"),
            ("", "method._target_: missing"),
            ("_target_: nosuch.Thing\n", "method._target_: cannot import 'nosuch.Thing'"),
            ("defaults:\n  - /optim@_here_: sdg\n", "optim: no option 'sdg'; did you mean 'sgd'?"),
            (
                "_target_: unlearn_cli.methods.ga.GradientAscent\n",
                "method.epochs: missing; set method.epochs=…",
            ),
        ],
        ids=["syntax", "tab", "no-target", "list", "empty", "no-class", "no-default", "no-values"],
    )
    def test_a_wrong_yaml(self, refused, folder, text, said):
        (folder / "method" / "mine.yaml").write_text(text)
        assert said in refused(f"--config-dir={folder}", "method=mine")

    def test_not_text_at_all(self, refused, folder):
        (folder / "method" / "mine.yaml").write_bytes(b"\xff\xfe\x00\x81")
        assert "a configuration file is not YAML in UTF-8" in refused(f"--config-dir={folder}", "method=mine")

    def test_a_misspelt_option_of_ones_own(self, refused, folder):
        (folder / "method" / "gradient_surgery.yaml").write_text("_target_: x\n")
        said = refused("--config-dir", str(folder), "method=gradient_surgry")
        assert "did you mean 'gradient_surgery'?" in said

    def test_a_misspelt_key_beside_an_option_of_ones_own(self, refused, folder):
        values = "_target_: unlearn_cli.methods.ga.GradientAscent\nlr: 1\n"
        (folder / "method" / "mine.yaml").write_text(values)
        said = refused(f"--config-dir={folder}", "method=mine", "method.lrr=1")
        assert said == "method.lrr: no such key or group; did you mean 'method.lr'?"

    def test_a_method_that_does_not_fit_the_task(self, refused, folder, monkeypatch):
        (folder / "silent_task.py").write_text(
            "from typing import ClassVar\n"
            "from unlearn_cli.config.settings import Settings\n"
            "class Silent(Settings):\n"
            "    name: ClassVar[str] = 'classification'\n"
            "class Nameless(Settings):\n"
            "    pass\n"
        )
        (folder / "task" / "silent.yaml").write_text("_target_: silent_task.Silent\n")
        (folder / "task" / "nameless.yaml").write_text("_target_: silent_task.Nameless\n")
        monkeypatch.syspath_prepend(folder)
        said = refused(f"--config-dir={folder}", "task=nameless", "method=ga")
        assert said == "model: 'resnet20' does not fit task=nameless; those that do: none"
        said = refused(f"--config-dir={folder}", "task=silent", "method=ga")
        assert said == ("method: 'ga' does not fit task=silent (it needs loss); those that do: checkpoint")


class TestCheckpoints:
    @pytest.fixture
    def finished(self, tiny, tmp_path):
        """The folder of a finished run, out of the way."""
        assert tiny(*FT).code == 0
        shutil.move(the_run(), tmp_path / "finished")
        shutil.rmtree("outputs")
        return tmp_path / "finished"

    def test_the_same_is_taken(self, tiny, finished):
        assert tiny("method=checkpoint", f"method.path={finished}").code == 0
        before = json.loads((finished / "metrics.json").read_text())["metrics"]
        assert measured() == before

    def test_another_architecture(self, refused, finished):
        said = refused("method=checkpoint", f"method.path={finished}", "model.width=4")
        assert "another architecture" in said
        assert "give the model= that it was trained as" in said

    def test_other_splits(self, refused, finished):
        for other, name in (
            ("data.split_seed=1", "split"),
            ("data.subset=0.3", "split"),
            ("forget.seed=1", "forget"),
        ):
            said = refused("method=checkpoint", f"method.path={finished}", other)
            assert "made from other facts" in said
            assert f"{name} is " in said

    def test_a_pickle_that_runs_code(self, refused, tmp_path):
        proof = tmp_path / "executed"
        torch.save({"weight": Evil(proof)}, tmp_path / "evil.pt")
        said = refused("method=checkpoint", f"method.path={tmp_path / 'evil.pt'}")
        assert "would run code when read" in said
        assert not proof.exists()
        torch.load(tmp_path / "evil.pt", weights_only=False)
        assert proof.exists(), "the pickle is harmless, so this test proves nothing"


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


@pytest.fixture(scope="module")
def expected() -> dict:
    """Metrics of the undisturbed run, once a test has made one."""
    return {}


class TestFailures:
    """What goes wrong once a run has begun: exit code 1, status failed, the same command goes on."""

    def test_a_truncated_store_entry(self, tiny, tmp_path):
        arguments = (*GA, "paths.store=store")
        assert tiny(*arguments).code == 0
        before = measured()
        (*_, weights) = sorted((tmp_path / "store" / "model").glob("*/model.safetensors"))
        weights.write_bytes(weights.read_bytes()[:1000])
        shutil.rmtree("outputs")
        end = tiny(*arguments)
        assert end.code == 0
        assert "is damaged (model.safetensors has changed); set aside as" in end.err
        assert weights.parent.with_name(f"{weights.parent.name}.damaged-0").is_dir()
        assert measured() == before

    @pytest.mark.parametrize(
        ("writer", "error"),
        [
            ("torch.save", OSError(errno.ENOSPC, "No space left on device")),
            ("torch.save", RuntimeError("basic_ios::clear: iostream error\nat some line")),
            ("unlearn_cli.models.checkpoint.save_file", OSError(errno.ENOSPC, "No space left on device")),
            ("unlearn_cli.models.run_model.write_json", OSError(errno.ENOSPC, "No space left on device")),
        ],
        ids=["checkpoint", "checkpoint-in-C++", "model", "history"],
    )
    def test_disk_full(self, tiny, monkeypatch, expected, writer, error):
        arguments = (*GA, "checkpoint_minutes=0")
        with monkeypatch.context() as patch:
            patch.setattr(writer, raising(error))
            end = tiny(*arguments)
        assert end.code == 1
        assert "Traceback" not in end.err
        assert end.error
        assert any(word in end.error for word in ("No space left", "disk full"))
        state = status()
        assert state["state"] == "failed"
        assert state["reason"]
        assert not list(Path().rglob("*.tmp"))
        end = tiny(*arguments)
        assert end.code == 0, end.err
        assert status()["state"] == "finished"
        interrupted = measured()
        if not expected:
            shutil.rmtree("outputs")
            assert tiny(*arguments).code == 0
            expected |= measured()
        assert interrupted == expected

    def test_disk_full_for_the_status_too(self, tiny, monkeypatch):
        """Nothing at all can be written once the run has begun; the error that began it is told."""
        import unlearn_cli.storage.run_folder as runs

        write = runs.write_json

        def only_first(path, content):
            if content.get("state") == "failed":
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            write(path, content)

        monkeypatch.setattr(runs, "write_json", only_first)
        monkeypatch.setattr(
            "unlearn_cli.models.run_model.write_json",
            raising(OSError(errno.ENOSPC, "No space left on device")),
        )
        end = tiny(*GA)
        assert end.code == 1
        assert "No space left on device" in end.error
        assert "status.json still says 'running'" in end.err
        assert "Traceback" not in end.err

    def test_a_loss_that_is_not_a_number(self, tiny):
        end = tiny("method=ga", "method.epochs=3", "method.lr=1e30", "checkpoint_minutes=0")
        assert end.code == 1
        assert "the loss of 'unlearn' is not finite at step 1 (epoch 2)" in end.error
        assert "the last good checkpoint is" in end.error
        assert (the_run() / "unlearn.resume.pt").exists()
        assert status()["state"] == "failed"
        assert status()["reason"] == end.error
        log = (the_run() / "log.txt").read_text()
        assert "Traceback" in log
        assert "RunError" in log
        assert "Traceback" not in end.err

    def test_a_model_that_has_diverged_without_a_bad_loss(self, tiny):
        end = tiny("method=ga", "method.epochs=1", "method.lr=1e30")
        assert end.code == 1
        assert "the model has diverged" in end.error
        assert status()["state"] == "failed"


def raising(error: BaseException):
    def write(*_, **__):
        raise error

    return write
