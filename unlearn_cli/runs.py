"""Run folders: one run's config, status, log, manifest, model, metrics and figures."""

import logging
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from unlearn_cli.errors import InputError, Preempted, UnlearnError
from unlearn_cli.files import read_json, remove_leftovers, remove_working_files, replacing, write_json

log = logging.getLogger("unlearn")

PACKAGES = ("unlearn-cli", "torch", "torchvision", "timm", "datasets", "hydra-core", "scikit-learn", "wandb")


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

    def status(self) -> dict[str, Any]:
        """The status record; {"state": "absent"} if the run never began."""
        file = self.path / "status.json"
        return read_json(file) if file.exists() else {"state": "absent"}

    def result(self) -> dict[str, Any] | None:
        """What a finished run found, or None."""
        if self.status()["state"] != "finished" or not (self.path / "metrics.json").exists():
            return None
        return read_json(self.path / "metrics.json")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Mark the run as running; at the end as preempted or failed if it did not come to `finish`.

        Raises:
            InputError: the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._status("running")
            if self.is_main:
                with replacing(self.path / "config.yaml") as temporary:
                    OmegaConf.save(OmegaConf.create(self.config), temporary)
                write_json(self.path / "environment.json", environment())
        except OSError as error:
            raise InputError(
                f"paths.outputs: cannot write to '{self.path}' ({error.strerror}); give a writable folder"
            ) from error
        handler = LogFile(self.path / "log.txt") if self.is_main else logging.NullHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        try:
            yield
        except (Preempted, SystemExit) as error:  # a scheduler's handler may exit once it has requeued
            self._status("preempted", str(error))
            raise
        except BaseException as error:
            log.debug("".join(traceback.format_exception(error)))  # for log.txt alone
            line = str(error) if isinstance(error, UnlearnError) else f"{type(error).__name__}: {error}"
            try:
                self._status("failed", line)
            except OSError as also:
                log.warning("status.json still says 'running': it cannot be written (%s)", also.strerror)
            raise
        finally:
            log.removeHandler(handler)
            handler.close()

    def finish(self, result: dict[str, Any]) -> None:
        """Write the result and mark the run finished; what only served its resumption goes."""
        if self.is_main:
            write_json(self.path / "metrics.json", result)
            self._status("finished")
            remove_working_files(self.path)
            remove_leftovers(self.path)

    def _status(self, state: str, reason: str | None = None) -> None:
        if self.is_main:
            record = {"state": state, "reason": reason, "host": platform.node(), "time": time.time()}
            write_json(self.path / "status.json", record)


def environment() -> dict[str, Any]:
    """Commit, versions and machine of this process."""
    return {
        "command": sys.argv,
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "host": platform.node(),
        "platform": platform.platform(),
    }


def _git(*arguments: str) -> str | None:
    """What git says of the source tree; None where the package is not run from a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
