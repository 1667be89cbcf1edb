"""Run folders: one run's config, status, log, manifest, model, metrics and figures."""

import logging
import os
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from shutil import rmtree
from typing import Any

from omegaconf import OmegaConf

from unlearn_cli.errors import InputError, Preempted, UnlearnError
from unlearn_cli.runtime.text import Shown
from unlearn_cli.storage.content import check_content, hashes
from unlearn_cli.storage.environment import environment
from unlearn_cli.storage.files import (
    Damaged,
    remove_leftovers,
    remove_working_files,
    replacing,
    set_aside,
    write_json,
)
from unlearn_cli.storage.identity_file import (
    IDENTITY,
    Kept,
    changed_since,
    check_is_of,
    read_identity,
    write_identity,
)
from unlearn_cli.storage.locks import exclusive_lock
from unlearn_cli.storage.sealed import read_sealed
from unlearn_cli.storage.status import STATUS, read_status, write_status

CONFIG, ENVIRONMENT, RESULT, LOG, LOCK = (
    *("config.yaml", "environment.json", "metrics.json"),
    *("log.txt", ".lock"),
)
UNSEALED = (STATUS, LOG, LOCK, "wandb")
"""What changes in a run's folder after its end."""
log = logging.getLogger("unlearn")


class LogFile(logging.FileHandler):
    """A full disk costs lines of the log, not the run and not the screen."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


class RunFolder:
    """The folder of one run. Its path is a function of the configuration, so the same command finds it again.

    status.json says `running`, `finished`, `failed` (with the error) or `preempted`; metrics.json exists only
    when the run is finished.
    """

    def __init__(self, path: Path, config: dict[str, Any], is_main: bool = True, kept: Kept | None = None):
        self.path = path
        self.config = config
        self.is_main = is_main
        self.kept = kept
        """What the run's numbers belong to; None: what several runs share has none of its own."""
        self.began = time.time()

    def status(self) -> dict[str, Any]:
        """The status record; see `read_status`."""
        return read_status(self.path)

    def result(self) -> dict[str, Any] | None:
        """What a finished run found, or None."""
        try:
            return result_of(self.path)
        except Damaged:
            return None

    def answer(self) -> dict[str, Any] | None:
        """The same; what a kill between the run's last write and its end has left of working files goes.

        Raises:
            InputError: the folder holds another run's result.
        """
        if self.kept:
            check_is_of(self.path, self.kept)
        result = self.result()
        if result and self.is_main and os.access(self.path, os.W_OK):
            remove_working_files(self.path)
        return result

    def has_same_config(self) -> bool:
        """Whether the run that began here last had this very configuration, the keys outside its path too."""
        file = self.path / CONFIG
        wanted = OmegaConf.to_yaml(self.config).encode()
        return file.is_file() and file.read_bytes() == wanted

    @contextmanager
    def running(self, again: bool = False) -> Iterator[None]:
        """Mark the run as running; at the end as preempted or failed if it did not come to `finish`.

        One process at a time: if another is at this run, wait for it. Look at `result` then; a finished run
        stays as it is, unless it is to be made `again`.

        Raises:
            InputError: the folder cannot be written, or its file system has no locks.
        """
        lock = exclusive_lock(self.path / LOCK, "paths.outputs", f"doing the run in {self.path}")
        with lock if self.is_main else nullcontext():
            if again and self.is_main:
                self.clear()
            if self.result():
                yield
            else:
                with self._marked():
                    yield

    def make_room(self) -> None:
        """Remove what the folder holds, once no process is at it."""
        if self.path.is_dir():
            with exclusive_lock(self.path / LOCK, "paths.outputs", f"doing the run in {self.path}"):
                self.clear()

    def clear(self) -> None:
        """Remove all that the folder holds. Its lock is held."""
        for path in self.path.iterdir():
            if path.name == LOCK:
                continue
            if path.is_dir() and not path.is_symlink():
                rmtree(path)
            else:
                path.unlink()

    @contextmanager
    def _marked(self) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self.is_main:
                self._set_damaged_aside()
                self._tell_what_changed()
            self._status("running")
            if self.is_main:
                with replacing(self.path / CONFIG) as temporary:
                    OmegaConf.save(OmegaConf.create(self.config), temporary)
                if self.kept:
                    write_identity(self.path, self.kept)
                write_json(self.path / ENVIRONMENT, self._environment())
        except OSError as error:
            raise InputError(
                f"paths.outputs: cannot write to '{self.path}' ({error.strerror}); give a writable folder"
            ) from error
        handler = (
            LogFile(self.path / LOG, encoding="utf-8", errors="backslashreplace")
            if self.is_main
            else logging.NullHandler()
        )
        handler.setFormatter(Shown("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        try:
            yield
        except (Preempted, SystemExit) as error:  # a scheduler's handler may exit once it has requeued
            self._status("preempted", str(error) if isinstance(error, Preempted) else None)
            raise
        except BaseException as error:
            log.debug("".join(traceback.format_exception(error)))  # for log.txt alone
            try:
                self._status("failed", _line(error))
            except OSError as also:
                log.warning("status.json still says 'running': it cannot be written (%s)", also.strerror)
            raise
        finally:
            log.removeHandler(handler)
            handler.close()

    def keep(self, result: dict[str, Any]) -> None:
        """Write the result; the run is not finished by it."""
        if self.is_main:
            write_json(self.path / RESULT, result)
            write_json(self.path / ENVIRONMENT, self._environment())  # with what the run imported

    def finish(self, shared_seconds: float = 0.0) -> None:
        """Mark the run finished; what only served its resumption goes.

        shared_seconds: what of its time went into things that other runs share (`unlearn plan` estimates by
        the rest).
        """
        if self.is_main:
            remove_leftovers(self.path)
            seconds = time.time() - self.began - shared_seconds
            self._status("finished", seconds=seconds, files=self.content())
            remove_working_files(self.path)

    def refused(self, error: Exception) -> None:
        """Note why the run could not begin, or why it failed, if it has not said so itself."""
        if self.is_main and self.status()["state"] not in ("failed", "finished"):
            self.path.mkdir(parents=True, exist_ok=True)
            self._status("failed", _line(error))

    def content(self) -> dict[str, str]:
        """SHA-256 by path of its files, without those that change after the run's end."""
        working = [file.name for file in self.path.glob("*.resume.*")]
        return hashes(self.path, without=[*UNSEALED, *working])

    def _set_damaged_aside(self) -> None:
        """Status and result that are not as they were written: the run is made again."""
        status = self.status()
        if status["state"] == "damaged":
            set_aside(self.path / STATUS, status["reason"], "run")
        try:
            read_identity(self.path)
        except Damaged as error:
            set_aside(self.path / IDENTITY, str(error), "run")
        try:
            result_of(self.path)
        except Damaged as error:
            if (self.path / RESULT).exists():
                set_aside(self.path / RESULT, str(error), "run")
            else:
                log.warning("run: %s: %s, and so the run is made anew", self.path, error)

    def _tell_what_changed(self) -> None:
        """Why a run is made that was made before: once, as it begins."""
        begun = (self.path / IDENTITY).exists()
        if self.kept and not begun and (told := changed_since(self.path, self.kept.identity)):
            log.warning("%s", told)

    def _environment(self) -> dict[str, Any]:
        return environment(self.kept.identity.plugins if self.kept else {})

    def _status(self, state: str, reason: str | None = None, **more: Any) -> None:
        if self.is_main:
            write_status(self.path, state, reason, more)


def result_of(folder: Path) -> dict[str, Any] | None:
    """What a finished run found; None: it is not finished. Damaged: the result is not what the run wrote."""
    status = read_status(folder)
    if status["state"] != "finished":
        return None
    check_sealed(folder, [RESULT, IDENTITY], status)
    try:
        return read_sealed(folder / RESULT)
    except FileNotFoundError:  # something that several runs share has no result of its own
        return None


def check_sealed(folder: Path, names: Iterable[str] | None, status: Mapping[str, Any] | None = None) -> None:
    """Raises Damaged: a file of a finished run is not what it was at its end, as far as the run noted it.

    names: of the files; None: all but figures and tables, which people may have changed.
    """
    files = (status or read_status(folder)).get("files", {})
    if names is None:
        names = [name for name in files if not name.startswith("figures/") and not name.endswith(".md")]
    check_content(folder, {name: files[name] for name in names if name in files})


def _line(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; the same command resumes"
    return str(error) if isinstance(error, UnlearnError) else f"{type(error).__name__}: {error}"
