"""A class that a YAML names wrongly: where it stands now, or what is like it."""

import pytest

from unlearn_cli.config.settings import kind_of
from unlearn_cli.errors import InputError

PLUGIN = (
    "name a class as module.Class, and put mine.py into a folder that UNLEARN_PLUGINS or --config-dir names"
)


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        (
            "unlearn_cli.methods.be.BoundaryExpanding",
            "did you mean 'unlearn_cli.methods.classification.be.BoundaryExpanding'?",
        ),
        ("unlearn_cli.methods.ft.FineTun", "did you mean 'unlearn_cli.methods.ft.FineTune'?"),
        ("mine.BoundaryExpanding", PLUGIN),  # not on the path, and not ours
    ],
)
def test_a_class_that_is_not_there(target, hint):
    with pytest.raises(InputError, match=r"^method\._target_: cannot import '") as error:
        kind_of(target, "method")
    assert str(error.value).endswith(f"; {hint}")
