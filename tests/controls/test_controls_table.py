"""docs/controls.md is what docs/results/controls/*.json say."""

import pytest

from scripts.controls import table
from scripts.controls.caught import Interval
from scripts.controls.record import Record

RECORD = Record(
    command="unlearn …",
    commit="0123456789",
    date="2026-11-30",
    seeds=[0, 1],
    oracles={"UA": [[10, 11, 11, 11, 12]] * 2, "ULiRA_AUC": [[49, 50, 51]] * 2},
    models={
        "original": {"UA": [0, 0], "ULiRA_AUC": [70, 60]},
        "half": {"UA": [10, 11], "ULiRA_AUC": [55, 54]},
    },
    intervals={
        "original": {"ULiRA_AUC": [Interval(60, 80, 50), Interval(49, 71, 50)]},
        "half": {"ULiRA_AUC": [Interval(44, 66, 50), Interval(43, 65, 50)]},
    },
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    (tmp_path / "class.json").write_text(RECORD.model_dump_json())
    return tmp_path


def test_a_row_for_each_metric_marked_where_it_has_caught_the_control(folder):
    source, _, head, _, *rows = table.controls_table("class", folder)
    assert source == "`unlearn …`; commit 0123456, 2026-11-30 ([numbers](class.json))."
    assert head == "| metric | oracles | original | half |"
    assert rows == ["| UA (%) | 11.0 | 0.0 ● | 10.5 |", "| U-LiRA AUC (%) | 50.0 | 65.0 ◐ | 54.5 |"]


def test_a_page_may_show_its_own_metrics_alone(folder):
    head, _, *rows = table.controls_table("class ULiRA", folder)
    assert head.startswith("| metric")
    assert [row.split(" | ")[0] for row in rows] == ["| U-LiRA AUC (%)"]
