"""The command line as people who know other programs type it: a line that helps."""

from pathlib import Path

import pytest
from only_run import FT

import unlearn_cli as unlearn
import unlearn_cli.run
from unlearn_cli.errors import UnlearnError

SLIPS = [
    ("lr=0.1", "lr: no such key or group; did you mean 'method.lr' or 'train.lr'?"),
    ("epochs=1", "did you mean 'method.epochs' or 'train.epochs'?"),
    ("batch_size=32", "did you mean 'method.batch_size' or 'train.batch_size'"),
    ("batchsize=32", "did you mean 'method.batch_size' or 'train.batch_size'"),
    ("learning_rate=0.1", "did you mean 'method.lr' or 'train.lr'?"),
    ("weight_decay=0", "did you mean 'method.weight_decay' or 'train.weight_decay'?"),
    ("method.learning_rate=0.1", "method.learning_rate: no such key or group; did you mean 'method.lr'?"),
    ("method.epoch=1", "did you mean 'method.epochs'?"),
    ("train.bs=8", "did you mean 'train.batch_size'?"),
    ("model.lr=0.1", "did you mean 'method.lr' or 'train.lr'?"),
    ("dataset=cifar10", "dataset: no such key or group; did you mean 'data'?"),
    ("network=resnet18", "did you mean 'model'?"),
    ("algorithm=salun", "did you mean 'method'?"),
    ("output_dir=x", "did you mean 'paths.outputs'?"),
    ("forget_class=3", "did you mean 'forget.classes'?"),
]


@pytest.mark.parametrize(("wrong", "said"), SLIPS)
def test_names_of_other_programs(refused, wrong, said):
    assert said in refused(wrong)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--method", "salun"], "--method: no such flag; did you mean method=salun?"),
        (["--method=salun"], "--method: no such flag; did you mean method=salun?"),
        (["--seed", "1", "method=ga"], "--seed: no such flag; did you mean seed=1?"),
        (["--lr", "0.1"], "--lr: no such flag; did you mean method.lr=0.1 or train.lr=0.1?"),
        (["--batch-size", "8"], "did you mean method.batch_size=8 or train.batch_size=8"),
        (["--forget.fraction=0.2"], "did you mean forget.fraction=0.2?"),
        (["-method=ga"], "-method: no such flag; did you mean method=ga?"),
        (["-method", "ga"], "-method: no such flag; did you mean method=ga?"),
        (["--config-path", "x"], "--config-path: unlearn has its own; unlearn rerun FOLDER makes"),
        (["-cp", "outputs", "-cn", "config"], "--config-path: unlearn has its own; unlearn rerun FOLDER"),
        (["--config-name=mine"], "--config-name: unlearn has its own"),
        (["--nonsense"], "--nonsense: no such flag; key=value is right; unlearn --help"),
        (["method", "salun"], "cannot read 'method salun': did you mean method=salun?"),
        (["method", "=", "salun"], "did you mean method=salun?"),
        (["method=", "salun"], "cannot read 'method= salun': did you mean method=salun?"),
        (["seed", "=1"], "did you mean seed=1?"),
        (["method=ga seed=1"], "several arguments in one; without quotes: unlearn method=ga seed=1"),
        (["run", "method=ga"], "cannot read 'run': key=value is right"),
        (["--cfg", "everything"], "invalid choice: 'everything'"),
    ],
    ids=" ".join,
)
def test_flags_and_words_of_other_programs(unlearn, typed, said):
    end = unlearn(*typed)
    assert (end.code, end.out) == (2, "")
    assert said in end.error
    assert end.err == f"error: {end.error}\n"


SWEPT = [
    ("method=ft,ga", "method=ft,ga: several values are a sweep: unlearn -m method=ft,ga"),
    ("method=[ga,ft]", "several are a sweep: unlearn -m method=ga,ft"),
    ("seed=0,1", "unlearn -m seed=0,1"),
    ("seed=range(3)", "unlearn -m 'seed=range(3)'"),
    ("forget.classes=0,1", "one list is 'forget.classes=[0,1]'"),
]


@pytest.mark.parametrize(("wrong", "said"), SWEPT)
def test_a_sweep_without_m(refused, wrong, said):
    forget = "class" if "classes" in wrong else "random"
    assert said in refused(f"forget={forget}", wrong)


@pytest.mark.parametrize("value", ["3", "null", "true"])
def test_no_option_for_a_place(refused, value):
    said = refused(f"optim@method={value}")
    assert said.startswith(f"optim@method={value}: names no option; there are: adam, ")


def test_a_text_with_a_comma_is_shown_as_a_shell_needs_it(refused):
    said = refused("forget=concept", "forget.concept=a cat, asleep")
    assert """one text is 'forget.concept="a cat, asleep"'""" in said


@pytest.mark.parametrize(
    ("typed", "instead"),
    [
        ("hydra.run.dir=here", "paths.outputs="),
        ("hydra.sweep.dir=here", "paths.outputs="),
        ("hydra.sweep.subdir=here", "paths.outputs="),
        ("hydra.output_subdir=here", "paths.outputs="),
        ("hydra.job.chdir=true", "a run stays where it was called"),
        ("hydra.job.name=mine", "paths.outputs="),
        ("hydra.verbose=true", "log.txt"),
        ("hydra/job_logging=default", "log.txt"),
        ("++hydra.run.dir=here", "paths.outputs="),
    ],
)
def test_settings_of_hydra_that_would_change_nothing(refused, typed, instead):
    for sweep in ((), ("-m",)):
        said = refused(*sweep, typed)
        assert "has no effect here" in said
        assert instead in said
    with pytest.raises(UnlearnError, match="has no effect here"):
        unlearn.run(typed)


@pytest.mark.parametrize(
    "how",
    [
        "-m hydra/launcher=basic",
        "hydra/launcher=basic",
        "--run",
        "-m hydra/sweeper=basic hydra/launcher=basic",
    ],
)
def test_a_plan_never_runs(tiny, monkeypatch, how):
    monkeypatch.setattr(unlearn_cli.run, "run", lambda *_: pytest.fail("it runs"))
    end = tiny("plan", *how.split(), *FT)
    assert end.code == 2
    assert "local, processes" in end.error
    assert not [*Path().rglob("status.json")]


def test_a_launcher_that_would_leave_no_record(refused):
    assert refused("-m", "hydra/launcher=basic", "method=ft").startswith("hydra/launcher: 'basic' is none of")


@pytest.mark.parametrize(
    "wrong", [("method.lrr=1", "did you mean 'method.lr'?"), ("method=saluun", "'salun'?")]
)
def test_a_folder_of_yaml_whatever_its_name(refused, tmp_path, wrong):
    for name in ("conf dir, v2", "été", "a=b", "[x]", "it's"):
        (tmp_path / name).mkdir()
        for flag in (("--config-dir", name), (f"--config-dir={name}",)):
            assert wrong[1] in refused(*flag, wrong[0])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        *(SWEPT[:3]),
        ("learning_rate=1", "did you mean 'method.lr' or 'train.lr'?"),
        ("--method salun", "no such flag; did you mean method=salun?"),
        ("method salun", "did you mean method=salun?"),
        ("forget.concept=[a", "is a bracket or a quote not closed?"),
    ],
)
def test_python_says_as_much(wrong, said):
    for function in (unlearn.run, unlearn.compose):
        with pytest.raises(UnlearnError) as caught:
            function(*(wrong.split() if wrong.startswith("-") else [wrong]))
        assert said in str(caught.value)
