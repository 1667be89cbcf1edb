"""Runs held against a file of results: what lies outside is found, what differs in its settings is told."""

import json
import math
from math import sqrt

import numpy as np
import pytest
from made_runs import made
from scipy import stats

import unlearn_cli as unlearn
from scripts.result_files import published_of, write
from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.published import Published, published, results_folder
from unlearn_cli.compare.records import find
from unlearn_cli.compare.reported import Reported
from unlearn_cli.compare.statistics import estimate
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.errors import InputError

FACTS = {"title": "Here", "commands": ["unlearn"], "machine": "this", "columns": ["UA"]}
UA = (4.0, 6.0, 5.0)


def record(folder, ua=UA, **changed):
    for seed, value in enumerate(ua):
        run = made(folder, "salun", seed, metrics={"UA": value}, **changed)
        (run / "environment.json").write_text(json.dumps({"commit": "0123456789", "changed": False}))
        (run / "status.json").write_text(json.dumps({"state": "finished", "reason": None, "time": 1.8e9}))


@pytest.fixture
def held(tmp_path):
    """held(ua, …): the table of own runs with these values of UA beside a published one."""
    record(tmp_path / "theirs", config={"tuning.trials": 12, "tuning.seeds": [0]})
    theirs = published_of({"": tmp_path / "theirs"}, {}, **FACTS)

    def table(ua=UA, theirs=theirs, **changed):
        changed["config"] = {"tuning.trials": 12, "tuning.seeds": [0]} | changed.get("config", {})
        record(tmp_path / "ours", ua, **changed)
        (found,) = compare(find([tmp_path / "ours"]).runs, Options(published=theirs)).tables
        return found

    table.theirs = theirs
    return table


def salun(table):
    return next(row for row in table.rows if row.name == "salun")


def test_the_same_runs_lie_within(held):
    table = held()
    cell = salun(table).cells["UA"]
    assert (cell.reported, cell.difference, cell.within) == (Reported("published", 5.0, 1.0, 3), 0.0, True)
    assert table.said[0] == "published: Here; commit 0123456, 2027-01-15, this."
    assert table.said[1] == "15 of 15 numbers lie where they may be expected."


def test_what_the_file_rounds_off_is_no_difference(held):
    cell = salun(held([5.00003])).cells["UA"]
    assert (cell.difference, cell.within) == (0.0, True)


def test_costs_are_the_machines_and_are_not_held(held):
    assert salun(held()).cells["seconds"].reported is None


def test_what_lies_outside_is_named(held):
    table = held([20.0])
    assert salun(table).cells["UA"].within is False
    assert "outside: salun UA, salun Avg Gap (one in twenty does by chance)." in table.said[1]


def test_the_prediction_interval_covers_as_many_new_means_as_it_says():
    random = np.random.default_rng(0)
    for theirs, ours in ((3, 1), (3, 3), (10, 2)):
        draws = random.normal(size=(4000, theirs + ours))
        inside = [
            Reported("published", known.mean(), known.std(ddof=1), theirs).within(estimate([*own], "t"))
            for known, own in ((row[:theirs], row[theirs:]) for row in draws)
        ]
        assert np.mean(inside) == pytest.approx(0.95, abs=4 * sqrt(0.05 * 0.95 / 4000))


def test_its_ends_are_those_of_students_t():
    half = float(stats.t.ppf(0.975, 2)) * sqrt(1 / 3 + 1 / 1)
    for off, inside in ((0.99, True), (1.01, False)):
        assert Reported("published", 5.0, 1.0, 3).within(estimate([5 + off * half], "t")) is inside
    assert Reported("published", 5.0, 1.0, 3).within(estimate([float("nan")], "t")) is False


@pytest.mark.parametrize("ua", [(5.0, 5.0, 5.0), (4.0, 6.0)])
def test_equal_seeds_and_fewer_than_three_tell_nothing_but_equality(tmp_path, ua):
    reported = Reported("published", 5.0, estimate(ua, "t").std, len(ua))
    assert reported.within(estimate([5.0], "t")) is True
    assert reported.within(estimate([5.1], "t")) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"config": {"method.lr": 0.2}},
            "salun: not held against the published, method.lr is 0.2 here and 0.1 there.",
        ),
        (
            {"config": {"tuning.trials": 20}},
            "salun: not held against the published, tuning.trials is 20 here and 12 there.",
        ),
        ({"config": {"model.depth": 8}}, "Not held against “Here”: model.depth is 8 here and 20 there."),
        ({"choices": {"data": "cifar10"}}, "Not held against “Here”: data is cifar10 here and digits there."),
    ],
)
def test_other_settings_are_told_in_place_of_numbers(held, changed, said):
    table = held(**changed)
    assert said in table.said
    assert salun(table).cells["UA"].reported is None


def test_a_method_that_is_not_there_is_told(held):
    theirs = held.theirs.model_copy(deep=True)
    theirs.parts[0].rows = [row for row in theirs.parts[0].rows if row.method != "salun"]
    assert "salun: not among the published." in held(theirs=theirs).said


def test_keys_that_one_side_lacks_differ_in_nothing(held):
    theirs = held.theirs.model_copy(deep=True)
    theirs.parts[0].setting["of_another_version"] = 1
    assert salun(held(theirs=theirs)).cells["UA"].within is True


def test_runs_judged_on_validation_rows_are_not_held(held):
    said = "Not held against “Here”: judged_on is validation here and test there."
    assert said in held(config={"judged_on": "validation"}).said


def test_what_moves_no_result_differs_in_nothing(held):
    assert salun(held(config={"device": "cpu"})).cells["UA"].within is True


def test_a_file_without_settings_says_so(held):
    theirs = held.theirs.model_copy(deep=True)
    theirs.parts[0].setting = None
    assert held(theirs=theirs).said == ["Here: it does not tell its settings, so nothing is held against it."]


def test_what_is_written_is_read(tmp_path, held):
    write(held.theirs, tmp_path / "file.json")
    assert published(str(tmp_path / "file.json")) == held.theirs


def test_python_has_it_too(tmp_path, held):
    write(held.theirs, tmp_path / "file.json")
    found = unlearn.compare(tmp_path / "theirs", published=str(tmp_path / "file.json"))
    (row,) = [row for row in found.rows if row["name"] == "salun"]
    assert (row["UA/published"], row["UA/published_std"], row["UA/outside"]) == (5.0, 1.0, False)


def test_a_file_that_shares_no_key_is_not_taken_for_the_same_setting(held):
    theirs = held.theirs.model_copy(deep=True)
    for part in theirs.parts:
        part.setting = {"of": "another program"}
    assert "it does not tell its settings" in held(theirs=theirs).said[-1]


@pytest.mark.parametrize(
    "wrong", [{"mean": math.nan}, {"mean": 5, "sd": -1}, {"mean": 5, "each": [math.inf]}]
)
def test_what_is_no_number_is_no_result(held, wrong, tmp_path):
    told = held.theirs.model_dump()
    told["parts"][0]["rows"][0]["values"]["UA"] = wrong
    (tmp_path / "bad.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"no file of results: 'parts\.0\.rows\.0\.values\.UA"):
        published(str(tmp_path / "bad.json"))


@pytest.mark.parametrize("file", sorted(results_folder().glob("*.json")), ids=lambda file: file.stem)
def test_the_documents_files_are_found_by_name(file):
    assert isinstance(published(file.stem), Published)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone", None, "--published gone: no such file; there are: "),
        ("text_to_image_shape", None, "did you mean 'text_to_image_shapes'"),
        ("bad.json", "{", "--published bad.json: no file of results: Expecting"),
        ("bad.json", "[]", "--published bad.json: no file of results: '': input should be"),
        (
            "bad.json",
            '{"title": "x"}',
            "--published bad.json: no file of results: 'commands': field required",
        ),
        (".", None, "--published .: no file of results: Is a directory"),
    ],
)
def test_wrong_files_are_told_in_a_line(tmp_path, monkeypatch, name, content, message):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as error:
        published(name)
    assert message in str(error.value)
