"""Types read from source are those that pydantic sees."""

import ast
from typing import Any, Literal, get_args, get_origin

import pytest
from omegaconf import OmegaConf

from unlearn_cli.config.annotations import Annotation, Name, fields
from unlearn_cli.config.catalogue import groups, options
from unlearn_cli.config.settings import kind_of
from unlearn_cli.experiment import Experiment

GROUPS = [group for group in groups() if group not in ("experiment", "train", "metric")]


@pytest.mark.parametrize("group", [*GROUPS, "lower", "attack"])
def test_of_every_option(group):
    for option in options(group):
        node: Any = OmegaConf.load(option.path)
        same(kind_of(node.get(group, node)["_target_"], group))


def test_of_the_run_itself():
    same(Experiment)


def same(kind: Any) -> None:
    read = fields(Name(kind.__module__, kind.__name__))
    for name, field in kind.model_fields.items():
        assert values(read[name]) == true_values(field.annotation), f"{kind.__name__}.{name}"


def values(annotation: Annotation) -> set[object]:
    """The constants and class names at the top of a type."""
    found: set[object] = set()
    for part in annotation.parts():
        constants = [one.constant for one in part.arguments()] if part.name == "Literal" else [part.constant]
        found |= {*constants} if constants != [...] else {part.name}
    return found


def true_values(annotation: Any) -> set[object]:
    if get_origin(annotation) is Literal:
        return {*get_args(annotation)}
    if annotation is type(None):
        return {None}
    if get_origin(annotation) in (None, list, tuple, dict):
        return {getattr(get_origin(annotation) or annotation, "__name__", str(annotation))}
    if hasattr(annotation, "__metadata__"):
        return true_values(annotation.__origin__)
    return {value for one in get_args(annotation) for value in true_values(one)}


def test_bases_that_are_generic_and_names_in_quotes(tmp_path, monkeypatch):
    (tmp_path / "own_settings.py").write_text(
        "from typing import Generic, Literal\n"
        "from unlearn_cli.config.settings import Settings\n"
        "Kind = Literal['a', 'b']\n"
        "class Above(Settings, Generic[T]):\n    kind: 'Kind | None'\n"
        "class Below(Above[int]):\n    steps: int\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    read = fields(Name("own_settings", "Below"))
    assert [*read] == ["kind", "steps"]
    assert values(read["kind"]) == {"a", "b", None}


def test_what_is_not_there():
    assert fields(Name("no.such.module", "Thing")) == {}
    assert [part.name for part in Annotation("no.such.module", ast.Name("Thing")).parts()] == ["Thing"]
