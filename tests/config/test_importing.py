"""A `_target_` imports the package, the command's plug-ins, and what the user has Python look at; no more."""

import sys

import pytest

from unlearn_cli.config import catalogue
from unlearn_cli.config.importing import imported, is_plugin
from unlearn_cli.errors import InputError


@pytest.mark.parametrize("target", ["antigravity.Anything", "idlelib.idle.Main", "pip.__main__.X", "this.X"])
def test_what_is_installed_is_no_plug_in(target):
    sys.modules.pop(target.rpartition(".")[0], None)
    with pytest.raises(InputError, match=r"^method\._target_: '.*' is of no plug-in of this command"):
        imported(target, "method._target_")
    assert target.rpartition(".")[0] not in sys.modules


def test_modules_of_plug_ins_are_known_before_they_are_imported(tmp_path, monkeypatch):
    (tmp_path / "a_plug_in_of_mine.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_plugin("a_plug_in_of_mine.Method")
    catalogue.PLUGINS.append(tmp_path.resolve())
    try:
        assert is_plugin("a_plug_in_of_mine.Method")
    finally:
        catalogue.PLUGINS.pop()


@pytest.mark.parametrize("target", ["", ".", "..", "a b.C", "1.2", "unlearn_cli", "x" * 5000, "a." * 500])
def test_names_that_are_none(target):
    with pytest.raises(InputError):
        imported(target, "method._target_")
