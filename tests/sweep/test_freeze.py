"""Jobs run the code of their submission."""

import shutil
import subprocess
import sys

import cloudpickle
import pytest

from unlearn_cli.runtime import cpu
from unlearn_cli.storage.files import read_json
from unlearn_cli.sweep.freeze import freeze, own_modules
from unlearn_cli.sweep.job import Job


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A module and a package of the user's own, imported."""
    (tmp_path / "mine" / "inner").mkdir(parents=True)
    (tmp_path / "my_method.py").write_text("VALUE = 1\n")
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "inner" / "__init__.py").write_text("VALUE = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("my_method", "mine"):
        __import__(name)
    yield tmp_path
    for name in ("my_method", "mine"):
        del sys.modules[name]


def test_the_copy_holds_package_configuration_and_own_modules(mine, tmp_path):
    copy = freeze(tmp_path / "code")
    for file in (
        "unlearn_cli/run.py",
        "unlearn_cli/conf/method/salun.yaml",
        "my_method.py",
        "mine/inner/__init__.py",
    ):
        assert (copy / file).is_file()
    assert not list(copy.rglob("__pycache__"))
    assert read_json(copy / "unlearn_cli" / "frozen.json").keys() == {"commit", "changed", "diff"}


def test_of_a_package_only_code_and_configuration_are_copied(mine, tmp_path):
    """A package is often the top of somebody's whole project, keys and data among it."""
    for name in (
        ".env",
        ".git/config",
        "secrets.json",
        "data/images.npy",
        "inner/.hidden.py",
        "wandb/key.txt",
    ):
        (mine / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / "mine" / name).write_text("secret")
    (mine / "mine" / "method").mkdir()
    (mine / "mine" / "method" / "mine.yaml").write_text("_target_: mine.Mine\n")
    copied = freeze(tmp_path / "code") / "mine"
    files = {file.relative_to(copied).as_posix() for file in copied.rglob("*") if file.is_file()}
    assert files == {"__init__.py", "inner/__init__.py", "method/mine.yaml"}


def test_what_an_environment_holds_is_not_copied(mine):
    assert own_modules()["my_method"] == (mine / "my_method.py").resolve()
    assert own_modules()["mine"] == (mine / "mine").resolve()
    assert not {"torch", "json", "pytest", "unlearn_cli", "submitit"} & own_modules().keys()


def test_what_is_installed_beside_the_environment_is_not_copied(tmp_path, monkeypatch):
    """A cluster's modules put packages on PYTHONPATH; their compiled parts would be missing in a copy."""
    place = tmp_path / "software" / "site-packages"
    (place / "of_a_module").mkdir(parents=True)
    (place / "of_a_module" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(place)
    monkeypatch.setitem(sys.modules, "of_a_module", __import__("of_a_module"))
    assert "of_a_module" not in own_modules()


def test_equal_code_is_copied_once_and_changed_code_anew(mine, tmp_path):
    first = freeze(tmp_path / "code")
    assert freeze(tmp_path / "code") == first
    (mine / "my_method.py").write_text("VALUE = 3\n")
    assert freeze(tmp_path / "code") != first
    assert (first / "my_method.py").read_text() == "VALUE = 1\n"


def test_a_job_imports_the_copy_whatever_else_is_on_the_path(tmp_path):
    """In a fresh process, as submitit unpickles it; the package itself is installed there."""
    for folder in ("unlearn_cli", "unlearn_cli/sweep", "unlearn_cli/runtime"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("")
    shutil.copy(cpu.__file__, tmp_path / "unlearn_cli" / "runtime")
    (tmp_path / "unlearn_cli" / "sweep" / "work.py").write_text(
        "from os import environ\n"
        "def work(**arguments): print(arguments, *map(environ.get, ['OMP_NUM_THREADS', 'OMP_WAIT_POLICY']))\n"
    )
    job = Job(str(tmp_path), 3, {"folder": "here"})
    (tmp_path / "job.pkl").write_bytes(cloudpickle.dumps(job))
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "job.pkl")],
        capture_output=True,
        text=True,
        env={"PATH": ""},
        check=False,
    )
    assert done.stdout == "{'folder': 'here'} 3 PASSIVE\n", done.stderr
