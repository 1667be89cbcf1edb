"""The moments at which a file is put in place or removed, and the disk as it was then."""

import os
import signal

from left import differences, left
from moments import stages, watched
from tiny_processes import processes

from unlearn_cli.storage.files import remove_working_files, replacing


def write(folder, times=1):
    for number in range(times):
        with replacing(folder / "a.resume.pt") as temporary:
            temporary.write_text(str(number))


def killed(folder):
    write(folder)
    with replacing(folder / "a.resume.pt") as temporary:
        temporary.write_text("1")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_disk_is_as_a_killed_process_leaves_it(tmp_path):
    folder, other = tmp_path / "watched", tmp_path / "killed"
    with watched(folder, tmp_path / "copies") as moments:
        write(folder, 2)
    process = processes.Process(target=killed, args=(other,))
    process.start()
    process.join()

    def contents(below):
        return sorted(file.read_text() for file in below.iterdir())

    (before,) = [moment for moment in moments if (moment.side, moment.count) == ("before", 2)]
    assert contents(before.disk) == contents(other) == ["0", "1"]


def test_stages_are_the_first_and_a_middle_time_of_each_file(tmp_path):
    with watched(tmp_path / "watched", tmp_path / "copies") as moments:
        write(tmp_path / "watched", 5)
        remove_working_files(tmp_path / "watched")
    assert [moment.name for moment in stages(moments)] == [
        *(f"{side} replace a.resume.pt {count}" for count in (1, 3) for side in ("before", "after")),
        *(f"{side} unlink a.resume.pt 1" for side in ("before", "after")),
    ]
    assert not list(stages(moments)[-1].disk.iterdir())


def test_differences_are_told_by_file(tmp_path):
    for name, text in (("same", "1"), ("other", "1"), ("gone", "1"), ("log.txt", "at noon")):
        (tmp_path / name).write_text(text)
    whole = left(tmp_path)
    (tmp_path / "other").write_text("2")
    (tmp_path / "gone").rename(tmp_path / ".gone.tmp")
    (tmp_path / "log.txt").write_text("at night")
    found = differences(whole, left(tmp_path))
    assert found == ["missing: gone", "left behind: .gone.tmp", "differs: other"]
