import numpy as np
import pytest

from unlearn_cli.errors import InputError
from unlearn_cli.forget.query import Query
from unlearn_cli.forget.where import Where

COLUMNS = {
    "person": np.array(["x", "y", None, "x", "O'Neil", "z"], dtype=object),
    "year": np.array([2018, 2019, 2020, 2021, 2022, 2023]),
    "score": np.array([0.5, np.nan, 1.5, -1.0, 2.0, 3.0]),
    "smiles": np.array([True, False, True, False, True, False]),
    "asked": np.array([True, None, False, True, None, False], dtype=object),
    "count": np.array([1, 2, None, 4, 5, 6], dtype=object),
    "taken": np.array(["2018-01-31", "2019-05-01", "NaT", "2021-01-01", "2022-02-02", "2023-03-03"], "M8[D]"),
    "5 o'clock": np.array([0, 1, 0, 1, 0, 1]),
    "cafe\u0301": np.array([0, 0, 1, 0, 0, 0]),  # decomposed, as some file systems write names
    "class": np.array(["a", "b", "a", "b", "a", "b"], dtype=object),
}


def met(query):
    return np.flatnonzero(Query.parsed("forget.query", query).rows(COLUMNS)).tolist()


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("person == 'x' and year < 2020", [0]),
        ("person == 'x' or year >= 2022", [0, 3, 4, 5]),
        ("not (person == 'x')", [1, 2, 4, 5]),
        ("person != 'x'", [1, 2, 4, 5]),
        ("person in ('x', 'z')", [0, 3, 5]),
        ("person not in ['x']", [1, 2, 4, 5]),
        ('person == "O\'Neil"', [4]),
        ("2019 <= year < 2022", [1, 2, 3]),
        ("year in (2018, 2023)", [0, 5]),
        ("score > -2", [0, 2, 3, 4, 5]),
        ("score < 1 or score != 3", [0, 1, 2, 3, 4]),
        ("smiles", [0, 2, 4]),
        ("smiles == false and not asked", [1, 5]),
        ("asked == True", [0, 3]),
        ("count <= 2", [0, 1]),
        ("taken < '2020-01-01'", [0, 1]),
        ("`5 o'clock` == 1 and `class` == 'b'", [1, 3, 5]),
        ("caf\u00e9 == 1", [2]),
        ("cafe\u0301 == 1", [2]),
        ("`cafe\u0301` == 1", [2]),
        ("year > count and score < year", [0, 3, 4, 5]),
    ],
)
def test_rows_that_meet_a_condition(query, rows):
    assert met(query) == rows


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("persn == 'x'", r"no column 'persn'; did you mean 'person'\?"),
        ("person == 'w'", r"no value of 'person' that is 'w'; there is O'Neil, x, y, z"),
        ("year in (2018, 1999)", r"no value of 'year' that is '1999'; there is 2018, 2019,"),
        ("year == '2018'", r"'year' holds numbers, '2018' is of texts; its values are like 2018, 2019, 2020"),
        ("person == 3", r"'person' holds texts, 3 is of numbers; its values are like 'O'Neil', 'x', 'y'"),
        ("smiles > 0", r"'smiles' holds truths, 0 is of numbers; its values are like true, false"),
        ("year", r"'year' holds numbers; compare it"),
        ("person = 'x'", r"cannot read 'person = 'x'' \(.*\); compare columns by =="),
        ("person == 'x' &", r"cannot read"),
        ("(person == 'x') & (year < 3)", r"'\(person == 'x'\) & \(year < 3\)' is no part of a query"),
        ("person is 'x'", r"write == and != in place of is"),
        ("person in 'x'", r"'in 'x'' names no list"),
        ("1 < 2", r"neither 1 nor 2 is a column"),
        ("'x'", r"''x'' is no part of a query"),
        ("person == None", r"'None' is no part"),
        ("year + 1 == 2019", r"'year \+ 1' is no part"),
        ("__import__('os').system('touch made')", r"is no part of a query"),
        ("person.__class__ == 'x'", r"'person.__class__' is no part"),
        ("[x for x in person] == 'x'", r"is no part"),
        ("(lambda: year)() == 1", r"is no part"),
        ("year == 9 ** 9", r"is no part"),
        ("(" * 500 + "year" + ")" * 500, r"cannot read|nested too deeply"),
        ("not " * 4000 + "smiles", r"cannot read|nested too deeply"),
        ("year == '\0'", r"cannot read"),
        ("score < 1" + "0" * 400, r"10+ is too large a number"),
        ("score in (1.5, -1" + "0" * 400 + ")", r"-10+ is too large a number"),
    ],
)
def test_what_is_no_condition(query, said):
    with pytest.raises(InputError, match=rf"^forget\.query: .*(?:{said})") as caught:
        met(query)
    assert "\n" not in str(caught.value)


def test_a_column_without_values():
    columns = {"person": np.array([None, None], dtype=object)}
    with pytest.raises(InputError, match=r"no value of 'person' that is 'x'; there is none"):
        Query.parsed("forget.query", "person == 'x'").rows(columns)


def test_the_training_rows_among_them(data, splits):
    chosen = Where(query="domain == 'photo' and Male").select(data, splits)
    assert chosen.rows.tolist() == [row for row in splits.train if row < 20 and row % 3 == 0]
    assert chosen.facts == {"query": "domain == 'photo' and Male"}


def test_what_is_no_condition_is_told_before_data_are_read():
    with pytest.raises(InputError, match=r"^forget\.query: cannot read 'Male =='"):
        Where(query="Male ==")


def test_no_row(data, splits):
    with pytest.raises(InputError, match=r"query=celeb_id > 99 chooses none of 24 training rows"):
        Where(query="celeb_id > 99").select(data, splits)
