import json

import numpy as np
import pytest

from unlearn_cli.data.splits import split
from unlearn_cli.errors import InputError
from unlearn_cli.forget.indices import Indices
from unlearn_cli.forget.random import Random


@pytest.fixture
def file(tmp_path):
    """file(name, rows): the rows in the form that the name's ending calls for."""

    def write(name, rows):
        path = tmp_path / name
        if path.suffix == ".npy":
            np.save(path, np.asarray(rows))
        else:
            path.write_text(json.dumps(rows) if path.suffix == ".json" else "\n".join(map(str, rows)))
        return path

    return write


@pytest.fixture
def refused(data, splits):
    def check(path, match):
        with pytest.raises(InputError, match=match) as caught:
            Indices(file=path).select(data, splits)
        assert "\n" not in str(caught.value)

    return check


@pytest.mark.parametrize("name", ["rows.txt", "rows.csv", "rows.npy", "rows.json"])
def test_rows_of_a_file(data, splits, file, name):
    rows = splits.train[[7, 2, 5]].tolist()
    chosen = Indices(file=file(name, rows)).select(data, splits)
    assert chosen.rows.tolist() == sorted(rows)
    assert chosen.rows.dtype == np.int64


def test_a_saved_manifest_gives_the_same_forget_set(data, splits, tmp_path):
    first = Random(fraction=0.25, count=None, seed=1).select(data, splits)
    first.save(tmp_path)
    manifest = json.loads((tmp_path / "forget.json").read_text())
    assert manifest == {
        "kind": "random",
        "seed": 1,
        "facts": {"fraction": 0.25, "count": None, "seed": 1},
        "found": {},
        "classes": [],
        "data_fingerprint": data.fingerprint,
        "split_fingerprint": splits.fingerprint,
        "fingerprint": first.fingerprint,
        "indices": first.rows.tolist(),
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "forget.json"], "no temporary file is left"
    again = Indices(file=tmp_path / "forget.json").select(data, splits)
    assert again.fingerprint == first.fingerprint


def test_a_manifest_of_other_data(data, splits, tmp_path, refused):
    Random(fraction=0.25, count=None, seed=1).select(data, splits).save(tmp_path)
    data.fingerprint = "another"
    refused(tmp_path / "forget.json", r"forget\.file: '.*': a manifest of data .*, but faces is another")


def test_a_manifest_of_another_split(data, splits, tmp_path, refused):
    other = split(data, 0.25, 1)
    Random(fraction=0.5, count=None, seed=0).select(data, other).save(tmp_path)
    refused(tmp_path / "forget.json", r"indices not in the training split")


def test_rows_outside_the_data(file, refused):
    refused(file("rows.txt", [0, 40, -1]), r"forget\.file: '.*': indices out of range 0 to 39: 40, -1;")


def test_repeated_rows(splits, file, refused):
    row = int(splits.train[0])
    refused(file("rows.json", [row, row]), rf"indices given more than once: {row};")


def test_rows_held_out(splits, file, refused):
    held_out = [int(splits.val[0]), int(splits.test[0])]
    refused(file("rows.csv", held_out), rf"indices not in the training split: {held_out[0]}, {held_out[1]};")


def test_no_rows(file, refused):
    refused(file("rows.txt", []), r"chooses none of 24 training rows")
    refused(file("rows.json", []), r"chooses none of 24 training rows")


def test_all_rows(splits, file, refused):
    refused(file("rows.npy", splits.train), r"chooses all 24 training rows")


def test_no_file(tmp_path, refused):
    refused(tmp_path / "nowhere.txt", r"forget\.file: no such file '.*nowhere\.txt'; give \.txt or \.csv")


def test_unknown_form(file, refused):
    refused(file("rows.xlsx", [1]), r"forget\.file: '.*' is of unknown form; give \.txt")


@pytest.mark.parametrize("name", ["rows.json", "rows.npy", "rows.npz", "rows.pt"])
def test_unreadable_content(tmp_path, refused, name):
    (tmp_path / name).write_text("index\nthree")
    refused(tmp_path / name, r"forget\.file: '.*' cannot be read \(.*\); give")


def test_words_where_there_are_no_file_names(tmp_path, refused):
    (tmp_path / "rows.txt").write_text("index\nthree")
    refused(
        tmp_path / "rows.txt", r"not a list of whole numbers, and faces has no file names \('three'\); give"
    )


def test_an_array_that_would_run_code(tmp_path, refused):
    np.save(tmp_path / "rows.npy", np.array([{}], dtype=object), allow_pickle=True)
    refused(tmp_path / "rows.npy", r"forget\.file: '.*' cannot be read \(.*objects")


@pytest.mark.parametrize("rows", [[0.5, 1.0], [[1, 2], [3, 4]], ["a"], [True]])
def test_content_that_is_no_list_of_numbers(file, refused, rows):
    refused(file("rows.json", rows), r"not a list of whole numbers")
