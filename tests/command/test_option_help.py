"""`unlearn method=salun --help`: what can be set, and what it is in this composition."""

import re
from pathlib import Path

import pytest
from own_process import heavy_imports, in_own_process

from unlearn_cli.command.chosen import EVERY_GROUP
from unlearn_cli.command.option_facts import PAGES
from unlearn_cli.config.catalogue import docs_folder, options

METHOD = """
from pydantic import Field
from unlearn_cli.config.settings import Settings
from unlearn_cli.methods.ga import GradientAscent

class Bounded(GradientAscent):
    bound: float = Field(gt=0, description="the loss climbs no further")
    slope: int = Field(2, description="has a value in the class")

class Surprise(Settings):
    bins: int
"""
METHOD_YAML = """# unlearn method=bounded
# Bounded ascent
defaults:
  - /optim@_here_: sgd
_target_: own_of_help.Bounded
epochs: 1
lr: 0.1
batch_size: 8
bound: 3.0
"""
METRIC_YAML = """# @package metric.surprise
# unlearn metric=surprise
# Surprise of the loss
_target_: own_of_help.Surprise
bins: 4
"""
FILES = {
    "own_of_help.py": METHOD,
    "method/bounded.yaml": METHOD_YAML,
    "metric/surprise.yaml": METRIC_YAML,
}


@pytest.fixture
def shown(unlearn, monkeypatch):
    """shown(*arguments): the help's lines without their wrapping, by what they begin with."""
    monkeypatch.setenv("COLUMNS", "400")

    def lines(*arguments):
        end = unlearn(*arguments, "--help")
        assert end.code == 0, end.err
        return {line.split()[0]: line for line in end.out.splitlines() if line}

    return lines


CHOICES = [(group, option) for group in EVERY_GROUP for option in options(group)]
FIRST = dict(reversed(CHOICES))


@pytest.mark.parametrize(("group", "option"), FIRST.items(), ids=FIRST)
def test_a_group(unlearn, monkeypatch, group, option):
    check(unlearn, monkeypatch, group, option)


@pytest.mark.thorough
@pytest.mark.parametrize(("group", "option"), CHOICES, ids=lambda one: getattr(one, "name", one))
def test_any_option(unlearn, monkeypatch, group, option):
    check(unlearn, monkeypatch, group, option)


def check(unlearn, monkeypatch, group, option):
    monkeypatch.setenv("COLUMNS", "60")
    end = unlearn(f"{group}={option.name}", "--help")
    assert end.code == 0, end.err
    assert option.description in " ".join(end.out.split())
    assert option.command in " ".join(end.out.split())
    assert max(map(len, end.out.splitlines())) <= 60
    assert "???" not in end.out


def test_every_group_has_a_page():
    assert set(PAGES) == set(EVERY_GROUP)
    for group, page in PAGES.items():
        assert all((docs_folder() / page.format(option.name)).is_file() for option in options(group))


def test_keys_with_type_range_default_and_description(shown):
    lines = shown("method=salun")
    assert re.match(r"method.alpha=1 +float ≥ 0: α, weight of the retain term", lines["method.alpha=1"])
    assert "paired | balanced | mixed | sequential: " in lines["method.order=paired"]
    assert "ICLR 2024" in lines["Paper"]
    assert "mask=saliency" in lines["Brings"]
    assert lines["More"].endswith("docs/methods/salun.md")
    assert "clip" in lines["Tasks"]


def test_defaults_are_those_of_the_composition(shown):
    assert "method.lr=0.15" in shown("method=ft")
    lines = shown("task=clip", "method=ft")
    assert "method.lr=0.002" in lines
    assert "conf/recipe/clip/shapes/ft.yaml" in lines["with"]


def test_what_was_given_stands_beside_the_default(shown):
    assert "int > 0 (default 5)" in shown("method=salun", "method.epochs=3")["method.epochs=3"]
    assert "(as seed, default 0)" in shown("forget=random", "seed=3")["forget.seed=3"]
    assert "text (required)" in shown("method=checkpoint")["method.path=…"]


def test_an_option_is_shown_with_a_task_that_it_fits(shown):
    assert "task=text_to_image" in shown("method=fmn")["Here"]
    assert "task=vlm" in shown("method=sauce", "method.lr=1")["Here"]
    assert "not task=clip" in shown("method=fmn", "task=clip")["Tasks"]


def test_several_and_those_of_a_sweep(shown):
    lines = shown("-m", "method=ft,ga", "mask=saliency", "seed=range(3)", "method.lr=1e-3,1e-2")
    assert {"method=ft", "method=ga", "mask=saliency", "mask.fraction=0.5"} <= set(lines)
    assert "default 0.15" not in lines["method.lr=0.001"]  # of the second


def test_options_that_are_chosen_for_a_place(shown):
    assert "forget.lower.epochs=10" in shown("lower@forget.lower=be")
    assert "forget.lower.epochs=10" in shown("lower=be")
    assert {"eval.attacks.cce.images=25", "eval.attacks.p4d.tokens=8"} <= set(shown("attack=cce,p4d"))
    assert {"train.optimizer=adam", "train.weight_decay=0"} <= set(shown("optim@train=adam"))
    assert "eval.judge.model.resize=224" in shown(
        "task=generation", "data=cifar10", "model@eval.judge.model=judge"
    )
    assert "hydra.launcher.partition=gpu" in shown("hydra/launcher=slurm", "hydra.launcher.partition=gpu")


def test_a_recipe_with_a_papers_numbers(shown):
    lines = shown("experiment=salun/cifar10_random10")
    assert "forget.fraction=0.1" in lines
    assert "UA 5.24 ± 0.69" in lines["method=retrain"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("method=salum", "method: no option 'salum'; did you mean 'salun'?"),
        ("attack=cca", "attack: no option 'cca'; did you mean 'cce'?"),
        ("method.lrr=1", "method.lrr: no such key or group; did you mean 'method.lr'?"),
        ("mehtod=ga", "mehtod: no such key or group; did you mean 'method'?"),
        ("lr", "cannot read 'lr'"),
        ("method salun", "cannot read 'method salun': did you mean method=salun?"),
    ],
)
def test_what_is_misspelt(unlearn, argument, message):
    end = unlearn(*argument.split(), "--help")
    assert (end.code, end.out) == (2, "")
    assert end.error.startswith(message)


def test_a_method_and_a_metric_of_ones_own(shown, monkeypatch, tmp_path):
    for name, text in FILES.items():
        Path("own", name).parent.mkdir(parents=True, exist_ok=True)
        Path("own", name).write_text(text)
    monkeypatch.setenv("UNLEARN_PLUGINS", "own")
    lines = shown("method=bounded", "metric=[surprise]")
    assert "float > 0: the loss climbs no further" in lines["method.bound=3"]
    assert "method.slope=2" in lines
    assert "Paper" not in lines
    assert lines["metric.surprise.bins=4"].endswith("int")
    assert "of the loss" in lines["Surprise"]


def test_a_group_or_a_plan_imports_nothing_heavy():
    for arguments in (["method", "--help"], ["plan", "--help"], ["method.lr=1", "--help"]):
        assert heavy_imports(in_own_process(*arguments)) == []
