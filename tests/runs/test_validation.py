"""method.select and method.stop_at: looks at validation rows after each epoch, outside the clock."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from run_results import lasting, run_folders, weights
from tiny_commands import short
from tiny_processes import signalled, together
from tiny_run import unlearn

from unlearn_cli.config.dormant import awake
from unlearn_cli.figures import validation as figure
from unlearn_cli.validating import OBJECTIVE, PART

RL = ("method=rl", "method.epochs=3", "method.batch_size=16", "method.lr=0.3")
BEST = "method.select=best"
THOROUGH = pytest.mark.thorough


def history(result):
    """Rows of unlearning."""
    rows = json.loads((Path(result["folder"]) / "history.json").read_text())
    return [row for row in rows if row["stage"] not in ("original", "oracle")]


def test_the_best_epoch_is_a_run_of_so_many_epochs(run):
    """And what was seen of it is what `unlearn tune` would judge that run by."""
    best = run(*RL, BEST)
    found, rows = best["validation"], history(best)
    assert len(rows) == found["epochs"] == best["cost"]["epochs"] == 3
    values = [row[OBJECTIVE] for row in rows]
    assert found["epoch"] == 1 + values.index(min(values))
    assert found["value"] == min(values)
    assert found["objective"] == "avg_gap"
    assert not Path(best["folder"], "validation").exists(), "working files"

    alone = run(*RL, f"method.epochs={found['epoch']}")
    assert "validation" not in alone
    for name, value in weights(alone).items():
        assert torch.equal(value, weights(best)[name])
    assert alone["metrics"] == best["metrics"]
    judged = run(*RL, f"method.epochs={found['epoch']}", "judged_on=validation")
    assert judged["avg_gap"] == pytest.approx(found["value"])
    row = rows[found["epoch"] - 1]
    seen = {key.removeprefix(PART): value for key, value in row.items() if key.startswith(PART)}
    assert {key: judged["metrics"][key] for key in ("UA", "RA", "TA", "MIA")}.items() <= seen.items()


def test_it_ends_when_enough_is_forgotten(run):
    """The reference is the original's error on validation rows; the run is one of so many epochs."""
    ended = run(*RL, "method.stop_at=validation")
    found, rows = ended["validation"], history(ended)
    reached = [row[f"{PART}UA"] >= found["wanted"] for row in rows]
    assert reached.index(True) == len(rows) - 1 < 2
    assert found["enough"]
    assert found["epoch"] == found["epochs"] == len(rows)
    assert 0 < found["wanted"] < 100
    assert OBJECTIVE not in rows[0]
    alone = run(*RL, f"method.epochs={len(rows)}")
    assert alone["metrics"] == ended["metrics"]


def test_without_an_oracle_something_is_expected_of_one(run):
    """The original's RA and TA, and its error on validation rows of the classes for UA."""
    found = run(*RL, BEST, "oracle=false", "method.stop_at=validation")
    assert found["validation"]["objective"] == "mean gap of UA, RA, TA"
    assert found["validation"]["stand_in"]
    expected = run("method=original", "oracle=false", "judged_on=validation")["metrics"]
    expected |= {"UA": found["validation"]["wanted"]}
    for row in history(found):
        gaps = [abs(row[f"{PART}{key}"] - expected[key]) for key in ("UA", "RA", "TA")]
        assert row[OBJECTIVE] == pytest.approx(np.mean(gaps))


def outputs_of(result):
    return next(parent for parent in Path(result["folder"]).parents if (parent / "store").is_dir())


def test_keys_as_ever_are_no_keys():
    """Runs of earlier versions keep their folders."""
    ever = {"method": {"lr": 0.1, "select": "last", "stop_at": None}}
    assert awake(ever) == {"method": {"lr": 0.1}}
    other = {"method": {"select": "best", "stop_at": 0}}
    assert awake(other) == other


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("method=ft", "method.select=best", "data.val_fraction=0"), "method.select: 0 validation rows"),
        (("method=ft", "method.stop_at=5", "data.val_fraction=0"), "method.stop_at: 0 validation rows"),
        (("method=iu", "method.select=best"), "method.select: no epoch of method=iu could be its result"),
        (("method=retrain", "method.stop_at=5"), "method.stop_at: no epoch of method=retrain"),
        (("method=ft", "method.select=first"), "method.select: input should be 'last' or 'best'"),
        (("method=ft", "method.stop_at=101"), "method.stop_at: "),
        (
            ("method=ft", "method.select=best", "eval.attacks=[rmia]"),
            "method.select: eval.attacks and eval.klom unlearn many models",
        ),
    ],
)
def test_what_cannot_be_is_refused(refused, arguments, said):
    assert refused(*arguments).startswith(said)


def test_the_figure(tmp_path, saved_figures):
    (drawn,) = [saved_figures(figure)]
    rows = [{"epoch": epoch, OBJECTIVE: 5.0 - epoch, f"{PART}UA": 30.0 * epoch} for epoch in (1, 2, 3)]
    panels = {OBJECTIVE: "avg_gap", f"{PART}UA": "UA (%)"}
    figure.validation_curves(rows, panels, 2, 80.0, tmp_path / "validation.png", "ft · digits")
    assert [axis.get_ylabel() for axis in drawn[0].axes] == ["avg_gap", "UA (%)"]
    assert drawn[0].axes[1].lines[0].get_ydata().tolist() == [30, 60, 90]
    assert [text.get_text() for text in drawn[0].axes[1].texts] == ["enough"]
    assert "epoch 2 of 3" in drawn[0].get_suptitle()


def test_a_figure_of_nothing_forgotten_shows_no_negative_percents(tmp_path, saved_figures):
    (drawn,) = [saved_figures(figure)]
    rows = [{"epoch": epoch, f"{PART}UA": 0.0} for epoch in (1, 2)]
    figure.validation_curves(rows, {f"{PART}UA": "UA (%)"}, 2, None, tmp_path / "validation.png")
    lowest, highest = drawn[0].axes[0].get_ylim()
    assert -0.05 * highest < lowest < 0 < 1 <= highest


@THOROUGH
@pytest.mark.parametrize(
    "arguments",
    [
        ("task=generation", *short("salun")),
        ("task=generation", *short("ft"), "oracle=false", "method.ema=0.9"),
        ("task=text_to_image", "data.val_fraction=0.2", *short("ft"), "oracle=false"),
        ("task=text_to_image", "data.val_fraction=0.2", *short("spm")),
        ("task=clip", "data.val_fraction=0.3", *short("coop")),
        ("task=clip", "data.val_fraction=0.3", *short("lipschitz")),
        ("task=vlm", "data.val_fraction=0.3", *short("ft"), "lora=lora", "lora.rank=2"),
        ("method=be", "method.epochs=2"),
        (
            "method=scrub",
            "method.epochs=2",
            "forget=class",
            "forget.classes=[3]",
            "method.stop_at=validation",
        ),
        ("method=salun", "method.epochs=2", "surgery=concept_preserving"),
    ],
    ids=lambda value: " ".join(value),
)
def test_every_family(run, arguments):
    found = run(*arguments, BEST)
    assert found["validation"]["value"] is not None
    assert 1 <= found["validation"]["epoch"] <= found["validation"]["epochs"]


KILLED = (*RL, BEST, "method.ema=0.9", "checkpoint_minutes=0")


@THOROUGH
@pytest.mark.parametrize("count", [3, 9, 14])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_takes_the_same_epoch(run, tmp_path, number, count):
    whole = run(*KILLED)
    ended = (f"paths.outputs={tmp_path}", f"paths.store={outputs_of(whole) / 'store'}", *KILLED)
    assert signalled(number, "unlearn.resume.pt", count, *ended) in (143, -signal.SIGKILL)
    (result,) = unlearn(*ended)
    assert lasting(result) == lasting(whole)
    assert (Path(result["folder"]) / "history.json").read_text() == (
        Path(whole["folder"]) / "history.json"
    ).read_text()


def several(*arguments):
    unlearn(*arguments)


@THOROUGH
def test_two_processes_take_one_epoch(tmp_path):
    assert together(2, several, f"paths.outputs={tmp_path}", *RL, BEST) == [0, 0]
    (folder,) = run_folders(tmp_path)
    result = json.loads((folder / "metrics.json").read_text())
    (checked,) = unlearn(f"paths.outputs={tmp_path}", "method=checkpoint", f"method.path={folder}")
    assert checked["metrics"] == pytest.approx(result["metrics"], abs=1e-4)
