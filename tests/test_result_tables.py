"""Tables of measured results are the numbers of docs/results/, and those are the runs'."""

import json
from pathlib import Path

import pytest

from scripts import result_tables
from scripts.result_files import records
from scripts.result_tables import result_table
from unlearn_cli.compare.records import Run


def run(method: str, seed: int, ua: float, lr: float = 0.1) -> Run:
    config = {"method": {"lr": lr, "sampler": {"steps": 5}}}
    result = {"method": method, "seed": seed, "metrics": {"UA": ua, "other": 1.0}, "avg_gap": None}
    return Run(Path(f"{method}-{seed}-{lr}"), config, result | {"cost": {}, "original": {"UA": 0.0}})


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(result_tables, "RESULTS", tmp_path)

    def lines(runs: list[Run], name: str) -> list[str]:
        about = {"title": "Here", "command": "unlearn", "commit": "0123456789", "date": "today"}
        found = about | {"machine": "this", "metrics": ["UA"], "runs": records(runs, ["UA"])}
        (tmp_path / "file.json").write_text(json.dumps(found))
        return result_table(name)

    return lines


def test_mean_and_deviation_over_seeds(drawn):
    lines = drawn([run("esd", 0, 80.0), run("esd", 1, 100.0), run("fmn", 0, 7.0)], "file esd")
    assert lines[0] == "Here. `unlearn`, commit 0123456, today, this ([numbers](../results/file.json))."
    assert lines[2:] == [
        "| method | seeds | UA |",
        "|---|---:|---:|",
        "| original | 2 | 0.0 ± 0.0 |",
        "| esd | 2 | 90.0 ± 14.1 |",
    ]


def test_settings_are_those_in_which_runs_of_a_method_differ(drawn):
    lines = drawn([run("esd", 0, 80.0, lr=0.1), run("esd", 0, 90.0, lr=0.2), run("fmn", 0, 7.0)], "file")
    assert lines[2] == "| method | settings | seeds | UA |"
    assert lines[5:] == [
        "| esd | lr `0.1` | 1 | 80.0 |",
        "| esd | lr `0.2` | 1 | 90.0 |",
        "| fmn |  | 1 | 7.0 |",
    ]
