"""What other programs leave in the environment is told, and never makes a run wait or stay silent."""

import io
import os
import subprocess
import sys

import datasets.config
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from only_run import FT
from PIL import Image
from tiny_commands import TINY

import unlearn_cli as unlearn
from unlearn_cli.errors import InputError
from unlearn_cli.runtime import compute, process

TORCHRUN = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in process.OF_LAUNCHERS:
        monkeypatch.delenv(name, raising=False)


LEFT = [
    (
        {"RANK": "3"},
        "RANK=3: in the environment, but LOCAL_RANK and WORLD_SIZE and MASTER_ADDR and MASTER_PORT",
    ),
    ({"LOCAL_RANK": "0"}, "unset LOCAL_RANK, or start with torchrun"),
    ({"RANK": "1", "WORLD_SIZE": "4"}, "unset RANK WORLD_SIZE"),
    ({"RANK": "0", "WORLD_SIZE": "2"}, "LOCAL_RANK and MASTER_ADDR and MASTER_PORT are not set"),
    (TORCHRUN | {"RANK": "5"}, "of that many processes none has that number"),
    (TORCHRUN | {"RANK": "x"}, "of that many processes none has that number"),
]


@pytest.mark.parametrize(("left", "said"), LEFT)
def test_of_a_launcher(refused, monkeypatch, left, said):
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    assert said in refused(*FT)
    assert said in refused("-m", *FT)
    with pytest.raises(InputError, match=r"left over from another launcher\?"):
        unlearn.run(*FT)


@pytest.mark.parametrize(
    "left", [{}, {"RANK": "0"}, {"RANK": "0", "WORLD_SIZE": "1"}, {"WORLD_SIZE": "8"}, TORCHRUN]
)
def test_what_makes_a_run(monkeypatch, left):
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    process.check_launcher()


def test_who_waits_for_processes_that_never_come_is_told(monkeypatch, capsys):
    said = []
    monkeypatch.setattr(compute, "TOLD_AFTER", 0.0)
    monkeypatch.setattr(compute.log, "warning", lambda line, *values: said.append(line % values))
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with compute._telling_of_a_wait():
        compute.threading.Event().wait(0.2)
    assert said == [
        "process 0 of 2 (RANK, WORLD_SIZE) waits for the others; if there are none, unset these variables"
    ]


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A cache folder that cannot be made: its home is no folder."""
    home = tmp_path / "home"
    home.write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", home / "datasets")
    return home


def test_a_home_that_takes_no_files_is_named_and_not_the_data(refused, closed, tmp_path, monkeypatch):
    content = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(content, "PNG")
    rows = [{"image": {"bytes": content.getvalue(), "path": None}, "label": i % 2} for i in range(8)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    for name in ("HF_DATASETS_CACHE", "HF_HOME"):
        monkeypatch.setenv(name, str(closed))
        said = refused("data=images", f"data.path={tmp_path / 'train.parquet'}", "model=resnet20")
        assert said.startswith("HF_DATASETS_CACHE: ")
        assert f"'{closed / 'datasets'}'" in said
    monkeypatch.delenv("HF_DATASETS_CACHE")
    said = refused("data=images", f"data.path={tmp_path / 'train.parquet'}", "model=resnet20")
    assert said.endswith("takes no files; set HF_HOME=FOLDER to one that does")


def test_a_run_needs_no_home(tmp_path):
    home = tmp_path / "home"
    home.write_text("")
    closed = dict.fromkeys(
        ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "HF_HOME"), f"{home}/x"
    )
    command = [
        sys.executable,
        "-m",
        "unlearn_cli",
        *TINY,
        *FT,
        "method.epochs=1",
        f"paths.outputs={tmp_path / 'o'}",
    ]
    command += ["tracking=wandb", "tracking.mode=offline"]
    done = subprocess.run(command, env=os.environ | closed, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert "Avg Gap" in done.stdout
    assert "not tracked" not in done.stderr
    assert [*tmp_path.rglob("offline-run-*")]
