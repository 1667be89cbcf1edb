"""Times are those that were measured of the like."""

from types import SimpleNamespace

import pytest

from unlearn_cli.runtime.text import duration_text
from unlearn_cli.storage.files import write_json
from unlearn_cli.sweep.estimate import entry_seconds, run_seconds

FACTS = {"model": "resnet", "train": {"epochs": 3}, "seed": 0, "rows": "a", "split": "s"}


def test_models_are_alike_whatever_their_seed_and_rows(tmp_path):
    for number, (facts, seconds) in enumerate(
        [
            (FACTS, 10.0),
            (FACTS | {"seed": 1}, 20.0),
            (FACTS | {"rows": "b"}, 60.0),
            (FACTS | {"train": {"epochs": 300}}, 9000.0),
        ]
    ):
        manifest = {"facts": facts, "files": {}, "seconds": seconds}
        write_json(tmp_path / "model" / str(number) / "entry.json", manifest)
    (tmp_path / "model" / "torn").mkdir()
    (tmp_path / "model" / "torn" / "entry.json").write_text("{")
    assert entry_seconds(tmp_path, "model", FACTS | {"seed": 7}) == 20.0
    assert entry_seconds(tmp_path, "model", FACTS | {"model": "vgg"}) is None


def test_runs_are_alike_whatever_their_seed(tmp_path):
    for name, status in {
        "ga-s0-1": {"state": "finished", "seconds": 4.0},
        "ga-s1-2": {"state": "finished", "seconds": 8.0},
        "ga-s2-3": {"state": "running"},
        "rl-s0-4": {"state": "finished", "seconds": 99.0},
    }.items():
        write_json(tmp_path / name / "status.json", status)
    run = SimpleNamespace(choices={"method": "ga"}, folder=tmp_path / "ga-s9-9")
    assert run_seconds(run) == 6.0
    run.choices["method"] = "ft"
    assert run_seconds(run) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (89, "89 s"), (95, "2 min"), (3599, "1 h 0 min"), (7800, "2 h 10 min")],
)
def test_how_times_are_said(seconds, said):
    assert duration_text(seconds) == said
