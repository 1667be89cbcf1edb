"""Values that no file system, no number, no field takes: one line that names the key."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["forget=indices", f"forget.file={'x' * 4500}"], "forget.file: "),
        ([f"method.epochs={'1' * 4500}"], "method.epochs: input should be a whole number up to"),
        ([f"seed={'9' * 260}"], "seed: "),
        ([f"paths.outputs={'z' * 300}", "method=ft"], "paths.outputs: cannot write to"),
        (["method=checkpoint", f"method.path={'p' * 4500}"], "method.path: "),
        ([f"method._target_={'m' * 4500}.C"], "method._target_: "),
    ],
    ids=["forget.file", "digits", "seed", "outputs", "checkpoint", "target"],
)
def test_long_values(tiny, arguments, said):
    end = tiny(*arguments)
    assert end.code == 2, end.err
    assert end.error.startswith(said)
    assert "Traceback" not in end.err
    assert len(end.err.splitlines()) <= 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["task=clip", 'task.captions=["{"]'], "task.captions: "),
        (["task=clip", 'task.captions=["a {0} b } c"]'], "task.captions: "),
        (["task=text_to_image", "eval.judges=abc"], "eval.judges: "),
        (["task=text_to_image", "eval.judges=[abc]"], "eval.judges: "),
        (["method._target_=unlearn_cli.methods.base.Unlearning"], "method._target_: "),
    ],
)
def test_values_of_another_form(tiny, arguments, said):
    end = tiny(*arguments)
    assert end.code == 2, end.err
    assert end.error.startswith(said)
    assert "Traceback" not in end.err


def test_a_checkpoint_that_is_not_there_is_told_with_its_key(refused, tmp_path):
    said = refused("method=checkpoint", f"method.path={tmp_path / 'none.pt'}")
    assert said.startswith("method.path: checkpoint ")
    for name, content in {"list.pt": b"", "cut.safetensors": b"\x10", "text.pth": b"no weights"}.items():
        (tmp_path / name).write_bytes(content)
        said = refused("method=checkpoint", f"method.path={tmp_path / name}")
        assert said.startswith(("method.path: checkpoint ", "method.path: delta "))


def test_weights_that_are_no_numbers(tiny, refused, tmp_path):
    assert tiny("method=ft", "method.epochs=1").code == 0
    (weights,) = Path("outputs").rglob("model.safetensors")
    state = load_file(weights)
    name = next(name for name, tensor in state.items() if tensor.is_floating_point())
    state[name].view(-1)[0] = float("nan")
    save_file(state, tmp_path / "nan.safetensors")
    shutil.rmtree("outputs")
    said = refused("method=checkpoint", f"method.path={tmp_path / 'nan.safetensors'}")
    assert said == f"method.path: the weights are not all finite numbers (first: {name}); give others"


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"method", b"method: [1]", b"method: null", b"\xff\xfe", b"{" * 3000]
)
def test_a_run_folder_whose_configuration_is_none(refused, tmp_path, content):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_bytes(content)
    assert refused("method=checkpoint", f"method.path={run}").startswith("method.path: ")
