import hashlib
import json

import numpy as np
import pytest

from unlearn_cli.errors import InputError
from unlearn_cli.forget.by_request import ByRequest
from unlearn_cli.forget.indices import Indices

WHO = {"id": "2026-0117", "date": "2026-11-30", "reason": "consent withdrawn"}


@pytest.fixture
def faces(data):
    data.columns["file"] = np.array([f"{row % 2}/{row}.png" for row in range(40)], dtype=object)
    return data


@pytest.fixture
def request_file(tmp_path):
    def write(**content):
        file = tmp_path / "request.json"
        file.write_text(json.dumps(WHO | content))
        return file

    return write


def by(file, copy_reason=False):
    return ByRequest(file=file, copy_reason=copy_reason)


def test_rows_files_and_a_query(faces, splits, request_file):
    first, second = splits.train[:2].tolist()
    chosen = by(request_file(rows=[first], files=[f"{second % 2}/{second}.png"], query="celeb_id == 9"))
    expected = {first, second} | {row for row in (18, 19) if row in splits.train}
    assert chosen.select(faces, splits).rows.tolist() == sorted(expected)


def test_rows_outside_of_training_are_told_and_left(faces, splits, request_file, caplog):
    row, held_out = int(splits.train[0]), int(splits.test[0])
    selector = by(request_file(rows=[row, held_out]))
    assert selector.select(faces, splits).rows.tolist() == [row]
    assert "1 of the 2 rows asked for are no training rows" in caplog.text
    assert selector.answered(faces)["rows_asked_for"] == 2


def test_what_a_certificate_says_of_it(faces, request_file):
    file = request_file(query="domain == 'photo'")
    said = by(file).answered(faces)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert said == {"id": "2026-0117", "date": "2026-11-30", "sha256": sha256, "rows_asked_for": 20}
    assert by(file, copy_reason=True).answered(faces) == said | {"reason": "consent withdrawn"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, r"names no row: none of rows, files, query is given; give a JSON object"),
        ({"rows": [0], "id": ""}, r"id: '' is blank or more than a line"),
        ({"rows": [0], "id": "  "}, r"id: '  ' is blank"),
        ({"rows": [0], "id": "7\n8"}, r"id: '7\\n8' is blank or more than a line"),
        ({"rows": [0], "date": 0}, r'date: 0 is none; write it as in "2026-11-30"'),
        ({"rows": [0], "date": None}, r"date: null is none"),
        ({"rows": [0], "date": "yesterday"}, r"date: input should be a valid date"),
        ({"rows": [0], "person": "x"}, r"person: no such key"),
        ({"rows": ["cat/1.png"]}, r"rows\.0: input should be a valid integer"),
        ({"rows": [40]}, r"indices out of range 0 to 39: 40"),
        ({"rows": [-1]}, r"rows\.0: input should be greater than or equal to 0"),
        ({"files": ["9/9.png", "none.png"]}, r"faces has no image '.*'; the files are like 0/0\.png"),
        ({"query": "persn == 'x'"}, r"query: no column 'persn'"),
        ({"query": "Male ="}, r"query: cannot read 'Male ='"),
        ({"query": "celeb_id > 99"}, r"none of the 0 rows that it names is a training row"),
        ({"rows": [39]}, r"none of the 1 rows that it names is a training row"),
    ],
)
def test_a_request_that_will_not_do(faces, splits, request_file, content, said):
    with pytest.raises(InputError, match=rf"^forget\.file: '.*request\.json': (?:{said})") as caught:
        by(request_file(**content)).select(faces, splits)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "\ufeff", "[" * 5000])
def test_a_file_that_is_no_request(faces, splits, tmp_path, text):
    (tmp_path / "request.json").write_text(text)
    with pytest.raises(InputError, match=r"cannot be read as JSON|holds no keys"):
        by(tmp_path / "request.json").select(faces, splits)


def test_no_file(faces, splits, tmp_path):
    said = r"^forget\.file: '[^']*nowhere\.json': no such file; give a JSON object"
    with pytest.raises(InputError, match=said):
        by(tmp_path / "nowhere.json").select(faces, splits)


@pytest.mark.parametrize("rows", [[7, 2], ["0/2.png", 7], ["2.png", "7.png"]])
def test_rows_in_the_command(faces, splits, rows):
    wanted = [row for row in (2, 7) if row in splits.train]
    if len(wanted) == 2:
        assert Indices(file=None, rows=rows).select(faces, splits).rows.tolist() == wanted
    else:
        with pytest.raises(InputError, match=r"^forget\.rows: indices not in the training split"):
            Indices(file=None, rows=rows).select(faces, splits)


def test_one_row_alone(faces, splits):
    row = int(splits.train[3])
    selector = Indices(file=None, rows=row)
    assert selector.select(faces, splits).rows.tolist() == [row]
    assert selector.facts() == {"rows": [row]}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([40], r"indices out of range 0 to 39: 40; give numbers counted from 0, or file names"),
        ([3, 3], r"indices given more than once: 3;"),
        (["no.png"], r"faces has no image 'no\.png'; the files are like 0/0\.png; give"),
    ],
)
def test_rows_that_are_none(faces, splits, rows, said):
    with pytest.raises(InputError, match=rf"^forget\.rows: {said}"):
        Indices(file=None, rows=rows).select(faces, splits)


def test_rows_or_a_file(tmp_path):
    with pytest.raises(InputError, match=r"forget\.file, forget\.rows: neither given; give one"):
        Indices(file=None, rows=None)
    with pytest.raises(InputError, match=r"forget\.file, forget\.rows: both given; give one"):
        Indices(file=tmp_path, rows=[3])
