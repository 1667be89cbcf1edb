"""What a file or a folder is known by: what it holds, wherever it lies."""

import os
import shutil
from pathlib import Path

import pytest

from unlearn_cli.storage import fingerprint as module
from unlearn_cli.storage.fingerprint import fingerprint, looked_at_once, memory


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "photos"
    (place / "cat").mkdir(parents=True)
    (place / "cat" / "1.png").write_bytes(b"one")
    (place / "cat" / "2.png").write_bytes(b"two")
    return place


def same_time(file: Path, content: bytes) -> None:
    """Write as `cp -p` does."""
    facts = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_copy_and_another_name_are_the_same(folder):
    first = fingerprint(folder)
    assert fingerprint(Path(shutil.copytree(folder, folder.with_name("copy")))) == first
    assert fingerprint(folder.rename(folder.with_name("moved"))) == first


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cat" / "1.png").write_bytes(b"eno"),
        lambda folder: same_time(folder / "cat" / "1.png", b"eno"),
        lambda folder: (folder / "cat" / "3.png").write_bytes(b"three"),
        lambda folder: (folder / "cat" / "1.png").unlink(),
        lambda folder: (folder / "cat" / "1.png").rename(folder / "1.png"),
        lambda folder: (folder / "cat").rename(folder / "dog"),
    ],
    ids=["content", "content at the same time", "more", "less", "elsewhere", "another class"],
)
def test_what_changes_it(folder, change, monkeypatch):
    monkeypatch.setattr(module, "SETTLED_NS", -(10**12))  # remembered however new
    first = fingerprint(folder)
    assert [*memory().glob("*.json")]
    change(folder)
    assert fingerprint(folder) != first


def test_what_systems_leave_in_folders_is_nothing(folder):
    first = fingerprint(folder)
    for name in (".DS_Store", "Thumbs.db", ".cache/x"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("left")
    os.mkfifo(folder / "pipe")
    assert fingerprint(folder) == first


def test_links_are_followed_and_circles_are_not(folder):
    first = fingerprint(folder)
    linked = folder.with_name("linked")
    linked.mkdir()
    (linked / "cat").symlink_to(folder / "cat")
    assert fingerprint(linked) == first
    (folder / "cat" / "round").symlink_to(folder)
    (folder / "nothing.png").symlink_to(folder / "gone.png")
    assert fingerprint(folder) == first


def test_a_file_is_its_content_and_its_suffix(tmp_path):
    rows, others = tmp_path / "rows.txt", tmp_path / "others.txt"
    rows.write_text("1\n2\n")
    others.write_text("1\n2\n")
    assert fingerprint(rows) == fingerprint(others)
    assert fingerprint(rows) != fingerprint(rows.rename(tmp_path / "rows.csv"))


def test_of_a_run_folder_the_tensors_count(folder):
    (folder / "status.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"tensors")
    first = fingerprint(folder)
    (folder / "log.txt").write_text("more")
    assert fingerprint(folder) == first
    (folder / "model.safetensors").write_bytes(b"other tensors")
    assert fingerprint(folder) != first


def test_what_is_remembered_is_not_read_again(folder, monkeypatch):
    monkeypatch.setattr(module, "SETTLED_NS", -(10**12))
    first = fingerprint(folder)
    monkeypatch.setattr(module, "sha256_of", lambda _: pytest.fail("read again"))
    assert fingerprint(folder) == first


def test_what_changed_just_now_is_not_remembered(folder):
    fingerprint(folder)
    assert not [*memory().glob("*.json")]


def test_a_memory_that_is_damaged_or_closed_is_none(folder, monkeypatch):
    monkeypatch.setattr(module, "SETTLED_NS", -(10**12))
    first = fingerprint(folder)
    (memo,) = memory().glob("*.json")
    memo.write_text(memo.read_text().replace(first, "0" * 16))
    assert fingerprint(folder) == first
    monkeypatch.setenv("UNLEARN_CACHE", os.devnull)
    assert fingerprint(folder) == first


def test_within_a_block_a_place_is_looked_at_once(folder):
    with looked_at_once():
        first = fingerprint(folder)
        (folder / "cat" / "1.png").write_bytes(b"eno")
        assert fingerprint(folder) == first
    assert fingerprint(folder) != first


def test_what_cannot_be_read_is_an_error(folder):
    with pytest.raises(FileNotFoundError):
        fingerprint(folder / "gone")
