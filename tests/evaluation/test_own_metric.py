"""A metric of one's own in a run: its numbers, its meaning in record and W&B, its place in the store."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from run_results import entries
from tiny_commands import EPOCH

import unlearn_cli as unlearn
from unlearn_cli.config.plugins import used
from unlearn_cli.experiment import read
from unlearn_cli.storage.files import read_json
from unlearn_cli.tracking.run_info import run_info

SHARE = """
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.evaluation.metric import Metric

class Share(Metric):
    of: str

    @property
    def meaning(self):
        return Meaning(f"share of {{self.of}}", "nats", "lower", "what it is")

    def measure(self, origins, model, outputs, folder):
        assert not model.training
        return {value}
"""
MEASURED = "float(outputs['logits'][getattr(origins.sets, self.of)].exp().sum(1).log().mean())"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Plug-ins that the environment names, with metric=share and metric=other of one class."""
    (tmp_path / "plugins" / "metric").mkdir(parents=True)
    for key in ("share", "other"):
        text = f"# @package metric.{key}\n_target_: share_of.Share\nof: test\n"
        (tmp_path / "plugins" / "metric" / f"{key}.yaml").write_text(text)
    (tmp_path / "plugins" / "share_of.py").write_text(SHARE.format(value=MEASURED))
    monkeypatch.setenv("UNLEARN_PLUGINS", str(tmp_path / "plugins"))
    return tmp_path / "plugins"


def test_a_run_has_its_numbers_and_its_meaning(folder, tiny):
    ended = tiny("method=ft", EPOCH, "metric=[share,other]", "metric.other.of=forget", "paths.store=store")
    assert ended.code == 0, ended.err
    assert "share of test (nats) ↓" in ended.out
    (file,) = Path("outputs").rglob("metrics.json")
    result = read_json(file)
    for key, of in (("share", "test"), ("other", "forget")):
        assert result["gap"][key] == pytest.approx(abs(result["metrics"][key] - result["oracle"][key]))
        assert key in result["original"]
        assert result["meanings"][key] == {
            "name": f"share of {of}",
            "unit": "nats",
            "better": "lower",
            "text": "what it is",
        }
    assert result["metrics"]["share"] != result["metrics"]["other"]
    facts = [read_json(entry / "entry.json")["facts"] for entry in entries(Path("store"), "metric")]
    assert len(facts) == 4  # each of original and oracle
    assert {fact["metric"]["of"] for fact in facts} == {"test", "forget"}
    assert {len(fact["metric"]["source"]) for fact in facts} == {16}
    assert (
        "already finished" in tiny("method=ft", EPOCH, "metric=[share,other]", "metric.other.of=forget").err
    )


def test_what_it_measures_is_measured_anew_when_its_file_has_changed(folder, tiny):
    """The one thing that a class' name and values do not tell."""
    with used([]):
        metric = experiment("metric=share").metric["share"]
        before = metric.facts()
        (folder / "share_of.py").write_text(SHARE.format(value="1.0"))
        assert metric.facts() != before
        assert metric.facts()["class"] == "share_of.Share"


def test_a_tracker_is_told_its_direction(folder):
    with used([]):
        chosen = experiment("metric=share")
        info = run_info(chosen.described(), "id", "unlearn", chosen.config, own=True)
    assert info.better["share"] == "lower"
    assert info.glossary["share"] == "share of test (nats) ↓: what it is"


def test_a_run_without_it_is_the_run_it_was(folder):
    """And is found in the folder where it has always been."""
    plain, chosen = unlearn.compose("seed=1"), unlearn.compose("seed=1", "metric=[]")
    assert plain == chosen
    assert "metric" not in plain.config


def test_what_is_no_number_is_told(folder, tiny, monkeypatch):
    (folder / "none_of.py").write_text(SHARE.format(value="None"))
    (folder / "metric" / "none.yaml").write_text(
        "# @package metric.none\n_target_: none_of.Share\nof: test\n"
    )
    ended = tiny("method=ft", EPOCH, "metric=none")
    assert ended.code == 1
    assert ended.error == "metric.none: Share.measure gives None; it has to return a number"


def experiment(*overrides):
    config, choices = unlearn.compose(*overrides)
    return read(OmegaConf.create(config), choices)
