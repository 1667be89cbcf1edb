"""Whatever happens to W&B, the run goes on, and one warning line says what happened."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest
import wandb
from fake_wandb import serve
from tracked_run import INFO, exit_codes, records, rows, settings, use

from unlearn_cli.tracking import RunInfo, Tracker, WandbTracker, checks, wandb_tracker
from unlearn_cli.tracking import weights_and_biases as module


def goes_offline(folder: Path, warnings: list[str], reason: str, **changes: Any) -> None:
    """The run is tracked offline, whole, and one warning line says why."""
    tracker = settings(**changes).start(INFO, folder)
    tracker.log("unlearn", 0, {"loss": 1.0})
    tracker.finish()
    wandb.teardown()  # W&B writes its file a moment after `finish`
    assert len(warnings) == 1
    assert reason in warnings[0]
    assert "tracked offline" in warnings[0]
    assert "\n" not in warnings[0]
    assert isinstance(tracker, WandbTracker)
    assert Path(tracker.folder).name.startswith("offline-run-")
    assert next(Path(tracker.folder).glob("*.wandb")).stat().st_size > 500


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_server_down(tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, f"http://127.0.0.1:{free_port()}")
    goes_offline(tmp_path, warnings, "Connection refused")


def test_server_that_never_answers(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PROBE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        goes_offline(tmp_path, warnings, "did not answer in 0.2 s")


class _OnlyHead(BaseHTTPRequestHandler):
    """Answers the probe and then nothing more."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        threading.Event().wait(20)

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_server_that_hangs_at_login(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INIT_SECONDS", 0.5)
    with ThreadingHTTPServer(("127.0.0.1", 0), _OnlyHead) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        use(monkeypatch, f"http://127.0.0.1:{server.server_port}")
        goes_offline(tmp_path, warnings, "deadline exceeded")
        server.shutdown()


def test_wrong_key(tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(reject_keys=True) as fake:
        use(monkeypatch, fake.url)
        goes_offline(tmp_path, warnings, "401")


def test_key_too_short(tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as fake:
        use(monkeypatch, fake.url, key="short")
        goes_offline(tmp_path, warnings, "API key must have 40+ characters")


def test_online_without_a_key(tmp_path: Path, warnings: list[str]) -> None:
    goes_offline(tmp_path, warnings, "WANDB_API_KEY", mode="online")


def test_folder_that_cannot_be_written(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "file").write_text("")
    tracker = settings().start(INFO, tmp_path / "file" / "run")
    tracker.log("unlearn", 0, {"loss": 1.0})
    tracker.finish()
    assert type(tracker) is Tracker
    assert len(warnings) == 1
    assert "not tracked" in warnings[0]


def test_offline_start_that_fails(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: object) -> None:
        raise RuntimeError("no process\ncan be started")

    monkeypatch.setattr(wandb, "init", init)
    assert type(settings(mode="offline").start(INFO, tmp_path)) is Tracker
    assert warnings == ["W&B: cannot start offline (no process can be started); this run is not tracked"]


def test_value_that_cannot_be_logged_ends_tracking_only(tmp_path: Path, warnings: list[str]) -> None:
    tracker = settings().start(INFO, tmp_path)
    tracker.log("unlearn", 0, {"loss": 1.0})
    tracker.log("unlearn", 1, {"loss": object()})  # type: ignore[dict-item]
    tracker.log("unlearn", 2, {"loss": 1.0})
    tracker.summary({"UA": 1.0})
    tracker.finish()
    assert len(warnings) == 1
    assert "log failed" in warnings[0]
    assert "wandb sync" in warnings[0]
    found = records(tracker)
    assert [row["unlearn/step"] for row in rows(found)] == [0]  # what came before is kept
    assert exit_codes(found) == [1]


def test_absent_figure_ends_tracking_only(tmp_path: Path, warnings: list[str]) -> None:
    tracker = settings().start(INFO, tmp_path)
    tracker.figure("curves", tmp_path / "absent.png")
    tracker.finish()
    assert len(warnings) == 1
    assert "figure failed" in warnings[0]


def test_death_of_the_wandb_process_and_a_next_run(tmp_path: Path, warnings: list[str]) -> None:
    tracker = settings().start(INFO, tmp_path)
    for child in psutil.Process().children(recursive=True):
        if child.name().startswith("wandb"):
            child.kill()
            child.wait()
    for step in range(3):
        tracker.log("unlearn", step, {"loss": 1.0})
    tracker.finish()
    assert len(warnings) == 1
    following = settings().start(RunInfo("next", "next", "g", "unlearn", (), {}), tmp_path)
    following.log("unlearn", 0, {"loss": 1.0})
    following.finish()
    assert isinstance(following, WandbTracker)
    assert len(warnings) == 1


def test_server_that_goes_down_during_the_run(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.5)
    with serve() as fake:
        use(monkeypatch, fake.url)
        tracker = settings().start(INFO, tmp_path)
    tracker.log("unlearn", 0, {"loss": 1.0})
    tracker.finish()
    assert len(warnings) == 1
    assert "finish failed (Timed out" in warnings[0]
    assert isinstance(tracker, WandbTracker)
    assert next(Path(tracker.folder).glob("*.wandb")).stat().st_size > 500  # on disk all the same


def test_disk_that_filled_up_is_told(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    tracker = settings().start(INFO, tmp_path)
    monkeypatch.setattr(wandb_tracker, "check_writable", full)
    tracker.finish()
    assert len(warnings) == 1
    assert not tracker.complete
    assert "No space left" in warnings[0]
