"""Tables of measured results are the numbers of docs/results/, and those are the runs'."""

import json
import re
from pathlib import Path

import pytest
from made_runs import made

from scripts import result_tables
from scripts.result_files import published_of, write
from scripts.result_tables import result_table
from unlearn_cli.compare.published import Published, published, results_folder
from unlearn_cli.errors import InputError

FACTS = {"title": "Here", "commands": ["unlearn"], "machine": "this", "columns": ["UA", "avg_gap"]}
ENVIRONMENT = {"commit": "0123456789", "changed": False}


def run(folder: Path, method: str, seed: int, ua: float, **changed) -> None:
    made_there = made(folder, method, seed, metrics={"UA": ua}, config=changed.pop("config", None))
    (made_there / "environment.json").write_text(json.dumps(ENVIRONMENT | changed))
    status = {"state": "finished", "reason": None, "time": 1.8e9}
    (made_there / "status.json").write_text(json.dumps(status))


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """drawn(name, by=parts, chosen=…): the lines of the table of the runs in tmp_path/runs/PART."""
    monkeypatch.setattr(result_tables, "results_folder", lambda: tmp_path)

    def lines(name: str = "file", parts: tuple[str, ...] = ("",), chosen=None, **facts) -> list[str]:
        folders = {part: tmp_path / "runs" / part for part in parts}
        write(published_of(folders, chosen or {}, **FACTS | facts), tmp_path / "file.json")
        return result_table(name, tmp_path / "families")

    return lines


def test_mean_and_deviation_over_seeds(tmp_path, drawn):
    for method, seed, ua in (("esd", 0, 80.0), ("esd", 1, 100.0), ("fmn", 0, 7.0)):
        run(tmp_path / "runs", method, seed, ua)
    lines = drawn("file esd")
    said = "Here. `unlearn`; commit 0123456, 2027-01-15, this ([numbers](../file.json))."
    assert lines[0] == said
    assert lines[2:] == [
        "| method | n | UA % | Avg Gap |",
        "| --- | ---: | ---: | ---: |",
        "| oracle | 2 | 5.0 ± 0.0 | 0.00 ± 0.00 |",
        "| original | 2 | 0.0 ± 0.0 | 4.50 ± 0.00 |",
        "| esd | 2 | 90.0 ± 14.1 | 21.25 ± 3.54 |",
    ]
    kept = Published.model_validate_json((tmp_path / "file.json").read_text())
    assert kept.parts[0].rows[2].values["UA"].each == [80.0, 100.0]


def test_chosen_values_and_trials_stand_in_the_row(tmp_path, drawn):
    run(tmp_path / "runs", "esd", 0, 80.0)
    run(tmp_path / "runs", "fmn", 0, 7.0)
    lines = drawn(chosen={"esd": {"lr": 0.1, "parameters": "a|b", "trials": 12}})
    assert lines[0].endswith("Values: the best of 12 trials of each method on validation rows.")
    assert [line.split(" | ")[:3] for line in lines[-2:]] == [
        ["| esd", "lr `0.1`, parameters `a\\|b`", "1"],
        ["| fmn", "", "1"],
    ]


def test_of_one_trial_nothing_was_chosen(tmp_path, drawn):
    run(tmp_path / "runs", "esd", 0, 80.0)
    assert drawn(chosen={"esd": {"lr": 0.1, "trials": 1}})[0].endswith("([numbers](../file.json)).")


def test_parts_are_pooled_and_have_columns_of_their_own(tmp_path, drawn):
    for part, ua in (("photo", 40.0), ("sketch", 80.0)):
        run(tmp_path / "runs" / part, "adu", 0, ua, config={"forget.domains": [part]})
    lines = drawn(parts=("photo", "sketch"), columns=["UA", "UA sketch"])
    assert lines[2] == "| method | n | UA % | UA sketch % |"
    assert lines[-1] == "| adu | 2 | 60.0 ± 28.3 | 80 |"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"commit": "other"}, "runs of 2 commits"),
        ({"changed": True}, "of a changed tree"),
        ({"config": {"method.lr": 0.2}}, "fmn was run with several values"),
        ({"config": {"data.subset": 0.2}}, "runs of 2 settings"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(tmp_path, drawn, spoil, message):
    run(tmp_path / "runs", "fmn", 0, 7.0)
    run(tmp_path / "runs", "fmn", 1, 7.0, **spoil)
    with pytest.raises(InputError, match=message):
        drawn()


def test_what_has_changed_since_is_told(tmp_path, drawn):
    run(tmp_path / "runs", "esd", 0, 80.0)
    assert drawn(made_before="the change")[-1] == "Made before the change; to be made again."


@pytest.mark.parametrize("file", sorted(results_folder().glob("*.json")), ids=lambda file: file.stem)
def test_kept_means_and_deviations_are_those_of_the_kept_seeds(file):
    found = Published.model_validate_json(file.read_text())
    spreads = [
        (value.mean, value.sd, value.each)
        for part in found.parts
        for row in part.rows
        for value in row.values.values()
        if value.each
    ]
    for mean, sd, each in spreads:
        assert mean == pytest.approx(sum(each) / len(each), abs=1e-4)
        if len(each) > 1:
            variance = sum((one - mean) ** 2 for one in each) / (len(each) - 1)
            assert sd == pytest.approx(variance**0.5, abs=1e-3)
        else:
            assert sd is None


def test_every_file_is_drawn_somewhere():
    pages = "".join(page.read_text() for page in results_folder().parent.rglob("*.md"))
    drawn_files = set(re.findall(r"<!-- results: (\w+)", pages))
    assert {file.stem for file in results_folder().glob("*.json")} == drawn_files


README = {
    "classification": "classification_class",
    "generation": "generation_digits",
    "text_to_image": "text_to_image_shapes",
    "clip": "clip_shapes",
    "vlm": "vlm_shapes",
}
"""By family's page, the file that the README's table quotes."""


@pytest.mark.parametrize("page", README)
def test_the_readmes_numbers_are_those_of_the_files(page):
    text = (results_folder().parents[1] / "README.md").read_text()
    (line,) = [
        one for one in text.splitlines() if one.startswith("| `unlearn") and f"families/{page}.md" in one
    ]
    quoted = re.findall(r"\d+(?:\.\d+)?", line.split("|")[-2])
    found = published(README[page])
    values = [v for part in found.parts for row in part.rows for v in row.values.values()]
    kept = {number for value in values for number in (value.mean, value.sd) if number is not None}
    for number in quoted:
        decimals = len(number.partition(".")[2])
        assert any(f"{one:.{decimals}f}" == number for one in kept), f"{number} is not in {README[page]}.json"
