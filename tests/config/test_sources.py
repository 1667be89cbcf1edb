"""The source of plug-ins: what of it a result is known by."""

import sys

import pytest

from unlearn_cli.config.sources import import_changed_again, source_of, sources

NODE = {"method": {"_target_": "own_method.Mine"}, "model": {"_target_": "unlearn_cli.models.base.X"}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "plugins"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two sources of one second have one bytecode
    (place / "own_method.py").write_text("import json, own_helper\nSIGN = 1\n")
    (place / "own_helper.py").write_text("from own_package.part import X\n")
    (place / "other.py").write_text("Y = 1\n")
    (place / "own_package").mkdir()
    (place / "own_package" / "__init__.py").write_text("")
    (place / "own_package" / "part.py").write_text("X = 1\n")
    return place


def test_our_own_classes_and_what_is_not_there_have_none(folder):
    assert [*sources(NODE)] == ["own_method"]
    assert sources([{"_target_": "not_there.X"}, {"_target_": "unlearn_cli.methods.ft.FineTune"}]) == {}


@pytest.mark.parametrize("file", ["own_method.py", "own_helper.py", "own_package/part.py"])
def test_an_edit_of_the_file_or_of_what_it_imports_is_seen(folder, file):
    before = source_of("own_method")
    (folder / "other.py").write_text("Y = 2\n")
    assert source_of("own_method") == before
    (folder / file).write_text((folder / file).read_text() + "# edited\n")
    assert source_of("own_method") != before


def test_where_it_lies_does_not_matter(folder, monkeypatch):
    before = source_of("own_method")
    monkeypatch.syspath_prepend(str(folder.rename(folder.with_name("moved"))))
    assert source_of("own_method") == before


def test_a_file_that_is_no_python_has_a_source_all_the_same(folder):
    (folder / "own_method.py").write_text("def (:")
    assert source_of("own_method")


def test_what_was_edited_is_imported_again(folder):
    import_changed_again("own_method.Mine")
    import own_method

    assert own_method.SIGN == 1
    import_changed_again("own_method.Mine")
    assert "own_method" in sys.modules, "nothing was edited"
    (folder / "own_package" / "part.py").write_text("X = 2\n")
    import_changed_again("own_method.Mine")
    assert not {"own_method", "own_helper", "own_package", "own_package.part"} & {*sys.modules}
