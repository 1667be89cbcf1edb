"""An option's keys as rows."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from pydantic import Field

from scripts.option_files import kind
from unlearn_cli.config.catalogue import Option, conf_folder, options
from unlearn_cli.config.describe import Key, comments_of, keys, nested, typed, values_of, with_limits
from unlearn_cli.config.settings import Settings
from unlearn_cli.config.spelling import as_typed
from unlearn_cli.experiment import GROUPS, Experiment

CONF = conf_folder()
OPTIONS = [
    (group, option)
    for group in [*(path.name for path in CONF.iterdir() if path.is_dir()), "hydra/launcher"]
    if group not in ("experiment", "recipe", "hydra")  # they have no keys of their own
    for option in options(group)
]


class Inner(Settings):
    steps: int = Field(gt=0, description="how many")


class Outer(Settings):
    rate: float = Field(ge=0, lt=1, description="of what")
    order: Literal["a", "b"]
    inner: Inner
    names: tuple[str, ...] | None = Field(min_length=1)
    left_out: bool


def test_a_class_becomes_rows():
    values = {"rate": 0.5, "order": "a", "inner": {"steps": 3}, "names": None}
    assert keys(Outer, values, {"order": "which comes first", "rate": "not asked for"}) == [
        Key("rate", "float", "≥ 0, < 1", "0.5", "of what"),
        Key("order", "a | b", "", "a", "which comes first"),
        Key("inner.steps", "int", "> 0", "3", "how many"),
        Key("names", "list of text or null", "length ≥ 1", "null", ""),
        Key("left_out", "bool", "", "???", ""),
    ]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int | None, "int or null"),
        (list[Path], "list of path"),
        (dict[str, Any], "any by name"),
        (Inner, "keys of its own"),
        (Annotated[int, Field(gt=0)] | None, "int > 0 or null"),
        (Annotated[tuple[int, ...], Field(min_length=2, max_length=2)], "list of int (length 2)"),
    ],
)
def test_types_in_words(annotation, words):
    assert typed(annotation) == words


def test_limits_beside_a_type():
    assert with_limits("float", "> 0") == "float > 0"
    assert with_limits("float", "> 0", "required") == "float > 0 (required)"
    assert with_limits("list of text or null", "length ≥ 1") == "list of text or null (length ≥ 1)"
    assert with_limits("int", "") == "int"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        (1e-5, "1e-05"),
        ([0.5, None], "[0.5, null]"),
        ({"a": 1, "_target_": "x"}, "{a: 1}"),
    ],
)
def test_values_as_they_are_typed(value, text):
    assert as_typed(value) == text


def test_long_lists_are_cut_short():
    assert as_typed(list(range(20))) == "[0, 1, 2, …, 19]"


def test_comments_stand_beside_their_keys(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("# a\nrate: 1   # of all\nsampler:\n  steps: 2  # few\nlast: 3 # end\n")
    assert comments_of(file) == {"rate": "of all", "sampler.steps": "few", "last": "end"}


@pytest.mark.parametrize("method", ["adu", "maple", "saeuron", "npo", "uce"])
def test_values_are_those_that_hydra_composes(method):
    """Where neither another choice nor a recipe changes them; the seed is that of the run."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        task = {"adu": "clip", "maple": "clip", "npo": "vlm"}.get(method, "text_to_image")
        composed = compose("config", [f"task={task}", f"method={method}", "data=svhn"])
    values = values_of(CONF / "method" / f"{method}.yaml")
    of_all = values_of(CONF / "config.yaml")["method"]
    assert values | of_all == OmegaConf.to_container(composed.method)


def test_numbers_are_read_as_omegaconf_reads_them(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: 1e-3\nb: 1.0e-3\nc: 3\nd: x1e3\n")
    assert values_of(file) == {"a": 1e-3, "b": 1e-3, "c": 3, "d": "x1e3"}
    assert yaml.safe_load("a: 1e-3") == {"a": "1e-3"}


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=lambda part: getattr(part, "name", part))
def test_every_key_of_an_option_is_described(group: str, option: Option):
    settings = kind(option)
    assert settings, f"{group}={option.name} has no class"
    assert not undescribed(settings)


def test_every_key_of_a_run_is_described():
    assert not set(undescribed(Experiment)) - set(GROUPS)


def undescribed(settings: type[Settings]) -> list[str]:
    """The fields without a description of their own, those of settings within settings too."""
    found = []
    for name, field in settings.model_fields.items():
        if inner := nested(field, None):
            found += [f"{name}.{below}" for below in undescribed(inner)]
        elif len((field.description or "").split()) < 2:
            found.append(name)
    return found
