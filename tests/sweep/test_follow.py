"""What is said while a sweep goes on, and at its end."""

import pytest

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.storage.files import write_json
from unlearn_cli.sweep import end, follow
from unlearn_cli.sweep.record import Item, Record
from unlearn_cli.sweep.states import Queued


@pytest.fixture
def record(tmp_path):
    """An original that two runs need; jobs 1_0, 2_0 and 2_1."""
    first = Item("original", str(tmp_path / "original-1"), [], "1_0", "first.out")
    runs = [
        Item(f"method={m}", str(tmp_path / m), ["original-1"], f"2_{n}", "run.out")
        for n, m in enumerate("ab")
    ]
    return Record("sweep", ["unlearn"], runs, [first])


def status(item, state, reason=None):
    write_json(follow.Path(item.folder) / "status.json", {"state": state, "reason": reason, "host": "node"})


def queued(*jobs, **running):
    return {job: Queued("PENDING", "Priority") for job in jobs} | {
        job.replace("j", ""): Queued("RUNNING", "None") for job in running
    }


def test_it_waits_for_all_jobs_and_says_each_change_once(record, monkeypatch, caplog):
    caplog.set_level("INFO", "unlearn")
    (first,), (a, b) = record.prerequisites, record.runs

    def course():
        yield queued("1_0", "2_0", "2_1")
        yield queued("2_0", "2_1", j1_0=True)
        yield None  # the controller does not answer
        status(first, "finished")
        yield queued("2_1", j2_0=True)
        status(a, "running")
        yield queued("2_0", "2_1")  # preempted
        status(a, "finished")
        status(b, "failed", "the loss is not finite")
        yield {}

    answers = course()
    monkeypatch.setattr(follow.time, "sleep", lambda seconds: None)
    follow.follow(record, lambda: next(answers))
    assert [line.getMessage() for line in caplog.records] == [
        "running: original",
        "finished: original",
        "running: method=a",
        "queued: method=a (again, after it was preempted or timed out (Priority))",
        "finished: method=a",
        "failed: method=b (the loss is not finite)",
    ]


def test_what_needs_a_failed_prerequisite_says_so(record):
    status(record.prerequisites[0], "failed", "out of memory")
    states = follow.states(record, {})
    assert {states[run.folder].detail for run in record.runs} == {"what it needs failed: original"}


def test_the_end_names_what_is_missing_and_where_its_log_is(record, tmp_path, capsys):
    a, b = record.runs
    status(record.prerequisites[0], "finished")
    status(a, "finished")
    status(b, "failed", "the loss is not finite")
    with pytest.raises(RunError) as failure:
        end.finish(tmp_path, record)
    assert "1 run(s) of the sweep failed" in str(failure.value)
    assert "method=b: the loss is not finite (log: run.out)" in str(failure.value)
    assert "method=a" not in capsys.readouterr().out


def test_records_come_back_and_others_are_refused(record, tmp_path):
    record.save(tmp_path)
    assert Record.load(tmp_path) == record
    with pytest.raises(InputError, match="no sweep's folder"):
        Record.load(tmp_path / "elsewhere")
    for content in ({"name": "x"}, {"name": "x", "command": [], "runs": [{"id": 1}], "prerequisites": []}):
        write_json(tmp_path / "sweep.json", content)
        with pytest.raises(InputError, match="not a record of this version"):
            Record.load(tmp_path)
