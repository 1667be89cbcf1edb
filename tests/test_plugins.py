"""Plug-ins that cannot be used: one line that says where and why, before anything is trained."""

import os
import sys
from pathlib import Path

import pytest

from unlearn_cli.config.catalogue import PLUGINS, options
from unlearn_cli.config.plugins import used

YAML = "# unlearn method=bad\n# A bad one\n_target_: {target}\n"
METRIC = """
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.evaluation.metric import Metric
class {name}(Metric):
    {meaning}
    def measure(self, origins, model, outputs, folder):
        return 1.0
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of plug-ins that the environment names."""
    (tmp_path / "plugins").mkdir()
    monkeypatch.setenv("UNLEARN_PLUGINS", "plugins")
    return tmp_path / "plugins"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "raising",
            "import json\n\nx = 1 / 0\n",
            "raising.py, line 3: ZeroDivisionError: division by zero; mend",
        ),
        ("no_syntax", "class Bad(:\n", "no_syntax.py, line 1: SyntaxError: "),
        (
            "no_import",
            "import json\nimport nothing_such\n",
            "no_import.py, line 2: No module named 'nothing_such'",
        ),
        ("no_name", "from json import nothing_such\n", "no_name.py, line 1: ImportError: cannot import name"),
        ("no_class", "class Bat:\n    pass\n", "no_class.py has no class 'Bad'; did you mean 'Bat'?"),
        (
            "no_kind",
            "class Bad:\n    pass\n",
            "'no_kind.Bad' is not a subclass of unlearn_cli.config.settings",
        ),
        (
            "no_body",
            "from unlearn_cli.methods.base import Unlearning\nclass Bad(Unlearning):\n    pass\n",
            "'no_body.Bad' has yet to define unlearn",
        ),
    ],
)
def test_a_file_that_cannot_be_used(refused, folder, name, text, said):
    write(folder, f"{name}.py", text)
    write(folder, "method/bad.yaml", YAML.format(target=f"{name}.Bad"))
    assert said in (line := refused("method=bad")), line
    assert line.startswith("method._target_: ")


def test_a_file_that_is_not_there(refused, folder):
    write(folder, "method/bad.yaml", YAML.format(target="not_there.Bad"))
    assert "put not_there.py into a folder that UNLEARN_PLUGINS or --config-dir names" in refused(
        "method=bad"
    )


def test_a_file_with_the_name_of_an_installed_module(refused, folder):
    write(folder, "statistics.py", "class Bad:\n    pass\n")
    write(folder, "method/bad.yaml", YAML.format(target="statistics.Bad"))
    line = refused("method=bad")
    assert "statistics.py, which has the name of " in line
    assert str(folder / "statistics.py") in line


def test_a_folder_that_is_not_there(refused, folder, monkeypatch):
    monkeypatch.setenv("UNLEARN_PLUGINS", f"plugins{os.pathsep}nowhere")
    assert refused().startswith("UNLEARN_PLUGINS: no such folder 'nowhere'; give one with YAML")
    monkeypatch.delenv("UNLEARN_PLUGINS")
    assert refused("--config-dir=nowhere").startswith("--config-dir: no such folder 'nowhere'")


def test_an_option_that_is_there_already(refused, folder):
    path = write(folder, "method/ga.yaml", YAML.format(target="x.Y"))
    name = Path("method", "ga.yaml")
    assert refused() == f"{path}: there is a {name} already, of unlearn; give it another name"
    other = folder.parent / "other"
    path.rename(folder / "method" / "mine.yaml")
    write(other, "method/mine.yaml", YAML.format(target="x.Y"))
    assert f"already, of {folder / 'method' / 'mine.yaml'}" in refused(f"--config-dir={other}")


@pytest.mark.parametrize(
    ("key", "meaning", "said"),
    [
        ("m_none", "pass", "metric.m_none._target_: m_none.Mine has no meaning; give it meaning = Meaning("),
        ("m_up", "meaning = Meaning('a', '%', 'up', 'b')", "'up'; oracle, higher or lower is right"),
        (
            "m_text",
            "meaning = Meaning('a', 3, 'higher', 'b')",
            "name, unit and text of its meaning are texts",
        ),
        ("UA", "meaning = Meaning('a', '%', 'higher', 'b')", "'UA' is a metric of unlearn's own"),
        ("m_name", "meaning = Meaning('MIA', '%', 'higher', 'b')", "tables have a 'MIA' of unlearn's own"),
        (
            "m_task",
            "meaning = Meaning('a', '', 'higher', ''); tasks = ('clip',)",
            "does not fit task=classif",
        ),
    ],
)
def test_a_metric_without_a_right_meaning(refused, folder, key, meaning, said):
    module = f"of_{key}" if key == "UA" else key
    write(folder, f"{module}.py", METRIC.format(name="Mine", meaning=meaning))
    write(folder, "metric/mine.yaml", f"# @package metric.{key}\n_target_: {module}.Mine\n")
    assert said in (line := refused("metric=mine")), line


def test_two_metrics_of_one_name(refused, folder):
    for key in ("m_one", "m_two"):
        write(
            folder,
            f"{key}.py",
            METRIC.format(name="Mine", meaning="meaning = Meaning('a', '', 'higher', 'b')"),
        )
        write(folder, f"metric/{key}.yaml", f"# @package metric.{key}\n_target_: {key}.Mine\n")
    assert refused("metric=[m_one,m_two]").startswith("metric: two metrics are called 'a' in tables;")


def test_a_metric_whose_key_is_not_said(refused, folder):
    write(folder, "metric/mine.yaml", "_target_: nothing.Mine\n")
    assert "begins with the line '# @package metric.KEY'" in refused("metric=mine")
    assert refused("metric=[mine,other]") == "metric: no option 'other'; there are: mine"
    assert refused("metric=nine") == "metric: no option 'nine'; did you mean 'mine'?"


def test_without_any_metric(refused):
    assert refused("metric=x").startswith("metric: no option 'x', nor any other; they come from plug-ins")


def test_they_are_known_for_a_block_and_come_after_all_else(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    write(folder, "mine_of_a_block.py", "")
    write(folder, "method/mine.yaml", YAML.format(target="x.Y"))
    path = [*sys.path]
    with used([f"--config-dir={folder}"]):
        assert sys.path == [*path, str(folder)]
        assert [option.name for option in options("method") if option.is_plugin] == ["mine"]
    assert (sys.path, PLUGINS) == (path, [])
