"""What a sweep would do: nothing is made by looking."""

from pathlib import Path

import numpy as np
import pytest
import tiny_commands
import tiny_run
from PIL import Image

from unlearn_cli.sweep.launch import names
from unlearn_cli.sweep.record import Item, Record
from unlearn_cli.sweep.states import State
from unlearn_cli.sweep.status_table import show_status

SWEEP = ("-m", "method=ga,salun", "seed=0,1", "method.epochs=1")


@pytest.fixture
def planned(unlearn, tmp_path):
    """planned(*arguments): what `unlearn plan` prints, as words; wide enough that no line is broken."""

    def command(*arguments, code=0):
        end = unlearn("plan", *tiny_commands.TINY, f"paths.outputs={tmp_path}/out", *arguments)
        assert end.code == code, end.err
        return " ".join(end.out.split())

    return command


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_runs_are_named_by_what_differs():
    sweep = [
        (["method=ga", "seed=0", "data=digits"], None, {}),
        (["method=ga", "seed=1", "data=digits"], None, {}),
    ]
    assert names(sweep) == ["seed=0", "seed=1"]
    assert names(sweep[:1]) == ["method=ga seed=0 data=digits"]
    assert (
        names([(["experiment@_global_=a"], None, {}), (["experiment@_global_=b"], None, {})])[0]
        == "experiment=a"
    )


def test_a_plan_of_nothing_done_yet(planned, tmp_path):
    said = planned(*SWEEP)
    assert "4 runs, 4 to do" in said
    assert "method=salun seed=1 not begun ?" in said
    assert "original 0 2 ? each" in said
    assert "oracle 0 2 ? each" in said
    assert "saliency scores 0 2" in said
    assert "nothing like it has been measured yet" in said
    assert not (tmp_path / "out").exists()


def test_a_whole_class_is_the_same_for_every_seed(planned):
    sweep = ("-m", "method=ft", "seed=0,1,2", "oracle.count=2", "forget=class")
    pool = ("eval.attacks=[ulira]", "shadows.count=4")
    said = planned(*sweep, *pool)
    assert "oracle 0 4" in said  # of the seeds 0 to 3
    assert "unlearned shadow 0 4" in said
    assert "oracle 0 6" in planned(*sweep, "forget.fraction=0.5")


def test_a_models_unlearning_in_a_pool_takes_as_long_as_a_run_at_most(planned, tmp_path):
    tiny_run.unlearn("-m", "method=ga", "seed=0", f"paths.outputs={tmp_path}/out")
    said = planned("-m", "method=ga,ft", "eval.attacks=[ulira]", "shadows.count=4")
    assert "unlearned shadow 0 8" in said
    assert "without 5 of 14 parts that were never measured" in said  # all of fine-tuning


def test_a_key_that_every_swept_option_has_and_the_default_has_not(planned):
    assert "2 runs, 2 to do" in planned("-m", "method=eu_k,cf_k", "method.k=2")


def test_a_plan_counts_what_is_there(planned, tmp_path):
    tiny_run.unlearn(*SWEEP[:2], "seed=0", SWEEP[-1], f"paths.outputs={tmp_path}/out")
    before = sorted((tmp_path / "out").rglob("*"))
    said = planned(*SWEEP)
    assert "4 runs, 2 to do" in said
    assert "method=ga seed=0 finished" in said
    assert "original 0 1" in said  # seed 0's runs are finished and need nothing any more
    assert "s each" in said
    assert "time: about" in said
    assert "original 1 1" in planned(*SWEEP[:2], "seed=0,1", "method.epochs=2")
    assert "nothing to do" in planned("-m", "method=ga", "seed=0", SWEEP[-1])
    assert sorted((tmp_path / "out").rglob("*")) == before


def test_what_two_runs_need_is_made_before_them_in_jobs(planned):
    said = planned(*SWEEP, "hydra/launcher=processes")
    assert "original 0 2 (2 as jobs of their own)" in said
    assert "saliency scores 0 2 (0 as jobs of their own)" in said
    said = planned("-m", "method=salun", "mask.fraction=0.3,0.5", "hydra/launcher=processes")
    assert "saliency scores 0 1 (1 as jobs of their own)" in said


def test_a_judge_is_shared_by_all_seeds(unlearn, tmp_path):
    end = unlearn(
        "plan",
        *tiny_commands.GENERATION,
        f"paths.outputs={tmp_path}/out",
        "method=ga,ft",
        "seed=0,1",
        "hydra/launcher=processes",
    )
    said = " ".join(end.out.split())
    assert "judge 0 1 (1 as jobs of their own)" in said
    assert "original 0 2 (2 as jobs of their own)" in said


def test_a_store_that_has_all_of_a_judged_family(unlearn, tmp_path):
    there = (
        *tiny_commands.GENERATION,
        f"paths.outputs={tmp_path}/out",
        "method.epochs=1",
        "data.val_fraction=0.1",
    )
    made = unlearn(*there, "method=ft")
    assert made.code == 0, made.err
    planned = unlearn("plan", *there, "method=ga,rl")
    assert planned.code == 0, planned.err
    assert "reference metrics 1 0" in " ".join(planned.out.split())


def test_data_that_were_never_read_are_a_prerequisite(planned, tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    said = planned(
        "-m",
        "data=images",
        f"data.path={tmp_path}/images",
        "data.subset=null",
        "model=resnet20",
        "method=ga,ft",
        "hydra/launcher=processes",
    )
    assert "data 0 1 (1 as jobs of their own)" in said
    assert "oracle 0 1 (1 as jobs of their own)" in said


def test_the_same_run_is_planned_once(planned, tmp_path):
    assert "1 run, 1 to do" in planned("-m", "method=ga", "progress=true,false")


def test_table_1_is_one_word(unlearn):
    end = unlearn(
        "plan", "experiment=salun/table1", "seed=0", "method=retrain,salun", "data=digits", "model=resnet20"
    )
    assert end.code == 0, end.err
    said = " ".join(end.out.split())
    assert "4 runs, 4 to do" in said
    assert "experiment=salun/cifar10_random50 method=salun not begun" in said
    assert "original 0 1" in said
    assert "oracle 0 2" in said


def test_a_sweep_records_its_runs(tmp_path):
    results = tiny_run.unlearn("-m", "method=ga,ft", "method.epochs=1", f"paths.outputs={tmp_path}/out")
    (folder,) = (tmp_path / "out" / "sweeps").iterdir()
    record = Record.load(folder)
    assert record.name == folder.name
    assert [run.name for run in record.runs] == ["method=ga", "method=ft"]
    assert [Path(run.folder) for run in record.runs] == [Path(result["folder"]) for result in results]


def test_oracles_of_the_same_rows_are_shared_by_seeds(planned):
    said = planned("-m", "method=ga,ft", "seed=0,1", "forget.seed=0", "oracle.count=3")
    assert "oracle 0 4 ? each" in said  # of the seeds 0 to 3
    assert "original 0 2 ? each" in said
    assert "oracle 0 6 ? each" in planned("-m", "method=ga,ft", "seed=0,1", "oracle.count=3")
    said = planned("-m", "method=ga", "seed=0,1", "forget=worst_case", "forget.seed=0", "oracle.count=2")
    assert "oracle 0 4 ? each" in said  # each original chooses rows of its own


def test_a_nested_design_needs_each_original_once(planned):
    said = planned("-m", "method=ga,salun", "train.seed=0,1,2", "method.seed=0,1", "hydra/launcher=processes")
    assert "12 runs, 12 to do" in said
    for kind in ("original", "oracle", "reference metrics"):
        assert f"{kind} 0 3 " in said


def test_of_a_pool_a_plan_tells_together(planned):
    attacked = ("-m", "method=ga,ft", "method.epochs=1", "eval.attacks=[ulira]", "shadows.count=3")
    said = planned(*attacked, "hydra/launcher=processes")
    assert "shadow 0 3 (3 as jobs of their own)" in said
    assert "unlearned shadow 0 6 (6 as jobs of their own)" in said
    said = planned("method=ga", "eval.attacks=[ulira]", "shadows.count=3", "hydra/launcher=processes")
    assert "shadow 0 3 (3 as jobs of their own)" in said  # though one run alone needs them


def test_of_a_pool_a_status_tells_together(capsys):
    items = [Item(f"shadow {n}, digits", f"f{n}", pool="shadow, digits") for n in (1, 2, 3)]
    run = Item("method=ga", "run")
    states = {"f1": State("finished"), "f2": State("finished"), "f3": State("running", "epoch 2")}
    show_status(Record("s", [], [run], items), states | {"run": State("not begun")}, [*items, run])
    said = " ".join(capsys.readouterr().out.split())
    assert "first: shadow, digits ×2 finished first: shadow 3, digits running epoch 2 method=ga" in said
