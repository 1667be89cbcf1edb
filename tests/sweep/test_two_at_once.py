"""Two sweeps at once in one store, which share a run: both end well, and nothing is made twice."""

from run_results import entries, run_folders, state
from tiny_processes import processes
from tiny_run import unlearn

EPOCH = "method.epochs=1"


def test_both_end_and_nothing_is_made_twice(tmp_path):
    outputs = f"paths.outputs={tmp_path}/out"
    pair = [
        processes.Process(target=unlearn, args=("-m", outputs, f"method={methods}", EPOCH))
        for methods in ("ga,ft", "ga,rl")
    ]
    for process in pair:
        process.start()
    for process in pair:
        process.join(240)
    assert [process.exitcode for process in pair] == [0, 0]
    folders = run_folders(tmp_path / "out")
    assert sorted(folder.name.split("-")[0] for folder in folders) == ["ft", "ga", "rl"]
    assert {state(folder) for folder in folders} == {"finished"}
    assert len(entries(tmp_path / "out" / "store", "model")) == 2
    assert not list((tmp_path / "out").rglob("*.damaged-*"))
    shared = next(folder for folder in folders if folder.name.startswith("ga"))
    assert (shared / "log.txt").read_text().count("evaluating") == 1
