"""`scripts/wandb_report`: what arrives at a server of our own; the cloud was not looked at."""

import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import wandb
from fake_wandb import FakeWandb
from PIL import Image
from tracked_run import sample, settings

from unlearn_cli.figures.methods import style
from unlearn_cli.tracking import RunInfo
from unlearn_cli.tracking.report import read_project

SCRIPT = Path(__file__).parents[2] / "scripts" / "wandb_report"
TENTH, HALF = "digits/resnet20/random fraction:0.1", "digits/resnet20/random fraction:0.5"


class Ended(NamedTuple):
    code: int
    out: list[str]
    error: str


Script = Callable[..., Ended]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    """script(*arguments): the script in this process; of what it said, the lines that are not W&B's."""

    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        said = capsys.readouterr()
        (error,) = [line for line in said.err.splitlines() if line.startswith("error: ")] or [""]
        assert "Traceback" not in said.err
        return Ended(int(end.value.code or 0), said.out.splitlines(), error)

    return call


@pytest.fixture
def project(server: FakeWandb, tmp_path: Path) -> FakeWandb:
    """Three evaluated runs of two settings in group `paper`, one in another group, and an original."""
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "confidence.png")

    def send(id: str, group: str, setting: str, final: dict[str, Any]) -> None:
        config = {"setting": setting, "variant": id[:-1], "chosen": {"method": "salun"}, "seed": int(id[-1])}
        info = RunInfo(id, id, group, "unlearn", (), config)
        tracker = settings(project="forgetting").start(info, tmp_path)
        tracker.log("unlearn", 1, {"loss": 1.0})
        tracker.summary(final)
        if final and id == "salun-a0":
            tracker.predictions([sample(0)])
            tracker.figure("confidence", tmp_path / "confidence.png")
        tracker.finish()

    found = {"metrics": {"UA": 5.0, "RA": 99.0}, "gap": {"UA": 0.5, "RA": 0.25}, "avg_gap": 0.375}
    send("salun-a0", "paper", TENTH, found)
    send("salun-a1", "paper", TENTH, found)
    send("salun-b0", "paper", HALF, found)
    send("salun-c0", "other", "digits/resnet20/class classes:3", found)
    send("original-0", "paper", TENTH, {})
    wandb.teardown()
    return server


def leaves(filters: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    assert filters["filterFormat"] == "filterV2"
    assert all(leaf.get("connector", "AND") == "AND" for leaf in filters["filters"])
    return [
        (leaf["key"]["section"], leaf["key"]["name"], leaf["op"], leaf["value"])
        for leaf in filters["filters"]
    ]


EVALUATED = [("summary", "metrics/UA", ">=", 0), ("run", "group", "IN", ["paper"])]
BY_GAP = [{"key": {"section": "summary", "name": "avg_gap"}, "ascending": True}]
BY_VARIANT = [{"section": "config", "name": "variant.value"}]
NUMBERS = ["summary:avg_gap", "summary:gap/RA", "summary:gap/UA", "summary:metrics/RA", "summary:metrics/UA"]


def test_report_has_a_chapter_for_each_setting(project: FakeWandb, script: Script) -> None:
    end = script("--project", "forgetting", "--group", "paper", "--title", "Table 1", "--publish")
    view = project.views[0]
    assert end == Ended(
        0,
        [
            f"report: {project.url}/tester/forgetting/reports/Table-1--view1",
            f"workspace: {project.url}/tester/forgetting?nw={project.views[1]['name'][3:-2]}",
        ],
        "",
    )
    assert (view["type"], view["displayName"]) == ("runs", "Table 1")
    blocks = json.loads(view["spec"])["blocks"]
    assert [b["children"][0]["text"] for b in blocks if b["type"] == "heading" and b["level"] == 2] == [
        TENTH,
        HALF,
    ]
    grids = [block["metadata"] for block in blocks if block["type"] == "panel-grid"]
    assert len(grids) == 4  # for each setting, its seeds together and its runs one by one
    for grid, setting, grouping in zip(grids, (TENTH, TENTH, HALF, HALF), (BY_VARIANT, []) * 2, strict=True):
        (runs,) = grid["runSets"]
        assert leaves(runs["filters"]) == [("config", "setting", "=", setting), *EVALUATED]
        assert runs["grouping"] == grouping
        assert runs["sort"]["keys"] == BY_GAP
        assert (runs["name"], runs["project"]["entityName"]) == (setting, "tester")
        columns = ["run:displayName", "config:chosen.value.method", *NUMBERS]
        assert runs["runFeed"]["columnOrder"] == columns
        assert runs["runFeed"]["lockColumns"]
        keys = [f"{runs['id']}-config:variant.value:{name}" for name in ("salun-a", "salun-b")]
        keys = keys if grouping else ["salun-a0", "salun-a1", "salun-b0"]
        assert grid["customRunColors"] == dict.fromkeys(keys, style("salun").colour)

    panels = [panel for grid in grids[:2] for panel in grid["panelBankSectionConfig"]["panels"]]
    scatter, *bars, ua, ra, curve = (panel["config"] for panel in panels[:7])
    assert [panel["viewType"] for panel in panels] == [
        *("Scatter Plot", *["Bar Chart"] * 3, *["Run History Line Plot"] * 3),
        *("Run Comparer", "Media Browser", "Weave"),
    ]
    assert (scatter["xAxis"], scatter["yAxis"]) == ("summary:metrics/RA", "summary:metrics/UA")
    assert [bar["metrics"] for bar in bars] == [["avg_gap"], ["gap/RA"], ["gap/UA"]]
    for bar in bars:
        assert (bar["groupBy"], bar["groupAgg"], bar["groupArea"]) == ("variant.value", "mean", "stddev")
    assert (curve["xAxis"], curve["metrics"]) == ("unlearn/step", ["unlearn/loss"])
    assert [(line["xAxis"], line["metrics"]) for line in (ua, ra)] == [
        ("course/share", ["course/UA"]),
        ("course/share", ["course/RA"]),
    ]
    assert panels[8]["config"]["mediaKeys"] == ["figures/confidence"]
    assert '"predictions"' in json.dumps(panels[9]["config"])
    places = [tuple(panel["layout"].values()) for panel in panels[:7]]
    assert places == [(12 * (n % 2), 9 * (n // 2), 12, 9) for n in range(7)]


def test_workspace_groups_seeds_and_sorts_by_gap(project: FakeWandb, script: Script) -> None:
    assert script("--project", "forgetting", "--group", "paper").code == 0
    report, view = project.views
    assert report["type"] == "runs/draft"
    assert (view["type"], view["displayName"]) == ("project-view", "Unlearning compared")
    section = json.loads(view["spec"])["section"]
    (runs,) = section["runSets"]
    assert runs["grouping"] == BY_VARIANT
    assert runs["sort"]["keys"] == BY_GAP
    assert leaves(runs["filters"]) == EVALUATED
    assert list(runs["runFeed"]["columnPinned"]) == ["run:displayName", "config:setting.value", *NUMBERS]
    sections = {part["name"]: part["panels"] for part in section["panelBankConfig"]["sections"]}
    assert {name: len(panels) for name, panels in sections.items()} == {
        "Final numbers": 4,
        "Beside original and oracle": 2,
        "Unlearning": 1,
        "Figures and samples": 2,
    }


def test_all_groups_are_looked_at_when_none_is_named(project: FakeWandb) -> None:
    found = read_project("tester", "forgetting", [])
    assert found.settings == ("digits/resnet20/class classes:3", TENTH, HALF)
    assert found.groups == ()


def test_without_a_key(script: Script) -> None:
    end = script("--project", "forgetting")
    assert (end.code, end.out) == (2, [])
    assert "WANDB_API_KEY" in end.error


def test_no_such_project_and_nothing_evaluated(project: FakeWandb, script: Script) -> None:
    end = script("--project", "forgettign", "--entity", "team")
    assert end.code == 2
    assert "--project: there is no 'team/forgettign'" in end.error
    end = script("--project", "forgetting", "--group", "papre")
    assert end.code == 2
    assert "in group papre" in end.error
    assert project.views == []


def test_without_the_package(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    monkeypatch.delitem(sys.modules, "wandb_workspaces.reports.v2", raising=False)
    monkeypatch.delitem(sys.modules, "wandb_workspaces.workspaces", raising=False)
    end = script()
    assert end.code == 2
    assert end.error.endswith("pip install wandb-workspaces")


def test_with_a_python_that_has_no_unlearn_cli() -> None:
    end = subprocess.run([sys.executable, "-I", "-S", str(SCRIPT)], capture_output=True, text=True)
    assert end.returncode == 2
    assert end.stderr.startswith("error: No module named 'unlearn_cli'; call .venv/bin/python")


def test_help(script: Script) -> None:
    end = script("--help")
    assert end.code == 0
    for option in ("--project", "--entity", "--group", "--title", "--draft", "--publish"):
        assert option in "\n".join(end.out)
