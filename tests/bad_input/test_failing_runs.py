"""Runs that fail once they have begun, through the real command: one line, exit code 1, no traceback."""

import errno
import shutil
import signal
from pathlib import Path

import pytest
from filelock import FileLock
from only_run import GA, measured, status, the_run


@pytest.fixture(scope="module")
def expected() -> dict:
    """Metrics of the undisturbed run, once a test has made one."""
    return {}


class TestFailures:
    """What goes wrong once a run has begun: exit code 1, status failed, the same command goes on."""

    def test_a_truncated_store_entry(self, tiny, tmp_path):
        arguments = (*GA, "paths.store=store")
        assert tiny(*arguments).code == 0
        before = measured()
        (*_, weights) = sorted((tmp_path / "store" / "model").glob("*/model.safetensors"))
        weights.write_bytes(weights.read_bytes()[:1000])
        shutil.rmtree("outputs")
        end = tiny(*arguments)
        assert end.code == 0
        assert "is damaged (model.safetensors has changed); set aside as" in end.err
        assert weights.parent.with_name(f"{weights.parent.name}.damaged-0").is_dir()
        assert measured() == before

    @pytest.mark.parametrize(
        ("writer", "error"),
        [
            ("torch.save", OSError(errno.ENOSPC, "No space left on device")),
            ("torch.save", RuntimeError("basic_ios::clear: iostream error\nat some line")),
            ("unlearn_cli.models.checkpoint.save_file", OSError(errno.EDQUOT, "Disk quota exceeded")),
            ("unlearn_cli.models.run_model.write_json", OSError(errno.ENOSPC, "No space left on device")),
        ],
        ids=["checkpoint", "checkpoint-in-C++", "model", "history"],
    )
    def test_disk_full(self, tiny, monkeypatch, expected, writer, error):
        arguments = (*GA, "checkpoint_minutes=0")
        with monkeypatch.context() as patch:
            patch.setattr(writer, raising(error))
            end = tiny(*arguments)
        assert end.code == 1
        assert "Traceback" not in end.err
        assert end.error
        assert any(word in end.error for word in ("No space left", "Disk quota exceeded", "disk full"))
        state = status()
        assert state["state"] == "failed"
        assert state["reason"]
        assert not list(Path().rglob("*.tmp"))
        end = tiny(*arguments)
        assert end.code == 0, end.err
        assert status()["state"] == "finished"
        interrupted = measured()
        if not expected:
            shutil.rmtree("outputs")
            assert tiny(*arguments).code == 0
            expected |= measured()
        assert interrupted == expected

    def test_disk_full_for_the_status_too(self, tiny, monkeypatch):
        """Nothing at all can be written once the run has begun; the error that began it is told."""
        import unlearn_cli.storage.status as status_file

        write = status_file.write_sealed

        def only_first(path, content):
            if content.get("state") == "failed":
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            write(path, content)

        monkeypatch.setattr(status_file, "write_sealed", only_first)
        monkeypatch.setattr(
            "unlearn_cli.models.run_model.write_json",
            raising(OSError(errno.ENOSPC, "No space left on device")),
        )
        end = tiny(*GA)
        assert end.code == 1
        assert "No space left on device" in end.error
        assert "status.json still says 'running'" in end.err
        assert "Traceback" not in end.err

    def test_a_loss_that_is_not_a_number(self, tiny):
        end = tiny("method=ga", "method.epochs=3", "method.lr=1e30", "checkpoint_minutes=0")
        assert end.code == 1
        assert "the loss of 'unlearn' is not finite at step 1 (epoch 2)" in end.error
        assert "the last good checkpoint is" in end.error
        assert (the_run() / "unlearn.resume.pt").exists()
        assert status()["state"] == "failed"
        assert status()["reason"] == end.error
        log = (the_run() / "log.txt").read_text()
        assert "Traceback" in log
        assert "Diverged" in log
        assert "Traceback" not in end.err

    def test_a_model_that_has_diverged_without_a_bad_loss(self, tiny):
        end = tiny("method=ga", "method.epochs=1", "method.lr=1e30")
        assert end.code == 1
        assert "the model has diverged" in end.error
        assert status()["state"] == "failed"


def test_a_stop_while_another_process_is_at_the_run(tiny, monkeypatch):
    """SIGTERM is heard there too: a line, exit code 143, the run as the other one leaves it."""
    assert tiny(*GA).code == 0
    folder = the_run()
    (folder / "status.json").unlink()
    with FileLock(folder / ".lock"):
        acquire = FileLock.acquire

        def stopped(self, *arguments, **options):
            signal.raise_signal(signal.SIGTERM)
            return acquire(self, *arguments, **options)

        monkeypatch.setattr(FileLock, "acquire", stopped)
        end = tiny(*GA)
    assert end.code == 143
    assert "stopped by SIGTERM while it waited for another process; the same command resumes" in end.err
    assert not (folder / "status.json").exists()


def raising(error: BaseException):
    def write(*_, **__):
        raise error

    return write
