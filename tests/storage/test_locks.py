"""Locks that cannot be had are told of, with the key to mend."""

import fcntl
import os
from errno import ENOLCK, ENOSYS

import pytest

from unlearn_cli.errors import InputError
from unlearn_cli.storage.locks import exclusive_lock


@pytest.mark.parametrize("number", [ENOLCK, ENOSYS], ids=lambda number: os.strerror(number))
def test_a_file_system_without_locks(tmp_path, monkeypatch, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        pytest.raises(InputError, match=r"^paths.store: the file system of .* has no file locks"),
        exclusive_lock(tmp_path / "x.lock", "paths.store", "working"),
    ):
        pass


def test_a_folder_that_takes_no_files(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match=r"^paths.store: cannot write to .*give a writable folder$"),
        exclusive_lock(tmp_path / "file" / "x.lock", "paths.store", "working"),
    ):
        pass
