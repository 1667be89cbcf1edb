"""A comparison in W&B: one run for its name, however often it is published."""

import json
from pathlib import Path

import pytest
import wandb
from fake_wandb import FakeWandb
from tracked_run import folders, read, rows, run_of

from unlearn_cli.tracking.comparison import best, publish


def row(setting: str, method: str, rank: int | None, gap: float | None) -> dict[str, object]:
    return {
        "setting": setting,
        "method": method,
        "rank": rank,
        "n": 3,
        "avg_gap/mean": gap,
        "best": rank == 1,
    }


ROWS = [
    row("digits/random 0.1", "retrain", None, None),
    row("digits/random 0.1", "ga", 2, 3.5),
    row("digits/random 0.1", "salun", 1, 1.5),
    row("digits/random 0.5", "ga", 1, 0.5),
]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "table.html").write_text("<html><head></head><body>Vergleich: Δ 1.5</body></html>", "utf-8")
    return tmp_path / "table.html"


def test_best_is_what_is_bold_in_each_setting() -> None:
    assert best(ROWS) == {"digits/random 0.1": ROWS[2], "digits/random 0.5": ROWS[3]}
    cannot_tell = [one | {"best": False} for one in ROWS[:3]]
    assert best([*cannot_tell, ROWS[3]]) == {"digits/random 0.5": ROWS[3]}


def test_published_twice_is_one_run(
    page: Path, server: FakeWandb, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(page.parent)  # without a page, W&B's files lie where the command was called
    where = publish(ROWS[:3], page, "forgetting", None, "Table 1")
    wandb.teardown()
    assert publish(ROWS, page, "forgetting", None, "Table 1") == where
    publish(ROWS, None, "forgetting", None, "Table 2")
    assert [run.sent("displayName") for run in server.runs.values()] == ["Table 1", "Table 2"]
    run = next(iter(server.runs.values()))
    assert where == f"{server.url}/tester/forgetting/runs/{run.name}"
    assert run.sent("jobType") == "comparison"
    assert run.exit_codes == [0, 0]
    assert run.config["settings"] == ["digits/random 0.1", "digits/random 0.5"]
    assert run.summary["best/digits/random 0_1/method"] == "salun"
    assert run.summary["best/digits/random 0_1/avg_gap/mean"] == 1.5
    assert run.summary["best/digits/random 0_5/avg_gap/mean"] == 0.5
    assert [row["comparison"]["nrows"] for row in run.rows if "comparison" in row] == [3, 4]
    assert run.summary["comparison"]["nrows"] == 4
    tables = [json.loads(run.files[name]) for name in run.files if name.endswith(".table.json")]
    [table] = [table for table in tables if len(table["data"]) == 4]
    assert table["columns"] == list(ROWS[0])
    assert table["data"][0] == ["digits/random 0.1", "retrain", None, 3, None, False]
    pages = [content for name, content in run.files.items() if name.endswith(".html")]
    assert set(pages) == {page.read_bytes()}  # as it is: it has styles of its own
    assert warnings == []


def test_without_a_key_it_is_kept_beside_the_page(page: Path, warnings: list[str]) -> None:
    where = publish(ROWS, page, "forgetting", "team", "Table 1")
    (folder,) = folders(page.parent, "offline-")
    assert where == f"offline; to send it: wandb sync {folder}"
    wandb.teardown()
    found = read(folder)
    assert (run_of(found)["job_type"], run_of(found)["entity"]) == ("comparison", "team")
    assert {key.split(".")[0] for row in rows(found) for key in row} >= {"comparison", "page"}
    assert warnings == []


def test_disabled_sends_nothing(page: Path, server: FakeWandb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert publish(ROWS, page, "forgetting", None, "Table 1") == "not tracked"
    assert server.runs == {}
