"""precision=auto on a CPU: what is measured, what is kept of it, and who stays in fp32."""

import json
from pathlib import Path

import pytest
import tiny_run
import torch
from omegaconf import OmegaConf
from tiny_commands import TINY

import unlearn_cli
from unlearn_cli import precision
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.precision import decide, forward_flops, remembered, step_seconds
from unlearn_cli.runtime.compute import Compute

SPEC = ImageSpec(["a", "b"], 1, (8, 8), (0.5,), (0.5,))


@pytest.fixture
def experiment(tmp_path):
    """experiment(*overrides): the settings of a tiny run on a CPU."""

    def of(*overrides: str) -> Experiment:
        arguments = (*TINY, "device=cpu", f"paths.outputs={tmp_path}", *overrides)
        config, choices = unlearn_cli.compose(*arguments)
        return read(OmegaConf.create(config), choices)

    return of


@pytest.fixture
def any_size(monkeypatch):
    monkeypatch.setattr(precision, "LEAST_FLOPS", 0)


@pytest.fixture
def measured(monkeypatch, any_size):
    """measured(fp32, bf16): what a step shall take from now on; gives the calls."""

    def of(fp32: float, bf16: float) -> list[int]:
        calls: list[int] = []

        def seconds(model, x, y):
            calls.append(len(x))
            return {"fp32": fp32, "bf16": bf16}

        monkeypatch.setattr(precision, "step_seconds", seconds)
        monkeypatch.setattr(precision, "may_have_bf16", lambda: True)
        return calls

    return of


def decided(experiment: Experiment) -> str:
    compute = experiment.compute()
    decide(experiment, SPEC, compute)
    return compute.precision


@pytest.mark.parametrize(("bf16", "taken"), [(0.5, "bf16"), (0.9, "fp32"), (2.0, "fp32")])
def test_bf16_is_taken_where_it_is_clearly_faster(experiment, measured, bf16, taken):
    measured(1.0, bf16)
    assert decided(experiment()) == taken


def test_a_model_is_measured_once(experiment, measured):
    calls = measured(1.0, 0.5)
    assert remembered(experiment(), SPEC) == "fp32"
    assert [decided(experiment()), decided(experiment("seed=1", "method=ga"))] == ["bf16", "bf16"]
    assert len(calls) == 1
    assert remembered(experiment("method=rl"), SPEC) == "bf16"
    assert decided(experiment("model.width=4")) == "bf16"
    assert len(calls) == 2


def test_another_cpu_measures_for_itself(experiment, measured, monkeypatch):
    measured(1.0, 0.5)
    decided(experiment())
    monkeypatch.setattr(precision, "cpu_name", lambda: "another one")
    calls = measured(1.0, 1.0)
    assert decided(experiment()) == "fp32"
    assert len(calls) == 1


def test_a_processor_without_bf16_is_not_asked(experiment, any_size, monkeypatch, caplog):
    monkeypatch.setattr(precision, "may_have_bf16", lambda: False)
    monkeypatch.setattr(precision, "step_seconds", None)
    with caplog.at_level("INFO"):
        assert decided(experiment()) == "fp32"
    assert "this processor has no bf16" in caplog.text


def test_what_is_typed_stands(experiment, measured):
    calls = measured(1.0, 0.5)
    assert decided(experiment("precision=fp32")) == "fp32"
    assert decided(experiment("precision=bf16")) == "bf16"
    assert not calls


def test_small_models_stay_as_they_are(experiment, monkeypatch, tmp_path):
    """Numbers of the data that come with the tool are the same on every CPU, bit for bit."""
    monkeypatch.setattr(precision, "step_seconds", None)
    assert decided(experiment("model.depth=20", "model.width=16")) == "fp32"
    assert not (tmp_path / "store" / "precision").exists()


def test_others_than_classifiers_stay_in_fp32(experiment, measured):
    calls = measured(1.0, 0.5)
    compute = Compute("cpu", "auto", channels_last=True, compile=False)
    settings = experiment()
    object.__setattr__(settings, "task", type("Generation", (), {"name": "generation"})())
    decide(settings, SPEC, compute)
    assert (compute.precision, calls) == ("fp32", [])


def test_looking_draws_nothing(experiment, measured):
    measured(1.0, 0.5)
    torch.manual_seed(3)
    decided(experiment())
    drawn = torch.rand(2)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(2))


def test_operations_are_counted():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    assert forward_flops(model, torch.rand(2, 1, 8, 8)) == 2 * 2 * 64 * 10


def test_a_step_is_timed_in_both():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    seconds = step_seconds(model, torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 0, 1]))
    assert set(seconds) == {"fp32", "bf16"}
    assert all(0 < value < float("inf") for value in seconds.values())


def test_a_run_tells_what_it_took(measured, tmp_path):
    measured(1.0, 0.5)
    arguments = ("device=cpu", f"paths.outputs={tmp_path}", "method=original", "oracle=false", *TINY)
    (result,) = tiny_run.unlearn(*arguments)
    assert result["precision"] == "bf16"
    (facts,) = Path(tmp_path).glob("store/model/*/model.json")
    assert json.loads(facts.read_text())["precision"] == "bf16"
