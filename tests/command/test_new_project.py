"""`unlearn new project FOLDER`; that its own test passes, tests/test_extension.py tells."""

import re
import shlex
from pathlib import Path

import pytest

from unlearn_cli.command.new import new
from unlearn_cli.command.new_project import FILES
from unlearn_cli.command.skeleton import SKELETONS
from unlearn_cli.errors import InputError

SHORT = ("train.epochs=1", "progress=false")


@pytest.fixture
def project(unlearn, monkeypatch):
    """The folder that it writes, in which we are, with its plug-ins in use."""
    assert unlearn("new", "project", "mine").code == 0
    monkeypatch.chdir("mine")
    monkeypatch.setenv("UNLEARN_PLUGINS", "plugins")
    return Path.cwd()


def commands(readme):
    """The README's, each as its words."""
    found = re.findall(r"^    (unlearn.*?)(?: +#.*)?$", readme, re.MULTILINE)
    return [shlex.split(line)[1:] for line in found if line.startswith("unlearn ")]


def test_all_of_it_is_there_and_told(project):
    readme = (project / "README.md").read_text()
    for file in FILES:
        assert (project / file).is_file()
        assert file == "README.md" or f"`{file}`" in readme
    assert {path.name for path in (SKELETONS / "project").iterdir()} == {
        f"{Path(skeleton).name}.txt" for skeleton in FILES.values() if skeleton.startswith("project/")
    }


def test_what_its_sweeps_would_do(project, unlearn):
    """On this machine as on the cluster, which is not asked for that."""
    for where in ((), ("hydra/launcher=local",)):
        ended = unlearn("plan", "-m", "experiment=mine_sweep", *where)
        assert ended.code == 0, ended.err
        assert "12 runs, 12 to do" in ended.out


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text("")
    with pytest.raises(InputError, match=r"mine\.py: is there already"):
        new(["project", str(tmp_path)])
    assert not (tmp_path / "README.md").exists()


def test_odd_places(unlearn, tmp_path):
    ended = unlearn("new", "project", "my work/mine")
    assert "cd 'my work/mine'; export UNLEARN_PLUGINS=plugins" in ended.out
    assert "pytest 'my work/mine'" in ended.out
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    assert unlearn("new", "project", "notes").code == 0
    (tmp_path / "nowhere").symlink_to("gone")
    for words, told in (
        ([""], "new project: names no folder"),
        (["one", "two"], "new project: takes one folder"),
        (["nowhere"], "nowhere/README.md: cannot be written (File exists)"),
        (["/proc/mine"], "/proc/mine/README.md: cannot be written"),
    ):
        ended = unlearn("new", "project", *words)
        assert (ended.code, ended.error[: len(told)]) == (2, told)


@pytest.mark.thorough
def test_the_commands_of_its_readme_run_as_they_stand(project, unlearn):
    """But for that which wants a cluster; trainings are short, and one seed stands for three."""
    found = commands((project / "README.md").read_text())
    assert len(found) == 4
    for words in found:
        if words == ["-m", "experiment=mine_sweep"]:
            continue
        ended = unlearn(*words, *SHORT, *(["seed=0"] if "-m" in words else []))
        assert ended.code == 0, ended.err
    assert len([*project.glob("outputs/classification/**/certificate.json")]) == 5
