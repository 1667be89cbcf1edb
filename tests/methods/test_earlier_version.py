"""A run folder of an earlier version, whose method's class had another place or other fields."""

import json

import pytest

from unlearn_cli.errors import InputError
from unlearn_cli.methods.checkpoint import method_of

FT = "  _target_: unlearn_cli.methods.ft.FineTune\n"


@pytest.fixture
def folder(tmp_path):
    """folder(method): a run folder with that part of a config.yaml."""

    def of(method: str, **environment):
        (tmp_path / "config.yaml").write_text(f"seed: 0\nmethod:\n{method}")
        (tmp_path / "environment.json").write_text(json.dumps(environment))
        return tmp_path

    return of


def test_a_class_that_has_moved(folder):
    old = folder(
        "  _target_: unlearn_cli.methods.be.BoundaryExpanding\n  lr: 0.1\n",
        commit="5c2ae0195d0d",
        packages={"unlearn-cli": "0.1.0"},
    )
    with pytest.raises(InputError) as error:
        method_of(old)
    assert str(error.value).startswith(
        f"method.path: {old} is of an earlier version of unlearn (0.1.0, commit 5c2ae01): "
        "method._target_: cannot import 'unlearn_cli.methods.be.BoundaryExpanding'"
    )
    assert "'unlearn_cli.methods.classification.be.BoundaryExpanding'" in str(error.value)
    assert "give that run's command again" in str(error.value)
    assert "\n" not in str(error.value)


def test_fields_that_are_others_now(folder):
    with pytest.raises(InputError, match=r"earlier version .*\(unknown\): method\.epochs: missing"):
        method_of(folder(f"{FT}  ratio: 2\n"))


def test_a_class_of_the_users_own_that_is_not_on_the_path(folder):
    with pytest.raises(
        InputError, match=r"^method\.path: .*config\.yaml names the class .* nor of a plug-in"
    ):
        method_of(folder("  _target_: mine.Method\n"))
