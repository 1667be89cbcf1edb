"""Files of a run and of a store that are empty, cut, foreign or flipped: set aside, told, made anew."""

import os
from pathlib import Path

import pytest
import torch
from harm import HARMS, flips, harm
from safetensors.torch import load_file

from unlearn_cli.errors import InputError
from unlearn_cli.models.delta import DELTA
from unlearn_cli.models.run_model import RECORD, RunModel
from unlearn_cli.storage.files import Damaged, replacing
from unlearn_cli.storage.run_folder import RunFolder
from unlearn_cli.storage.sealed import read_sealed, write_sealed
from unlearn_cli.storage.status import read_status
from unlearn_cli.storage.store import MANIFEST, Store
from unlearn_cli.storage.tensors import read_tensors, write_tensors
from unlearn_cli.sweep.states import state_of

FOUND = {"metrics": {"UA": 12.5, "RA": 100.0}}


@pytest.fixture
def finished(tmp_path):
    """A finished run's folder."""
    folder = RunFolder(tmp_path / "run", {"seed": 0})
    with folder.running():
        folder.keep(FOUND)
        folder.finish()
    return folder


def test_tensors_of_every_shape_and_stride_come_back(tmp_path):
    tensors = {
        "none": torch.empty(0, 3),
        "one": torch.zeros((), dtype=torch.long).expand(1),  # its stride is 0
        "half": torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
        "bare": torch.tensor(True),
    }
    write_tensors(tmp_path / "t.safetensors", tensors)
    back = read_tensors(tmp_path / "t.safetensors")
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("kind", HARMS)
@pytest.mark.parametrize("name", ["status.json", "metrics.json"])
def test_a_damaged_record_of_a_finished_run_is_set_aside_and_the_run_made_anew(finished, caplog, name, kind):
    harm(finished.path / name, kind)
    assert finished.result() is None
    assert state_of(finished.path, None, None).over
    assert finished.result() is None, "looking changes nothing"
    with finished.running():
        assert finished.result() is None
        finished.keep(FOUND)
        finished.finish()
    assert finished.result() == FOUND
    assert (finished.path / f"{name}.damaged-0").exists()
    (told,) = [message for message in caplog.messages if "damaged" in message]
    assert f"{name} is damaged (" in told
    assert told.endswith("and made anew")
    assert len(told.splitlines()) == 1


def test_a_result_that_is_missing_is_told_and_made_anew(finished, caplog):
    (finished.path / "metrics.json").unlink()
    with finished.running():
        assert finished.result() is None
    assert "metrics.json is missing, and so the run is made anew" in caplog.text


@pytest.mark.parametrize("name", ["status.json", "metrics.json"])
def test_no_flipped_bit_gives_another_result(finished, name):
    whole = (finished.path / name).read_bytes()
    before = read_status(finished.path)
    for content in flips(whole, 600):
        (finished.path / name).write_bytes(content)
        assert finished.result() in (None, FOUND), content
        status = read_status(finished.path)
        assert status["state"] == "damaged" or status.items() >= before.items()


def test_a_result_of_an_earlier_version_has_no_checksum(finished):
    (finished.path / "status.json").write_text('{"state": "finished", "reason": null}')
    assert finished.result() == FOUND


@pytest.mark.parametrize("kind", [*HARMS, "a folder"])
def test_a_damaged_sealed_file_is_told_in_words(tmp_path, kind):
    file = tmp_path / "a.json"
    write_sealed(file, {"a": [1, 2.5], "b": {"c": None}})
    assert read_sealed(file) == {"a": [1, 2.5], "b": {"c": None}}
    if kind == "a folder":
        file.unlink()
        file.mkdir()
    else:
        harm(file, kind)
    if kind == "no keys":
        assert read_sealed(file) == {}
        return
    with pytest.raises(Damaged) as fault:
        read_sealed(file)
    assert len(str(fault.value)) < 150


def write(folder: Path) -> None:
    (folder / "a.txt").write_text("good")
    write_tensors(folder / "b.safetensors", {"x": torch.arange(3.0)})


@pytest.mark.parametrize("kind", HARMS)
@pytest.mark.parametrize("name", ["a.txt", "b.safetensors", MANIFEST])
def test_a_damaged_file_of_an_entry(tmp_path, caplog, name, kind):
    store = Store(tmp_path)
    entry = store.get("model", {"seed": 1}, write)
    harm(entry / name, kind)
    assert store.get("model", {"seed": 1}, write) == entry
    assert (entry / "a.txt").read_text() == "good"
    assert entry.with_name(f"{entry.name}.damaged-0").is_dir()
    (told,) = caplog.messages
    assert "is damaged" in told
    assert len(told.splitlines()) == 1


def test_an_entry_of_other_facts_and_a_file_in_its_place(tmp_path):
    store = Store(tmp_path)
    entry = store.get("model", {"seed": 1}, write)
    other = store.get("model", {"seed": 2}, write)
    for file in other.iterdir():
        file.unlink()
    other.rmdir()
    entry.rename(other)
    assert store.find("model", {"seed": 2}) is None
    store.get("model", {"seed": 2}, write)
    assert other.with_name(f"{other.name}.damaged-0").is_dir()
    entry.write_text("no folder")
    assert (store.get("model", {"seed": 1}, write) / "a.txt").exists()


def test_tensors_of_which_a_bit_is_flipped(tmp_path):
    file = tmp_path / "x.safetensors"
    tensors = {
        "a": torch.arange(6.0).view(2, 3),
        "b": torch.tensor(1, dtype=torch.bfloat16),
        "c": torch.empty(0),
    }
    write_tensors(file, tensors, {"facts": '{"seed": 1}'})
    for content in flips(file.read_bytes(), 900):
        file.write_bytes(content)
        try:
            found = read_tensors(file)
        except Damaged:
            continue
        assert found.keys() == tensors.keys()
        assert all(torch.equal(found[name], tensors[name]) for name in found)


@pytest.mark.parametrize("name", [RECORD, DELTA, "edits/a.txt"])
@pytest.mark.parametrize("kind", HARMS)
def test_a_model_that_is_damaged_is_unlearned_again(tmp_path, caplog, name, kind):
    class Model(torch.nn.Linear):
        departed = frozenset()

    original, model = Model(2, 2), Model(2, 2)
    (tmp_path / "edits").mkdir()
    (tmp_path / "edits" / "a.txt").write_text("an edit")
    kept = RunModel(tmp_path, original, {"seed": 1})
    kept.write(model, {"cost": {"seconds": 1.5}, "history": [{"loss": 0.5}]})
    found = kept.record()
    assert found
    assert found["cost"]["seconds"] == 1.5
    harm(tmp_path / name, kind)
    assert kept.record() is None
    (told,) = caplog.messages
    assert f"{RECORD} is damaged (" in told


def test_content_is_on_the_disk_before_its_name(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(
        os,
        "fsync",
        lambda number: (done.append(str(Path(f"/proc/self/fd/{number}").readlink())), sync(number)),
    )
    monkeypatch.setattr(
        Path, "replace", lambda self, target: (done.append("renamed"), replace(self, target))[1]
    )
    with replacing(tmp_path / "a") as temporary:
        temporary.write_text("x")
    assert done == [str(temporary), "renamed", str(tmp_path)]


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_one(tmp_path):
    with replacing(tmp_path / "t.md") as temporary:
        mine = temporary
        temporary.write_text("x")
    orphan = mine.with_name(mine.name.replace(str(os.getpid()), str(2**22 + 1)))
    orphan.write_text("half")
    foreign = tmp_path / ".t.md.elsewhere-1.tmp"
    foreign.write_text("another machine's")
    with replacing(tmp_path / "t.md") as temporary:
        temporary.write_text("y")
    assert {file.name for file in tmp_path.iterdir()} == {"t.md", foreign.name}


def test_working_files_that_a_kill_left_behind_go_when_the_run_answers(finished):
    (finished.path / "unlearn.resume.json").write_text("left")
    assert finished.answer() == FOUND
    assert not list(finished.path.glob("*.resume.*"))


class TestWhoMayOnlyRead:
    @pytest.fixture
    def as_reader(self, tmp_path, monkeypatch):
        """as_reader(do): do it as one who may write nothing in tmp_path."""

        def run(do) -> int:
            monkeypatch.chdir(tmp_path)
            for place in (tmp_path, *tmp_path.rglob("*")):
                place.chmod(0o555 if place.is_dir() else 0o444)
            child = os.fork()
            if not child:
                try:
                    if os.getuid() == 0:
                        os.setgroups([])
                        os.setgid(65534)
                        os.setuid(65534)
                    do()
                except BaseException:
                    os._exit(1)
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            for place in (tmp_path, *tmp_path.rglob("*")):
                place.chmod(0o755 if place.is_dir() else 0o644)
            return code

        return run

    def test_a_finished_store_serves(self, tmp_path, as_reader):
        entry = Store(tmp_path / "store").get("model", {}, write)

        def look():
            found = Store(Path("store")).get("model", {}, lambda _: os._exit(2))
            assert load_file(found / "b.safetensors")["x"][2] == 2
            with pytest.raises(InputError, match=r"paths\.store: cannot write to .*give a writable folder"):
                Store(Path("store")).get("model", {"seed": 1}, write)

        assert as_reader(look) == 0
        assert entry.exists()

    def test_a_finished_run_answers(self, finished, as_reader):
        (finished.path / "unlearn.resume.json").write_text("left")

        def look():
            assert RunFolder(Path("run"), {"seed": 0}).answer() == FOUND

        assert as_reader(look) == 0


def test_files_are_open_to_whom_the_umask_says(tmp_path):
    before = os.umask(0o002)
    try:
        entry = Store(tmp_path).get("model", {}, write)
    finally:
        os.umask(before)
    for place in tmp_path.rglob("*"):
        assert place.stat().st_mode & 0o060 == 0o060, place
    assert entry.stat().st_mode & 0o070 == 0o070
