"""The door for Python: typed results, errors that can be caught, a process that is left as it was."""

import inspect
import logging
import os
import random
import sys
import threading
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from own_process import IMPORTED, heavy_imports, in_own_process
from tiny_commands import EPOCH, TINY

import unlearn_cli as unlearn
import unlearn_cli.api
from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.storage.files import read_json


@pytest.fixture
def small(monkeypatch, tmp_path, shared_store):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ClassifierEvaluation, "figures", lambda *_: [])
    return (*TINY, EPOCH, f"paths.store={shared_store}")


def state():
    log = logging.getLogger("unlearn")
    numbers = (random.getstate(), torch.get_rng_state().tolist())
    hydra = GlobalHydra.instance().hydra
    return (
        list(sys.argv),
        dict(os.environ),
        Path.cwd(),
        log.handlers,
        log.level,
        log.propagate,
        numbers,
        torch.get_num_threads(),
        hydra,
    )


def test_a_run_is_that_of_the_command_and_leaves_no_trace(small):
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):  # an application of the caller's
        before = state()
        result = unlearn.run("method=ft", "seed=1", *small)
        assert state() == before
        assert compose("config").seed == 0
    assert isinstance(result, unlearn.Result)
    assert result.folder.is_absolute()
    assert result.raw == read_json(result.folder / "metrics.json")
    assert result.avg_gap == result.raw["avg_gap"]
    assert result.metrics.keys() >= {"UA", "RA", "TA", "MIA"}
    assert result.to_markdown() == (result.folder / "table.md").read_text()
    assert unlearn.run("method=ft", "seed=1", *small) == result


def test_a_run_in_a_thread(small):
    found = []
    thread = threading.Thread(target=lambda: found.append(unlearn.run("method=ft", *small)))
    thread.start()
    thread.join()
    assert found[0].method == "ft"


def test_the_model(small, monkeypatch, tmp_path):
    result = unlearn.run("method=ft", *small)
    model = result.load()
    assert not model.training
    assert model(torch.rand(2, 1, 8, 8)).shape == (2, 10)
    with pytest.raises(InputError, match=r"no folder of a finished run \(it has no config.yaml\)"):
        unlearn.load(tmp_path)


def test_a_model_of_which_a_run_keeps_the_difference(run, monkeypatch, tmp_path):
    folder = Path(run("task=clip", "method=ft")["folder"])
    assert not (folder / "model.safetensors").exists()
    monkeypatch.chdir(tmp_path)
    model = unlearn.load(folder)
    assert not model.training
    assert type(model).__name__ == "ZeroShotClip"


def test_a_sweep_and_its_comparison(small, capsys):
    before = state()
    results = unlearn.sweep("method=ft,ga", *small)
    assert state() == before
    assert [result.method for result in results] == ["ft", "ga"]
    table = unlearn.compare(results, metrics=["UA"])
    assert "| ga |" in table.to_markdown()
    assert unlearn.compare("outputs", where=["method=ga"]).rows[-1]["name"] == "ga"
    assert table.to_csv().startswith("setting,name,")
    assert "tabular" in table.to_latex()
    with pytest.raises(InputError, match="--metrics US: no such metric"):
        unlearn.compare(results, metrics=["US"])


@pytest.mark.parametrize("function", [unlearn.run, unlearn.sweep, unlearn.compose])
def test_wrong_input(function, small):
    before = state()
    for override, message in [
        ("method=salum", "method: no option 'salum'; did you mean 'salun'?"),
        ("method.lrr=1", "method.lrr: no such key or group; did you mean 'method.lr'?"),
        ("lr", "cannot read 'lr'"),
    ]:
        with pytest.raises(unlearn.UnlearnError) as caught:
            function(override)
        assert str(caught.value).startswith(message)
    assert state() == before


def test_a_run_of_a_sweep_that_fails(small, monkeypatch):
    def fails(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("unlearn_cli.run.judged", fails)
    with pytest.raises(RunError, match=r"1 run\(s\) of the sweep failed"):
        unlearn.sweep("method=ft", *small)


def test_options_of_ones_own(tmp_path):
    (tmp_path / "method").mkdir()
    original = (conf_folder() / "method" / "ft.yaml").read_text()
    (tmp_path / "method" / "mine.yaml").write_text(original)
    config, choices = unlearn.compose(f"--config-dir={tmp_path}", "method=mine", "task=clip")
    assert choices["method"] == "mine"
    assert config["method"]["_target_"] == unlearn.compose("method=ft").config["method"]["_target_"]
    assert set(config) == set(unlearn.compose().config)


def test_composing_imports_nothing_heavy():
    done = in_own_process(program=f"import sys, unlearn_cli; unlearn_cli.compose('method=ga'); {IMPORTED}")
    assert heavy_imports(done) == []


def test_modules_of_these_names_are_still_modules():
    from unlearn_cli.compare import table
    from unlearn_cli.run import run

    assert inspect.signature(unlearn.run) == inspect.signature(unlearn_cli.api.run)
    assert unlearn.run.run is run
    assert unlearn.compare.table is table
    assert set(unlearn.OFFERED) <= set(dir(unlearn))
    with pytest.raises(AttributeError, match="nothing"):
        unlearn.nothing  # noqa: B018


def test_threads_are_the_caller_s_again(small, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run = unlearn_cli.run(*small, "method=ft")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert read_json(run.folder / "environment.json")["threads"] == 1
