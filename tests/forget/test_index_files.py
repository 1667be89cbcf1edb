"""Files of rows as people have them: what is usual is taken, anything else is refused with what would be."""

import json

import numpy as np
import pytest
import torch

from unlearn_cli.errors import InputError
from unlearn_cli.forget.indices import Indices


@pytest.fixture
def rows(splits):
    return [int(row) for row in splits.train[[7, 2, 5]]]


@pytest.fixture
def chosen(data, splits, tmp_path):
    """chosen(name, content): the rows that a file of this content names."""

    def choose(name, content):
        file = tmp_path / name
        if isinstance(content, bytes):
            file.write_bytes(content)
        elif isinstance(content, str):
            file.write_text(content, encoding="utf-8")
        elif file.suffix == ".npz":
            np.savez(file, **content)
        elif isinstance(content, np.ndarray):
            with file.open("wb") as opened:
                np.save(opened, content)
        else:
            torch.save(content, file)
        return Indices(file=file).select(data, splits).rows.tolist()

    return choose


TEXTS = {
    "a byte-order mark": ("rows.txt", "\ufeff{}\n{}\n{}\n"),
    "Windows' line ends": ("rows.txt", "{}\r\n{}\r\n{}\r\n"),
    "a header": ("rows.csv", "index\n{}\n{}\n{}\n"),
    "a quoted header and a mark": ("rows.csv", '\ufeff"Index"\n{}\n{}\n{}\n'),
    "a header of any name": ("rows.csv", "sample\n{}\n{}\n{}\n"),
    "a column among others": ("rows.csv", "name,index,label\na,{},3\nb,{},3\nc,{},1\n"),
    "semicolons": ("rows.csv", "label;idx\n3;{}\n3;{}\n1;{}\n"),
    "tabs": ("rows.tsv", "row\tscore\n{}\t0.5\n{}\t0.1\n{}\t0.2\n"),
    "pandas' own row numbers": ("rows.csv", ",label\n{},3\n{},3\n{},1\n"),
    "one line with commas": ("rows.txt", "{}, {}, {}"),
    "a comma after each": ("rows.txt", "{},\n{},\n{},\n"),
    "lines of differing lengths": ("rows.csv", "{},{}\n{}\n"),
    "a comment": ("rows.txt", "# chosen by hand\n{}\n{}\n{}\n"),
    "spaces": ("rows.txt", "{} {} {}\n"),
    "numbers with a point": ("rows.csv", "index\n{}.0\n{}.0\n{}.0\n"),
    "no suffix": ("rows", "{}\n{}\n{}\n"),
    "JSON without a suffix": ("rows", "[{}, {}, {}]"),
    "JSON with a mark": ("rows.json", "\ufeff[{}, {}, {}]"),
    "a mapping": ("rows.json", '{{"forget": [{}, {}, {}], "retain": [1]}}'),
    "a mapping of one": ("rows.json", '{{"mine": [{}, {}, {}]}}'),
    "records": ("rows.json", '[{{"index": {}}}, {{"index": {}}}, {{"index": {}}}]'),
    "JSON lines": ("rows.jsonl", "{}\n{}\n{}\n"),
    "capitals": ("ROWS.TXT", "{}\n{}\n{}\n"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(chosen, rows, name):
    file, content = TEXTS[name]
    assert chosen(file, content.format(*rows)) == sorted(rows)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encodings_with_a_mark(chosen, rows, encoding):
    assert chosen("rows.csv", "index\n{}\n{}\n{}\n".format(*rows).encode(encoding)) == sorted(rows)


def test_arrays(chosen, rows):
    mask = np.isin(np.arange(40), rows)
    for name, content in {
        "mask.npy": mask,
        "ones.npy": mask.astype(np.int64),
        "column.npy": np.array(rows)[:, None],
        "floats.npy": np.array(rows, dtype=np.float64),
        "one.npz": {"chosen": np.array(rows)},
        "named.npz": {"retain_idx": np.arange(3), "forget_idx": np.array(rows)},
        "nothing_said": np.array(rows),
        "rows.pt": torch.tensor(rows),
        "mask.pt": torch.from_numpy(mask),
        "rows.pth": {"forget": rows, "retain": [1]},
        "lines.txt": "\n".join(str(int(one)) for one in mask),
        "mask.json": json.dumps(mask.tolist()),
    }.items():
        assert chosen(name, content) == sorted(rows), name


FILES = ["train/a/1.png", "train/a/2.png", "train/b/1.png", "train/b/3.png"]


@pytest.fixture
def named(data):
    """The data, whose first rows are the files above."""
    data.columns["file"] = np.array([*FILES, *(f"test/{row}.png" for row in range(4, 40))], dtype=object)


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    "name", ["2.png", "a/2.png", "train/a/2.png", "/data/mine/train/a/2.png", r"a\2.png"]
)
@pytest.mark.parametrize("form", ["{}\n", "file_name\n{}\n", "label,path\n3,{}\n"])
def test_file_names(chosen, splits, name, form):
    rows = [1] if 1 in splits.train else []
    if rows:
        assert chosen("rows.csv", form.format(name)) == rows
    else:
        with pytest.raises(InputError, match="not in the training split: 1"):
            chosen("rows.csv", form.format(name))


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("1.png", r"2 images are called '1\.png'; the files are like train/a/1\.png"),
        ("9.png.bak", r"faces has no image '9\.png\.bak'; the files are like"),
    ],
)
def test_file_names_that_say_too_little(chosen, name, told):
    with pytest.raises(InputError, match=rf"forget\.file: '.*': {told}"):
        chosen("rows.txt", name)


REFUSED = {
    "an empty array": ("rows.npy", b"", "cannot be read"),
    "a header that claims too much": (
        "rows.npy",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,), }"
        + b" " * 51
        + b"\n",
        "cannot be read",
    ),
    "a header of less than nothing": (
        "rows.npy",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (-18,), }"
        + b" " * 59
        + b"\n",
        "cannot be read",
    ),
    "ragged": ("rows.json", "[[1, 2], [3]]", "not a list of whole numbers"),
    "deep": ("rows.json", "[" * 100_000, "cannot be read"),
    "deep without a suffix": ("rows", "[" * 100_000, "cannot be read"),
    "a number": ("rows.json", "3", "not a list of whole numbers"),
    "nothing known": ("rows.json", '{"a": [1], "b": [2]}', r"keys a, b; name the one that counts 'indices'"),
    "a short mask": ("rows.npy", np.array([True, False]), r"nor a mask of all 40 rows \(2\)"),
    "two columns": ("rows.csv", "1,2\n3,4\n", r"2 columns without a header"),
    "unknown columns": ("rows.csv", "sample,label\n1,2\n3,4\n", r"columns sample, label; name the one"),
    "fractions": ("rows.csv", "1.5\n2.5\n", "not a list of whole numbers"),
    "too large": ("rows.txt", "1" * 40, "not a list of whole numbers"),
    "binary": ("rows.txt", b"\xff\xfd\x00", "cannot be read"),
    "a pickle": ("rows.pkl", b"\x80\x04.", "is of unknown form"),
    "objects": ("rows.pt", b"\x80\x02cos\nsystem\n.", "cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_with_what_would_be(chosen, name):
    file, content, told = REFUSED[name]
    with pytest.raises(InputError, match=rf"forget\.file: '.*'.*{told}.*give \.txt") as caught:
        chosen(file, content)
    assert "\n" not in str(caught.value)
