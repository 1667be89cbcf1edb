"""What a tracker is told at a run's end, and which runs of originals and oracles there are."""

from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unlearn_cli.command import track
from unlearn_cli.tracking.final import made_first, tell, track_references
from unlearn_cli.tracking.run_info import Described, reference_info
from unlearn_cli.tracking.tracker import RunInfo, Tracker

RESULT: dict[str, Any] = {
    "method": "ga",
    "seed": 0,
    "metrics": {"UA": 9.0, "KL": 0.5},
    "original": {"UA": 0.0},
    "oracle": {"UA": 5.0},
    "gap": {"UA": 4.0},
    "avg_gap": None,
    "cost": {"seconds": 1.0},
    "original_cost": {"seconds": 8.0},
    "oracle_cost": {"seconds": 7.0},
    "oracles": [
        {"seed": 0, "metrics": {"UA": 5.0}},
        {"seed": 1, "metrics": {"UA": 7.0}},
        {"seed": 2, "metrics": {"UA": 9.0}},
    ],
    "floor": {"UA": 8 / 3},
    "per_class": {"original": {"a": 1.0, "b": 2.0}, "ga": {"a": 0.0}},
}


class Kept(Tracker):
    """What it was told."""

    def __init__(self, info: RunInfo | None = None) -> None:
        self.info = info
        self.numbers: dict[str, Any] = {}
        self.line: list[dict[str, float]] = []
        self.tables: dict[str, Any] = {}

    def summary(self, values: Any) -> None:
        self.numbers |= values

    def course(self, original: Any, final: Any) -> None:
        self.line = [original, final]

    def table(self, name: str, rows: Any) -> None:
        self.tables[name] = rows


class Settings:
    destination = "team/project"

    def __init__(self) -> None:
        self.runs: list[Kept] = []

    def start(self, info: RunInfo, folder: Path) -> Kept:
        self.runs.append(Kept(info))
        return self.runs[-1]


def jobs(settings: Settings) -> list[str]:
    return [run.info.job_type for run in settings.runs if run.info]


def described(**changes: Any) -> Described:
    config = {"method": {"lr": 1}, "forget": {"fraction": 0.1, "seed": 0}, "seed": 0, "mask": {}} | changes
    config.setdefault("train", {"epochs": 2})
    choices = {"data": "digits", "model": "resnet20", "forget": "random", "method": "ga", "recipe": "x"}
    return Described(config, choices, config, {}, {})


def test_an_oracle_that_diverged_has_no_deviation() -> None:
    tracker = Kept()
    oracles = [{"seed": seed, "metrics": {"UA": 5.0 + seed, "KL": kl}} for seed, kl in ((0, 1.0), (1, inf))]
    tell(tracker, RESULT | {"oracles": oracles})
    assert tracker.numbers["oracle_mean"] == {"UA": 5.5, "KL": inf}
    assert tracker.numbers["oracle_sd"] == {"UA": pytest.approx(0.5**0.5)}


def test_several_oracles_are_told_by_mean_deviation_and_floor() -> None:
    tracker = Kept()
    tell(tracker, RESULT)
    told = tracker.numbers
    assert (told["oracle_mean"], told["oracle_sd"], told["oracle_count"]) == ({"UA": 7.0}, {"UA": 2.0}, 3)
    assert told["floor"] == RESULT["floor"]
    assert (told["oracle"], told["original"]) == ({"UA": 5.0}, {"UA": 0.0})
    assert "avg_gap" not in told
    assert tracker.line == [{"UA": 0.0}, {"UA": 9.0, "KL": 0.5}]
    classes = [{"class": "a", "original": 1.0, "ga": 0.0}, {"class": "b", "original": 2.0}]
    assert tracker.tables == {"per_class": classes}


def test_one_oracle_has_neither_mean_nor_floor() -> None:
    tracker = Kept()
    tell(tracker, RESULT | {"oracles": RESULT["oracles"][:1], "floor": None})
    assert not {"oracle_mean", "oracle_sd", "oracle_count", "floor"} & tracker.numbers.keys()


def test_references_are_told_once_for_all_methods_of_a_setting(tmp_path: Path) -> None:
    settings = Settings()
    for method in ("ga", "ft", "retrain"):
        track_references(settings, described, RESULT | {"method": method}, tmp_path)
    assert jobs(settings) == ["original", *["oracle"] * 3]
    original, oracle, second, third = settings.runs
    assert [run.numbers["gap"]["UA"] for run in (second, third)] == [2, 4]
    infos = [run.info for run in (oracle, second, third) if run.info]
    assert [info.name for info in infos] == [f"digits-random-oracle-s{seed}" for seed in range(3)]
    assert len({info.id for info in infos}) == 3
    assert len({info.config["variant"] for info in infos}) == 1  # so that W&B draws mean and deviation
    assert oracle.numbers["gap"] == {"UA": 0.0}
    assert original.numbers["gap"] == {"UA": 5.0}
    assert oracle.line == [{"UA": 5.0}, {"UA": 5.0}]
    settings.destination = "team/another"
    track_references(settings, described, RESULT, tmp_path)
    assert len(settings.runs) == 8


def test_a_run_that_is_the_oracle_takes_its_place(tmp_path: Path) -> None:
    settings = Settings()
    one = RESULT | {"oracles": RESULT["oracles"][:1]}
    for method in ("retrain", "ga"):
        track_references(settings, described, one | {"method": method}, tmp_path)
    assert jobs(settings) == ["original"]


def test_a_reference_is_of_its_setting_and_seed_and_of_no_method() -> None:
    one = reference_info(described(), "oracle")
    assert one.id == reference_info(described(method={"lr": 9}, tracking={"x": 1}), "oracle").id
    others = ({"seed": 1}, {"forget": {"fraction": 0.2, "seed": 0}})
    ids = {one.id, *(reference_info(described(**other), "oracle").id for other in others)}
    assert len(ids | {reference_info(described(), "original").id}) == 4
    assert not {"method", "mask"} & one.config.keys()
    assert one.config["chosen"]["method"] == "oracle"
    assert one.config["variant"] == reference_info(described(seed=1), "oracle").config["variant"]
    assert not one.own


def test_a_folder_is_made_by_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert made_first(tmp_path / "a" / "b")
    assert not made_first(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    assert not made_first(tmp_path / "file" / "b")
    assert "is not tracked" in caplog.text


@pytest.mark.parametrize(
    ("recorded", "typed", "group", "expected"),
    [
        (None, [], None, ("unlearn", None, "auto")),
        (None, [], "my-sweep", ("unlearn", "my-sweep", "auto")),
        (
            {"project": "theirs", "group": "then", "mode": "offline"},
            [],
            "my-sweep",
            ("theirs", "then", "auto"),
        ),
        ({"project": "theirs", "group": None}, ["tracking.project=mine"], None, ("mine", None, "auto")),
        (None, ["tracking.group=here", "tracking.mode=offline"], "my-sweep", ("unlearn", "here", "offline")),
    ],
)
def test_what_is_not_typed_is_as_the_run_had_it(
    recorded: Any, typed: list[str], group: str | None, expected: Any
) -> None:
    node, _ = track._composed([*typed, "tracking.entity=us"])
    wanted = (
        {"_target_": node["_target_"], **recorded} if recorded else {"_target_": "unlearn_cli.tracking.None"}
    )

    run: Any = SimpleNamespace(config={"tracking": wanted})
    found = track._settings(node, typed, run, group)
    assert (found.project or "unlearn", found.group, found.mode) == expected
