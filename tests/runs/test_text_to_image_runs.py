"""Every method that fits text-to-image, from an untrained model to a judged one; all share one store."""

import json
import math
import signal
from pathlib import Path

import pytest
import torch
from run_results import entries, state
from safetensors.torch import load_file
from tiny_commands import methods, short
from tiny_processes import signalled
from tiny_run import unlearn

TASK = "task=text_to_image"
METHODS = methods("text_to_image")
UNLEARNING = [method for method in METHODS if method not in ("original", "retrain", "checkpoint")]
PROMPTS = {f"{name}{where}" for name in ("UA", "IRA", "CRA") for where in ("", "_outside")} | {"FD", "KD"}


def command(method, *more):
    """The command of a method, made short."""
    batch = [] if method in ("original", "retrain", "checkpoint", "uce") else ["method.batch_size=8"]
    return (TASK, *short(method), *batch, *more)


def original(outputs) -> dict[str, torch.Tensor]:
    """Tensors of the original model of these tests, as a delta names them."""
    (entry,) = [
        entry
        for entry in entries(outputs / "store", "model")
        if json.loads((entry / "history.json").read_text())[0]["stage"] == "original"
        and json.loads((entry / "model.json").read_text())["task"]["name"] == "text_to_image"
    ]
    return load_file(entry / "model.safetensors")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_to_the_end(run, outputs, method):
    more = [f"method.path={run(*command('ft'))['folder']}"] if method == "checkpoint" else []
    result = run(*command(method, *more))
    metrics, folder = result["metrics"], Path(result["folder"])
    assert set(result["original"]) == set(result["oracle"]) >= PROMPTS
    assert set(metrics) >= set(result["oracle"])
    assert all(math.isfinite(value) for value in metrics.values())
    assert result["avg_gap"] == pytest.approx(sum(result["gap"][name] for name in ("UA", "IRA", "CRA")) / 3)
    for model, values in (("original", result["original"]), ("oracle", result["oracle"])):
        assert 0 <= result["per_class"][model]["texture: dotted"] <= 100 + values["UA"]
    assert json.loads((folder / "metrics.json").read_text()) == result
    assert state(folder) == "finished"
    assert not list(folder.glob("*.resume.*"))
    assert not list((outputs / "store").glob("*/*/*.resume.*"))
    if method in UNLEARNING and method != "saeuron":
        changed, before = load_file(folder / "delta.safetensors"), original(outputs)
        assert changed
        assert all(not torch.equal(before[name], tensor) for name, tensor in changed.items())
    if method == "saeuron":
        assert not load_file(folder / "delta.safetensors")
        assert (folder / "sae" / "edit.safetensors").exists()


@pytest.mark.parametrize("method", ["ca", "esd"])
def test_only_the_named_weights_change(run, outputs, method):
    chosen = r"attn2\.to_(k|v)"
    result = run(*command(method, f"method.parameters='{chosen}'"))
    changed = load_file(Path(result["folder"]) / "delta.safetensors")
    of_cross_attention = {name for name in original(outputs) if "attn2.to_k" in name or "attn2.to_v" in name}
    assert set(changed) <= of_cross_attention


def test_surgery_composes_with_other_methods(run):
    result = run(*command("ca", "surgery=concept_preserving", "surgery.projection=release"))
    history = json.loads((Path(result["folder"]) / "history.json").read_text())
    assert 0 <= history[-1]["loss/conflict"] <= 1
    assert -1 <= history[-1]["loss/cosine"] <= 1


def test_several_concepts_at_once(run):
    concepts = ("forget.concept=[dotted,striped]", "forget.anchor=plain")
    result = run(*command("doco", *concepts))
    assert result["forget"]["facts"]["concept"] == ["dotted", "striped"]
    assert {"UA", "IRA", "CRA"} <= set(result["metrics"])


def test_doco_goes_on_after_a_kill_as_if_nothing_had_happened(tmp_path):
    """Weights, discriminator and both optimisers: killed as the second checkpoint is put in place."""
    steps = ("method.max_steps=4", "method.warm_up=1")
    arguments = [*command("doco", *steps), "oracle=false", "checkpoint_minutes=0"]
    (whole,) = unlearn(*arguments, f"paths.outputs={tmp_path / 'whole'}")
    killed = f"paths.outputs={tmp_path / 'killed'}"
    assert signalled(signal.SIGKILL, "unlearn.resume.pt", 3, *arguments, killed) == -signal.SIGKILL
    (resumed,) = unlearn(*arguments, killed)
    one, other = (load_file(Path(r["folder"]) / "delta.safetensors") for r in (whole, resumed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    histories = [json.loads((Path(r["folder"]) / "history.json").read_text()) for r in (whole, resumed)]
    rows = [[row for row in history if "loss/discriminator" in row] for history in histories]
    assert rows[0]
    assert rows[0] == rows[1]


def test_the_worst_case_over_prompts(run):
    result = run(
        TASK,
        "method=ft",
        "forget=worst_case",
        "forget.unit=class",
        "forget.count=4",
        "forget.fraction=null",
        "forget.iterations=1",
        "forget.lower.epochs=1",
        "method.max_steps=2",
    )
    assert len(result["forget"]["facts"]) > 0
    assert {"UA", "IRA"} <= set(result["metrics"])
