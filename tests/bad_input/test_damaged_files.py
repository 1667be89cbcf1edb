"""Whatever has become of the files of a run: the same command comes to the same numbers."""

import shutil

import pytest
from harm import HARMS, harm
from only_run import GA, measured, the_run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A place for the folder of a finished run, and its metrics, once a test has made it."""
    return tmp_path_factory.mktemp("whole"), {}


@pytest.mark.parametrize("kind", HARMS)
def test_every_file_of_a_finished_run(tiny, whole, kind):
    place, expected = whole
    if not expected:
        assert tiny(*GA).code == 0
        expected |= measured()
        shutil.copytree("outputs", place / "outputs")
    else:
        shutil.copytree(place / "outputs", "outputs")
    for file in [file for file in the_run().rglob("*") if file.is_file()]:
        harm(file, kind)
    end = tiny(*GA)
    assert end.code == 0, end.err
    assert measured() == expected
    assert "Traceback" not in end.err
    assert "status.json is damaged" in end.err
    end = tiny(*GA)
    assert "already finished" in end.err
    assert measured() == expected
