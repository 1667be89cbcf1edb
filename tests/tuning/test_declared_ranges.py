"""Ranges beside the values reach over nothing that the value itself may not be."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from omegaconf import OmegaConf
from pydantic import TypeAdapter

from unlearn_cli.config.catalogue import Option, conf_folder, options
from unlearn_cli.config.ranges import Range
from unlearn_cli.config.settings import kind_of

SEARCHED = [option for option in options("method") if "search" in OmegaConf.load(option.path)]


@pytest.mark.parametrize("option", SEARCHED, ids=lambda option: option.name)
def test_ends_are_admitted(option: Option):
    told = plain(option.path)
    fields = kind_of(told["_target_"], "method").model_fields
    for recipe in [{}, *(plain(file).get("method", {}) for file in recipes(option.name))]:
        for name, space in (told["search"] | recipe.get("search", {})).items():
            value = recipe.get(name, told.get(name))
            if isinstance(space, list) or name not in fields or not (own := Range(**space)).fits(value):
                continue
            admitted = TypeAdapter(Annotated[fields[name].annotation, fields[name]])
            for end in own.ends(value)[:2]:
                admitted.validate_python(own.rounded(end, value))


def recipes(method: str) -> list[Path]:
    return sorted((conf_folder() / "recipe").glob(f"*/*/{method}.yaml"))


def plain(file: Path) -> dict[str, Any]:
    return OmegaConf.to_container(OmegaConf.load(file))
