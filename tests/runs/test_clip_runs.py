"""Whole runs of CLIP on a few built-in scenes: a domain goes by every method, and a killed run goes on."""

import json
import signal
from pathlib import Path

import open_clip
import pytest
import torch
from run_results import entries, lasting
from safetensors.torch import load_file
from tiny_commands import methods, short
from tiny_processes import signalled
from tiny_run import unlearn

METHODS = [m for m in methods("clip") if m not in ("original", "retrain", "checkpoint")]
ALWAYS = ("Mem", "For", "H", "Mem_drop", "probe_forget", "relearn_forget", "R1_retain", "domain_accuracy")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(outputs):
    """run(*arguments): the result of a run; all share a store, and one original."""

    def result(*arguments, **more):
        (found,) = unlearn("task=clip", f"paths.outputs={outputs}", "oracle=false", *arguments, **more)
        return found

    return result


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_to_the_end(run, outputs, method):
    result = run(*short(method))
    assert set(ALWAYS) <= result["metrics"].keys()
    changed = load_file(Path(result["folder"]) / "delta.safetensors")
    of_text = {name for name in changed if not name.startswith(("adapter.", "clip.visual."))}
    assert bool(of_text) == (method in ("clipfit", "lipschitz"))
    assert len(entries(outputs / "store", "model")) == 1
    assert result["original"]["Mem_drop"] == 0


def test_the_default_run_has_an_oracle_and_figures(outputs):
    (result,) = unlearn("task=clip", f"paths.outputs={outputs}", *short("adu"), figures=True)
    assert result["oracle"].keys() >= set(ALWAYS)
    drawn = {file.name for file in (Path(result["folder"]) / "figures").iterdir()}
    assert drawn == {"training_curves.png", "domains.png", "relevance.png"}
    assert {"circle", "domain=photo", "domain=sketch"} <= result["per_class"]["adu"].keys()
    assert result["forget"]["count"] == 16
    folders = [entry / "open_clip" for entry in entries(outputs / "store", "model")]
    assert all(open_clip.create_model(f"local-dir:{folder}") for folder in folders)


def test_a_saved_clip_is_unlearned_as_a_ready_made_one(run, outputs):
    run("method=original")
    folder = entries(outputs / "store", "model")[0] / "open_clip"
    result = run("model=clip", f"model.name={folder}", *short("prompt_tuning"))
    assert result["oracle"] is None
    assert set(load_file(Path(result["folder"]) / "delta.safetensors")) == {"adapter.visual.tokens"}


def test_a_run_that_had_unlearned_goes_on_with_its_prompts(run):
    """As if it had been killed while it was judged."""
    first = run(*short("adu"))
    folder = Path(first["folder"])
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"state": "running"}))
    (folder / "metrics.json").unlink()
    again = run(*short("adu"))
    assert lasting(again)["metrics"] == lasting(first)["metrics"]


def test_a_checkpoint_of_prompts_is_judged_like_the_run_it_came_from(run):
    first = run(*short("adu"))
    again = run("method=checkpoint", f"method.path={first['folder']}")
    assert again["metrics"] == first["metrics"]


def test_a_class_is_forgotten_by_domain_losses_of_two_sides(run):
    result = run("forget=class", "forget.classes=[circle]", *short("adu"))
    assert result["forget"]["kind"] == "class"
    assert "domain_accuracy" not in result["metrics"]
    head = load_file(Path(result["folder"]) / "delta.safetensors")["adapter.head.weight"]
    assert len(head) == 2


def test_unknown_domains_are_guessed(run):
    for guess in ("clusters", "texts"):
        result = run("forget.drop=0.5", f"forget.guess={guess}", *short("prompt_tuning"))
        assert 0 <= result["forget"]["found"]["domains guessed right"] <= 1


def test_classes_that_no_method_saw_have_numbers_of_their_own(run):
    result = run("forget.held_out=[square]", *short("prompt_tuning"))
    assert {"Mem_unseen", "For_unseen"} <= result["metrics"].keys()


def test_adu_goes_on_after_a_kill_as_if_nothing_had_happened(tmp_path):
    command = ("task=clip", "oracle=false", "method=adu", "method.epochs=3", "checkpoint_minutes=0")
    (whole,) = unlearn(f"paths.outputs={tmp_path / 'whole'}", *command)
    killed = (f"paths.outputs={tmp_path / 'killed'}", *command)
    assert signalled(signal.SIGKILL, "unlearn.resume.pt", 2, *killed) == -signal.SIGKILL
    (resumed,) = unlearn(*killed)
    assert lasting(resumed) == lasting(whole)
    one, two = (load_file(Path(result["folder"]) / "delta.safetensors") for result in (whole, resumed))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_all_subsets_are_a_sweep_and_compare_by_their_size(tmp_path, monkeypatch, capsys):
    from unlearn_cli.compare.command import main

    command = ("-m", "task=clip", "oracle=false", *short("ga"), "forget.domains=all_subsets")
    results = unlearn(f"paths.outputs={tmp_path}", *command)
    forgotten = [result["forget"]["facts"]["domains"] for result in results]
    assert sorted(map(len, forgotten)) == [1, 1, 1, 2, 2, 2]
    assert len({tuple(domains) for domains in forgotten}) == 6
    monkeypatch.setattr("sys.argv", ["unlearn-compare", str(tmp_path), "--by", "forget.domains.count"])
    main()
    assert "forget.domains.count" in capsys.readouterr().out
