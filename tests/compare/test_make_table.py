"""A table is tuned, swept and written; a call after one that was stopped goes on."""

import json
from pathlib import Path

import pytest
import yaml
from made_runs import made

from scripts import make_table
from scripts.make_table import make
from unlearn_cli.compare.published import Published
from unlearn_cli.errors import RunError

DECLARED = {
    "title": "Here",
    "methods": ["adu"],
    "as_they_are": ["maple"],
    "overrides": ["task=clip"],
    "parts": {"photo": ["forget.domains=[photo]"], "sketch": ["forget.domains=[sketch]"]},
    "trials": 12,
    "seeds": [0, 1],
    "tuning": ["data.val_fraction=0.3"],
    "sweep": ["oracle.count=3"],
    "columns": ["UA", "UA sketch"],
}
TUNE = ["tune", "method=adu", "trials=12", "seed=0", "task=clip", "data.val_fraction=0.3"]
SWEEPS = [
    ["-m", "method=adu,maple", "seed=0,1", "task=clip", f"forget.domains=[{part}]", "oracle.count=3"]
    for part in ("photo", "sketch")
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(DECLARED))
    monkeypatch.setattr(make_table, "TABLES", tmp_path)
    return tmp_path


class Unlearn:
    """The command, as far as a table sees it."""

    def __init__(self, ending: int | None = None):
        self.calls, self.ending = [], ending

    def __call__(self, *words: str) -> None:
        if self.ending == len(self.calls):
            raise RunError("killed")
        self.calls.append([*words])
        said = dict(word.partition("=")[::2] for word in words)
        if "plan" in words:
            return
        if words[0] == "tune":
            file = Path(said["into"]) / "values/clip/shapes/domain/adu.json"
            file.parent.mkdir(parents=True)
            file.write_text(
                json.dumps({"method": "adu", "trials": 12, "values": {"method.lr": 0.2, "mask.x": 1}})
            )
            return
        outputs = Path(said["paths.outputs"])
        for method in said["method"].split(","):
            for seed in said["seed"].split(","):
                config = {"forget.domains": said["forget.domains"]}
                run = made(outputs, method, int(seed), metrics={"UA": 10.0 * int(seed)}, config=config)
                (run / "environment.json").write_text(json.dumps({"commit": "0123456789", "changed": False}))
                status = {"state": "finished", "reason": None, "time": 1.8e9}
                (run / "status.json").write_text(json.dumps(status))


def test_tuning_then_sweeps_then_the_file(place):
    unlearn = Unlearn()
    file = make("small", place / "outputs", unlearn)
    folder = place / "outputs/small"
    store = f"paths.store={place}/outputs/store"
    tune = [*TUNE, f"into={folder}/tuned", store]
    sweeps = [
        [*words, f"paths.outputs={folder}/{part}", store]
        for words, part in zip(SWEEPS, ("photo", "sketch"), strict=True)
    ]
    plans = [[*words, "plan"] for words in (tune, *sweeps)]
    assert unlearn.calls == [*plans, tune, *([*words, f"tuned={folder}/tuned"] for words in sweeps)]
    found = Published.model_validate_json(file.read_text())
    assert found.commands[:2] == ["scripts/table small", f"unlearn {' '.join(TUNE)}"]
    assert [part.name for part in found.parts] == ["", "photo", "sketch"]
    adu, maple = found.parts[0].rows[2:]
    assert (adu.method, adu.trials, adu.settings) == ("adu", 12, {"lr": 0.2, "mask.x": 1})
    assert (maple.method, maple.trials, maple.settings) == ("maple", None, {})
    assert adu.values["UA"].each == [0.0, 10.0, 0.0, 10.0]


def test_nothing_is_written_before_all_is_there(place):
    for ending in range(6):
        with pytest.raises(RunError):
            make("small", place / f"outputs{ending}", Unlearn(ending))
        assert not (place / f"outputs{ending}/small.json").exists()


def test_a_command_that_fails_is_told(monkeypatch, capfd):
    monkeypatch.setattr(make_table, "UNLEARN", ("false",))
    assert make_table.main(["classification_class"]) == 1
    assert "error: this command ended with 1; mend that" in capfd.readouterr().err
    assert make_table.main(["clasification_class"]) == 2
    assert "did you mean 'classification_class'?" in capfd.readouterr().err


def test_without_a_name_it_lists_the_tables(capsys):
    assert make_table.main([]) == 0
    assert "clip_shapes: Built-in scenes" in capsys.readouterr().out
