import json
import logging
import multiprocessing
import signal
from pathlib import Path

import pytest
from filelock import FileLock

from unlearn_cli.config.hashing import key_of
from unlearn_cli.errors import InputError, Preempted
from unlearn_cli.runtime.stopping import stop_signals
from unlearn_cli.storage.store import MANIFEST, Store


def write(text: str):
    def make(folder: Path) -> None:
        (folder / "a.txt").write_text(text)

    return make


def never(folder: Path) -> None:
    raise AssertionError("made twice")


def test_made_once_and_found_by_facts(tmp_path):
    store = Store(tmp_path)
    entry = store.get("model", {"seed": 1, "lr": 0.1}, write("one"))
    assert store.get("model", {"lr": 0.1, "seed": 1}, never) == entry
    assert (entry / "a.txt").read_text() == "one"
    assert json.loads((entry / MANIFEST).read_text())["facts"] == {"seed": 1, "lr": 0.1}
    assert store.get("model", {"seed": 2, "lr": 0.1}, write("two")) != entry


def test_an_entry_whose_class_has_moved_is_told_of_and_stays(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="unlearn")
    store = Store(tmp_path)
    old = {"model": {"class": "unlearn_cli.models.unet.UNet", "width": 8}, "seed": 0}
    earlier = store.get("model", old, write("earlier"))
    store.get("model", old | {"seed": 1}, write("another seed"))
    (store.get("model", {"seed": 5}, write("damaged")) / MANIFEST).write_text("{")
    assert not caplog.messages
    moved = {"class": "unlearn_cli.models.diffusion.unet.UNet", "width": 8}
    now = store.get("model", old | {"model": moved}, write("now"))
    assert caplog.messages == [
        f"store: {earlier} is of an earlier version of unlearn; it is made again beside it"
    ]
    assert (earlier / "a.txt").read_text() == "earlier"
    assert (now / "a.txt").read_text() == "now"


def test_interrupted_maker_leaves_no_entry_and_finds_its_work_again(tmp_path):
    store = Store(tmp_path)

    def killed(folder: Path) -> None:
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.get("model", {}, killed)
    assert store.find("model", {}) is None

    def resumed(folder: Path) -> None:
        assert (folder / "half.txt").read_text() == "half"
        (folder / "a.txt").write_text("whole")

    assert (store.get("model", {}, resumed) / "a.txt").read_text() == "whole"


@pytest.mark.parametrize("harm", ["truncate", "delete", "manifest"])
def test_damaged_entry_is_set_aside_and_remade(tmp_path, caplog, harm):
    store = Store(tmp_path)
    entry = store.get("model", {}, write("good"))
    if harm == "truncate":
        (entry / "a.txt").write_text("go")
    elif harm == "delete":
        (entry / "a.txt").unlink()
    else:
        (entry / MANIFEST).write_text("{")
    with caplog.at_level(logging.WARNING, "unlearn"):
        assert store.get("model", {}, write("good")) == entry
    assert (entry / "a.txt").read_text() == "good"
    assert "damaged" in caplog.text
    assert entry.with_name(f"{entry.name}.damaged-0").is_dir()


def test_unwritable_root_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"paths\.store: cannot write"):
        Store(tmp_path / "file" / "store").get("model", {}, never)


def _count(root: str) -> None:
    def make(folder: Path) -> None:
        with (Path(root) / "made").open("a") as file:
            file.write("x")
        (folder / "a.txt").write_text("x")

    Store(Path(root)).get("model", {}, make)


def test_two_processes_make_one_entry(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(str(tmp_path),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (tmp_path / "made").read_text() == "x"


def test_a_stop_is_heard_while_another_run_makes_the_entry(tmp_path):
    (tmp_path / "model").mkdir()
    with FileLock(tmp_path / "model" / f"{key_of({})}.lock"), stop_signals():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Preempted, match="waited for another process"):
            Store(tmp_path).get("model", {}, never)


def test_what_a_killed_writer_left_does_not_go_into_the_entry(tmp_path):
    partial = tmp_path / "model" / f"{key_of({})}.partial"
    partial.mkdir(parents=True)
    (partial / ".a.txt.123.tmp").write_text("half")
    entry = Store(tmp_path).get("model", {}, write("whole"))
    assert {file.name for file in entry.iterdir()} == {"a.txt", MANIFEST}


def test_digest_ignores_order_only():
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})
    assert key_of({"a": [1, 2]}) != key_of({"a": [2, 1]})
