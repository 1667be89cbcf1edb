import json
from pathlib import Path

import pytest
from made_runs import made

from unlearn_cli.compare.records import find
from unlearn_cli.compare.settings import without_repetitions
from unlearn_cli.errors import InputError


def names(found):
    return sorted(run.folder.name for run in found.runs)


def sweep(folder: Path, *runs: Path) -> Path:
    folder.mkdir(parents=True)
    record = {"name": "sweep", "runs": [{"overrides": "", "folder": str(run)} for run in runs], "more": 1}
    (folder / "sweep.json").write_text(json.dumps(record))
    return folder


def test_run_folders_sweeps_and_folders_above_them(tmp_path):
    one, two = made(tmp_path / "out", seed=0), made(tmp_path / "out/deeper", seed=1)
    assert names(find([one])) == ["ga-s0"]
    assert names(find([tmp_path])) == ["ga-s0", "ga-s1"]
    assert names(find([sweep(tmp_path / "out/sweeps/a", two)])) == ["ga-s1"]


def test_a_run_found_several_times_counts_once(tmp_path):
    one = made(tmp_path / "out")
    (tmp_path / "link").symlink_to(one)
    found = find([one, tmp_path, tmp_path / "link", sweep(tmp_path / "sweep", one, one)])
    assert names(found) == ["ga-s0"]
    assert not found.left_out


def test_a_copy_counts_once_and_is_named(tmp_path):
    made(tmp_path / "here")
    made(tmp_path / "there")
    found = find([tmp_path])
    assert len(found.runs) == 2
    (kept,) = without_repetitions(found)
    assert kept.folder == tmp_path / "here/ga-s0"
    (sentence,) = found.sentences()
    assert sentence.startswith("left out: 1 that repeat another's configuration and seeds")
    assert str(tmp_path / "there/ga-s0") in sentence


def test_of_two_copies_the_one_counts_that_tells_of_more_oracles(tmp_path):
    """Else a run that was made again with oracle.count=3 would leave its table without a floor."""
    oracles = [{"seed": seed, "metrics": {"UA": 5.0}} for seed in range(3)]
    made(tmp_path / "here", oracles=oracles[:1])
    made(tmp_path / "there", oracles=oracles)
    found = find([tmp_path])
    (kept,) = without_repetitions(found)
    assert kept.folder == tmp_path / "there/ga-s0"
    (sentence,) = found.sentences()
    assert str(tmp_path / "here/ga-s0") in sentence


@pytest.mark.parametrize("name", ["store/model/abc", "wandb/run", "tracking", ".hidden"])
def test_where_no_run_can_be_is_not_searched(tmp_path, name):
    made(tmp_path / "run")
    made(tmp_path / name, seed=1)
    assert names(find([tmp_path])) == ["ga-s0"]


def test_a_store_under_another_name_holds_no_run(tmp_path):
    made(tmp_path / "run")
    entry = tmp_path / "kept/metrics/abc"
    entry.mkdir(parents=True)
    (entry / "entry.json").write_text("{}")
    (entry / "metrics.json").write_text("{}")
    assert names(find([tmp_path])) == ["ga-s0"]
    assert not find([tmp_path]).left_out


def test_unfinished_runs_are_counted_by_reason(tmp_path):
    made(tmp_path, seed=0)
    made(tmp_path, seed=1, state="running")
    made(tmp_path, seed=2, state="running")
    failed = made(tmp_path, seed=3, state="failed")
    (failed / "status.json").write_text('{"state": "failed", "reason": "the loss is not finite"}')
    found = find([tmp_path, sweep(tmp_path / "sweep", tmp_path / "later")])
    assert names(found) == ["ga-s0"]
    assert found.sentences() == [
        f"left out: 1 not begun ({tmp_path}/later)",
        f"left out: 2 running ({tmp_path}/ga-s1, …)",
        f"left out: 1 failed ({failed}: the loss is not finite)",
    ]


def broken(folder: Path, file: str, text: str | None) -> None:
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text)


@pytest.mark.parametrize(
    ("file", "text", "reason", "detail"),
    [
        ("metrics.json", '{"method": "ga", "se', "unreadable", "metrics.json: no JSON: Unterminated string"),
        ("metrics.json", "[]", "unreadable", "metrics.json: it holds no keys"),
        ("metrics.json", None, "half-written", "no metrics.json"),
        ("config.yaml", None, "half-written", "no config.yaml"),
        ("config.yaml", "a: [", "unreadable", "config.yaml: "),
        ("config.yaml", "", "unreadable", "config.yaml: it holds no keys"),
        ("status.json", None, "half-written", "no status.json"),
        ("status.json", "{}", "unreadable", "status.json: it tells no state of a run"),
        ("status.json", "\0\xff", "unreadable", "status.json: "),
    ],
)
def test_half_written_and_unreadable_runs(tmp_path, file, text, reason, detail):
    made(tmp_path, seed=1)
    bad = made(tmp_path, seed=0)
    broken(bad, file, text)
    found = find([tmp_path])
    assert names(found) == ["ga-s1"]
    (sentence,) = found.sentences()
    assert sentence.startswith(f"left out: 1 {reason} ({bad}")
    assert detail in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"gap": "absent"}, "metrics.json lacks 'gap'"),
        ({"metrics": {"UA": "5.0"}}, "metrics.json: 'metrics.UA' is no number"),
        ({"cost": None}, "metrics.json: 'cost' is no dict"),
        ({"choices": {}}, "no method among its choices"),
    ],
)
def test_runs_of_another_version(tmp_path, change, detail):
    folder = made(tmp_path)
    result = json.loads((folder / "metrics.json").read_text()) | change
    (folder / "metrics.json").write_text(json.dumps({k: v for k, v in result.items() if v != "absent"}))
    assert find([tmp_path]).sentences() == [f"left out: 1 of another version ({folder}: {detail})"]


@pytest.mark.parametrize("text", ['{"runs": [{}]}', "{", "[]", '{"runs": null}'])
def test_a_broken_sweep_file_is_named(tmp_path, text):
    made(tmp_path / "out")
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/sweep.json").write_text(text)
    found = find([tmp_path])
    assert names(found) == ["ga-s0"]
    (sentence,) = found.sentences()
    assert sentence.startswith(f"left out: 1 unreadable ({tmp_path}/sweep/sweep.json: ")


def test_what_a_sweep_made_for_its_runs_is_no_run(tmp_path):
    one = made(tmp_path / "out")
    made(sweep(tmp_path / "sweep", one) / "prerequisites", "original")
    assert names(find([tmp_path])) == ["ga-s0"]


def test_paths_that_hold_no_run(tmp_path):
    with pytest.raises(InputError, match="no run there"):
        find([tmp_path])
    with pytest.raises(InputError, match=r"gone: no such folder"):
        find([tmp_path / "gone"])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is a file"):
        find([tmp_path / "file"])
