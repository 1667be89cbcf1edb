"""What a method says that it needs is what its `unlearn` takes, which mypy holds it to."""

from typing import get_type_hints

import pytest
from omegaconf import OmegaConf

from unlearn_cli.config.catalogue import options
from unlearn_cli.config.settings import kind_of
from unlearn_cli.methods.base import Unlearning

KINDS = {
    option.name: kind_of(OmegaConf.load(option.path)["_target_"], "method") for option in options("method")
}


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if issubclass(kind, Unlearning)])
def test_a_method_needs_what_it_takes(name):
    assert get_type_hints(KINDS[name].unlearn)["task"] is KINDS[name].needs
