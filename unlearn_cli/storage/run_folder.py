"""Run folders: one run's config, status, log, manifest, model, metrics and figures."""

import logging
import os
import platform
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from unlearn_cli.errors import InputError, Preempted, UnlearnError
from unlearn_cli.runtime.process import slurm_job
from unlearn_cli.storage.environment import environment
from unlearn_cli.storage.files import read_json, remove_leftovers, remove_working_files, replacing, write_json
from unlearn_cli.storage.locks import exclusive_lock

CONFIG = "config.yaml"
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

    def __init__(self, path: Path, config: dict[str, Any], is_main: bool = True):
        self.path = path
        self.config = config
        self.is_main = is_main
        self.began = time.time()

    def status(self) -> dict[str, Any]:
        """The status record; {"state": "absent"} if the run never began."""
        file = self.path / "status.json"
        return read_json(file) if file.exists() else {"state": "absent"}

    def result(self) -> dict[str, Any] | None:
        """What a finished run found, or None."""
        if self.status()["state"] != "finished" or not (self.path / "metrics.json").exists():
            return None
        return read_json(self.path / "metrics.json")

    def has_same_config(self) -> bool:
        """Whether the run that began here last had this very configuration, the keys outside its path too."""
        file = self.path / CONFIG
        return file.exists() and file.read_text(encoding="utf-8") == OmegaConf.to_yaml(self.config)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Mark the run as running; at the end as preempted or failed if it did not come to `finish`.

        One process at a time: if another is at this run, wait for it. Look at `result` then; a finished run
        stays as it is.

        Raises:
            InputError: the folder cannot be written, or its file system has no locks.
        """
        lock = exclusive_lock(self.path / ".lock", "paths.outputs", f"doing the run in {self.path}")
        with lock if self.is_main else nullcontext():
            if self.result():
                yield
            else:
                with self._marked():
                    yield

    @contextmanager
    def _marked(self) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._status("running")
            if self.is_main:
                with replacing(self.path / CONFIG) as temporary:
                    OmegaConf.save(OmegaConf.create(self.config), temporary)
                write_json(self.path / "environment.json", environment())
        except OSError as error:
            raise InputError(
                f"paths.outputs: cannot write to '{self.path}' ({error.strerror}); give a writable folder"
            ) from error
        handler = (
            LogFile(self.path / "log.txt", encoding="utf-8", errors="backslashreplace")
            if self.is_main
            else logging.NullHandler()
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
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

    def finish(self, result: dict[str, Any] | None = None, shared_seconds: float = 0.0) -> None:
        """Write the result, if there is one, and mark the run finished; what only served its resumption goes.

        shared_seconds: what of its time went into things that other runs share (`unlearn plan` estimates by
        the rest).
        """
        if self.is_main:
            if result:
                write_json(self.path / "metrics.json", result)
            self._status("finished", seconds=time.time() - self.began - shared_seconds)
            remove_working_files(self.path)
            remove_leftovers(self.path)

    def refused(self, error: Exception) -> None:
        """Note why the run could not begin, or why it failed, if it has not said so itself."""
        if self.is_main and self.status()["state"] not in ("failed", "finished"):
            self.path.mkdir(parents=True, exist_ok=True)
            self._status("failed", _line(error))

    def _status(self, state: str, reason: str | None = None, **more: Any) -> None:
        if self.is_main:
            here = {"host": platform.node(), "pid": os.getpid(), "job": slurm_job(), "time": time.time()}
            write_json(self.path / "status.json", {"state": state, "reason": reason, **here, **more})


def _line(error: BaseException) -> str:
    return str(error) if isinstance(error, UnlearnError) else f"{type(error).__name__}: {error}"
