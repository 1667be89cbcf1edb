"""Wrong input in YAML of one's own: one line that says where."""

import pytest


class TestConfigurationOfOnesOwn:
    @pytest.fixture
    def folder(self, tmp_path):
        for group in ("method", "task"):
            (tmp_path / "own" / group).mkdir(parents=True)
        return tmp_path / "own"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (
                "_target_: x\nlr: : 3\n",
                "mine.yaml, line 2: not valid YAML (mapping values are not allowed here)",
            ),
            (
                "a:\n\tb: 1\n",
                "mine.yaml, line 2: not valid YAML (found character '\\t' that cannot start any token)",
            ),
            ("lr: 1\n", "method._target_: missing"),
            ("- 1\n", "mine.yaml: holds a list; an option's file has a line"),
            ("", "method._target_: missing"),
            ("_target_: nosuch.Thing\n", "method._target_: cannot import 'nosuch.Thing'"),
            ("defaults:\n  - /optim@_here_: sdg\n", "optim: no option 'sdg'; did you mean 'sgd'?"),
            (
                "_target_: unlearn_cli.methods.ga.GradientAscent\n",
                "method.epochs: missing; set method.epochs=…",
            ),
        ],
        ids=["syntax", "tab", "no-target", "list", "empty", "no-class", "no-default", "no-values"],
    )
    def test_a_wrong_yaml(self, refused, folder, text, said):
        (folder / "method" / "mine.yaml").write_text(text)
        assert said in refused(f"--config-dir={folder}", "method=mine")

    def test_not_text_at_all(self, refused, folder):
        (folder / "method" / "mine.yaml").write_bytes(b"\xff\xfe\x00\x81")
        assert "a configuration file is not YAML in UTF-8" in refused(f"--config-dir={folder}", "method=mine")

    def test_a_misspelt_option_of_ones_own(self, refused, folder):
        (folder / "method" / "gradient_surgery.yaml").write_text("_target_: x\n")
        said = refused("--config-dir", str(folder), "method=gradient_surgry")
        assert "did you mean 'gradient_surgery'?" in said

    def test_a_misspelt_key_beside_an_option_of_ones_own(self, refused, folder):
        values = "_target_: unlearn_cli.methods.ga.GradientAscent\nlr: 1\n"
        (folder / "method" / "mine.yaml").write_text(values)
        said = refused(f"--config-dir={folder}", "method=mine", "method.lrr=1")
        assert said == "method.lrr: no such key or group; did you mean 'method.lr'?"

    def test_a_method_that_does_not_fit_the_task(self, refused, folder, monkeypatch):
        (folder / "silent_task.py").write_text(
            "from typing import ClassVar\n"
            "from unlearn_cli.config.settings import Settings\n"
            "class Silent(Settings):\n"
            "    name: ClassVar[str] = 'classification'\n"
            "class Nameless(Settings):\n"
            "    pass\n"
        )
        (folder / "task" / "silent.yaml").write_text("_target_: silent_task.Silent\n")
        (folder / "task" / "nameless.yaml").write_text("_target_: silent_task.Nameless\n")
        monkeypatch.syspath_prepend(folder)
        said = refused(f"--config-dir={folder}", "task=nameless", "method=ga")
        assert said == "model: 'resnet20' does not fit task=nameless; those that do: none"
        said = refused(f"--config-dir={folder}", "task=silent", "method=ga")
        assert said == ("method: 'ga' does not fit task=silent (it needs loss); those that do: checkpoint")
