"""A field that takes text takes what was typed, though it looks like a number, true, false or null."""

import pytest

import unlearn_cli as unlearn
from unlearn_cli.config.composing import composed
from unlearn_cli.config.texts import with_texts
from unlearn_cli.data.prompt_files import Prompt
from unlearn_cli.experiment import read


def group(name, *overrides):
    config, choices = composed(overrides)
    return getattr(read(with_texts(config, overrides), choices), name)


LIKE_NUMBERS = ["1984", "007", "3.10", "1e5", "1_000", "true", "False", "null", "nan", "-1"]


@pytest.mark.parametrize("text", LIKE_NUMBERS)
def test_one(text):
    overrides = ("forget=concept", f"forget.concept={text}")
    assert group("forget", *overrides).concept == [text]


@pytest.mark.parametrize("text", LIKE_NUMBERS)
def test_in_a_list(text):
    overrides = ("forget=concept", f"forget.concept=[{text},red,2]", "forget.anchor=[blue]")
    assert group("forget", *overrides).concept == [text, "red", "2"]


def test_what_refers_to_it_follows():
    overrides = (
        "task=text_to_image",
        "model=pipeline",
        "model.path=x",
        "forget.concept=1984",
        "data.retain=[2001]",
    )
    data = group("data", *overrides)
    assert (data.concept, data.retain) == (["1984"], [Prompt("2001")])


@pytest.mark.parametrize(
    ("overrides", "field", "text"),
    [
        (["data=images", "data.path=2024"], "path", "2024"),
        (["data=images", "data.path=x", "data.label_column=1"], "label_column", "1"),
    ],
)
def test_any_field_of_text(overrides, field, text):
    assert str(getattr(group("data", *overrides), field)) == text


def test_null_stays_null_where_it_means_something():
    assert group("tracking", "tracking=wandb", "tracking.name=null").name is None
    assert group("tracking", "tracking=wandb", "tracking.name=7").name == "7"
    assert group("tracking", "tracking=wandb", "tracking.tags=[7,paper]").tags == ["7", "paper"]


def test_numbers_stay_numbers():
    assert group("method", "method=ft", "method.lr=1e-3").lr == 1e-3
    assert group("forget", "forget=class", "forget.classes=[3]").classes in ([3], ["3"])


def test_the_line_names_what_was_typed():
    with pytest.raises(unlearn.UnlearnError, match=r"^forget\.concept"):
        group("data", "task=text_to_image", "model=pipeline", "model.path=x", "forget.concept=[[1],x]")
