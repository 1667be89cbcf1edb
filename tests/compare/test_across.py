"""Settings that differ in one group, side by side, and the change from one to another."""

import csv
import io

import pytest
from made_runs import SENTENCE, made
from rich.console import Console

from unlearn_cli.compare.across import across
from unlearn_cli.compare.captions import legend, notes
from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.latex import to_latex
from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.page import to_html
from unlearn_cli.compare.records import find
from unlearn_cli.compare.rows import to_csv
from unlearn_cli.compare.terminal import show
from unlearn_cli.errors import InputError

WORST = {"choices": {"forget": "worst_case"}}


@pytest.fixture
def compared(tmp_path):
    """compared(**options): the runs made so far, across their forget sets."""
    return lambda **options: across(find([tmp_path]).runs, Options(across="forget", **options))


@pytest.fixture
def two_sides(tmp_path):
    """ga over seeds 0, 1, 2 and, for worst_case, 1, 2, 3; its oracles forget 5 and 2 %."""
    for seed, ua in enumerate((4.0, 6.0, 11.0)):
        made(tmp_path, "ga", seed, metrics={"UA": ua})
    oracle = {"UA": 2.0, "RA": 100.0, "TA": 94.0, "MIA": 13.0}
    for seed, ua in ((1, 3.0), (2, 6.0), (3, 50.0)):
        made(tmp_path, "ga", seed, metrics={"UA": ua}, oracle=oracle, config=worst(), **WORST)


def worst(fraction=0.1, mode="worst"):
    return {"forget._target_": "WorstCase", "forget.fraction": fraction, "forget.mode": mode}


def row(table, name):
    (found,) = [row for row in table.rows if row.name == name]
    return found


def means(table, name="ga"):
    return {
        key: cell.value.mean if cell.value else None
        for key, cell in row(table, name).cells.items()
        if key.startswith("UA/")
    }


def test_several_runs_of_an_original_count_once(tmp_path, compared):
    """As in a table of one setting; ten unlearnings of one original would have made an interval."""
    for side in ({"config": {}}, WORST):
        for train, own in ((0, 0), (0, 1), (0, 2), (1, 0)):
            keys = {"method.seed": own, "train.seed": train, "forget.seed": 0}
            keys |= worst() if side is WORST else {}
            made(tmp_path, "ga", train, {"UA": 5.0 + 4 * train}, **{**side, "config": keys})
    (table,) = compared().tables
    found = row(table, "ga").cells["UA/random"].value
    assert (found.n, found.mean, found.low) == (4, 7.0, None)
    said = "Means, intervals and tests count originals, not runs: ga (8 runs of 4)."
    assert said in notes(table, ())


def test_evaluations_of_one_original_are_one_pair(tmp_path, compared):
    """Two trainings, two unlearnings and evaluations of each."""
    for train in (0, 1):
        for own in (0, 1):
            seeds = {"train.seed": train, "method.seed": own, "eval.seed": own + 7}
            made(tmp_path / "random", "ga", train, {"UA": 5.0 + train + own}, config=seeds)
            made(tmp_path / "worst", "ga", train, {"UA": 7.0 + 2 * train}, config=seeds | worst(), **WORST)
    (table,) = compared(metrics=["UA"]).tables
    change = row(table, "ga").cells["UA/random → worst_case"].value
    assert (change.n, change.mean) == (2, 2.0)


def test_a_change_is_the_mean_of_the_paired_differences(two_sides, compared):
    """Seeds 1 and 2 are common: 3 − 6 and 6 − 11, not the difference of the means 59/3 − 7."""
    (table,) = compared().tables
    assert table.title == "classification · digits · resnet20"
    ga = row(table, "ga")
    assert means(table) == {
        "UA/random": 7.0,
        "UA/worst_case": pytest.approx(59 / 3),
        "UA/random → worst_case": -4.0,
    }
    change = ga.cells["UA/random → worst_case"]
    assert (change.value.n, change.value.std, change.signed) == (2, pytest.approx(2**0.5), True)
    assert change.value.low is None  # of two seeds an interval would say nothing
    assert ga.cells["UA/random"].gap.mean == pytest.approx((1 + 1 + 6) / 3)
    assert (ga.n, ga.place) == (3, None)


def test_a_change_of_percentages_stays_within_100_points(tmp_path, compared):
    """Seeds 0, 1, 2 change by 0, 0 and 95: Student's t would be [-104.6, 167.9]."""
    for seed, ua in enumerate((5.0, 5.0, 100.0)):
        made(tmp_path, "ga", seed, metrics={"UA": 5.0})
        made(tmp_path, "ga", seed, metrics={"UA": ua}, config=worst(), **WORST)
    change = row(*compared().tables, "ga").cells["UA/random → worst_case"].value
    assert change.mean == pytest.approx(95 / 3)
    assert -100 < change.low < change.mean < change.high < 100


def test_references_have_sides_too(two_sides, compared):
    (table,) = compared().tables
    assert [row.name for row in table.rows] == ["oracle", "original", "ga"]
    assert [row.reference for row in table.rows] == [True, True, False]
    assert means(table, "oracle") == {"UA/random": 5.0, "UA/worst_case": 2.0, "UA/random → worst_case": -3.0}


def test_columns_are_sides_and_changes_of_each_metric(two_sides, compared):
    parts = ("random", "worst_case", "random → worst_case")
    (table,) = compared().tables
    assert list(table.columns) == [
        f"{key}/{part}" for key in ("UA", "MIA", "RA", "TA", "avg_gap") for part in parts
    ]
    (table,) = compared(metrics=["TA"]).tables
    assert list(table.columns) == [f"TA/{part}" for part in parts]


def test_several_draws_of_a_seed_are_averaged_before_they_are_paired(tmp_path, compared):
    for draw, ua in enumerate((4.0, 8.0)):
        made(tmp_path, "ga", 0, metrics={"UA": ua}, config={"forget.seed": draw})
    made(tmp_path, "ga", 1, metrics={"UA": 1.0})
    for seed, ua in enumerate((5.0, 3.0)):
        made(tmp_path, "ga", seed, metrics={"UA": ua}, config=worst(), **WORST)
    (table,) = compared().tables
    change = row(table, "ga").cells["UA/random → worst_case"].value
    assert (change.n, change.mean) == (2, 0.5)  # 5 − 6 and 3 − 1


def test_without_a_common_seed_there_is_no_change(tmp_path, compared):
    made(tmp_path, "ga", 0)
    made(tmp_path, "ga", 1, config=worst(), **WORST)
    made(tmp_path, "ft", 0)
    (table,) = compared(metrics=["UA"]).tables
    assert means(table) == {"UA/random": 5.0, "UA/worst_case": 5.0, "UA/random → worst_case": None}
    assert means(table, "ft") == {"UA/random": 5.0, "UA/worst_case": None, "UA/random → worst_case": None}


def test_options_are_matched_by_the_values_that_they_share(tmp_path, compared):
    for fraction in (0.1, 0.2, 0.5):
        made(tmp_path, "ga", metrics={"UA": 10 * fraction}, config={"forget.fraction": fraction})
    for fraction in (0.1, 0.2):
        for mode, ua in (("worst", 0.0), ("easiest", 3.0)):
            made(tmp_path, "ga", metrics={"UA": ua}, config=worst(fraction, mode), **WORST)
    comparison = compared()
    place = "classification · digits · resnet20"
    easiest, hardest = "worst_case forget.mode=easiest", "worst_case forget.mode=worst"
    assert {table.title: means(table) for table in comparison.tables} == {
        f"{place} forget.fraction={fraction}": {
            "UA/random": 10 * fraction,
            f"UA/{easiest}": 3.0,
            f"UA/{hardest}": 0.0,
            f"UA/random → {easiest}": 3 - 10 * fraction,
            f"UA/random → {hardest}": -10 * fraction,
        }
        for fraction in (0.1, 0.2)
    }
    assert comparison.left_out == [f"left out: 1 with nothing beside them ({tmp_path}/ga-s0-0.5)"]


def test_a_key_of_which_no_value_is_shared_only_names_a_side(tmp_path):
    for seed in (0, 1):
        made(tmp_path, "ga", seed)
        made(tmp_path, "ga", seed, choices={"model": "deep"}, config={"model.depth": 56})
    (table,) = across(find([tmp_path]).runs, Options(across="model", metrics=["UA"])).tables
    assert table.title == "classification · digits · random"
    assert list(table.columns) == ["UA/deep", "UA/resnet20", "UA/deep → resnet20"]


def test_variants_of_one_option_stand_side_by_side(tmp_path, compared):
    """A choice below the group names a side; the keys under it need not."""
    for lower, lr in (("ft", 0.1), ("rl", 0.2)):
        choices = {"forget": "worst_case", "lower@forget.lower": lower, "optim@forget.lower": "sgd"}
        made(tmp_path, "ga", config=worst() | {"forget.lower.lr": lr}, choices=choices)
    (table,) = compared(metrics=["UA"]).tables
    one, other = "worst_case forget.lower=ft", "worst_case forget.lower=rl"
    assert list(table.columns) == [f"UA/{one}", f"UA/{other}", f"UA/{one} → {other}"]


@pytest.mark.parametrize(
    ("more", "options", "message"),
    [
        ({}, {}, "--across forget: nothing to lay side by side: all these runs have forget=random"),
        (
            WORST | {"config": {"model.depth": 56}},
            {},
            "--across forget: nothing to lay side by side: no setting was run with two of "
            "forget=random,worst_case; they also differ in model.depth",
        ),
        ({}, {"by": ("method",)}, "--across forget: cannot be had with --by, --rank-by or --margin"),
        ({}, {"rank_by": "TA"}, "--across forget: cannot be had with --by, --rank-by or --margin"),
        (WORST, {"metrics": ["XY"]}, "--metrics XY: no such metric"),
    ],
)
def test_what_cannot_be_laid_side_by_side(tmp_path, compared, more, options, message):
    made(tmp_path, "ga")
    made(tmp_path, "ft", **more)
    with pytest.raises(InputError) as error:
        compared(**options)
    assert str(error.value).startswith(message)


def test_every_output_has_the_change(two_sides, tmp_path, compared):
    made(tmp_path, "ft", warnings=[SENTENCE])
    comparison = compared(metrics=["UA"])
    text = to_markdown(comparison)
    assert "|  | n | UA (%)<br>random | UA (%)<br>worst_case | UA (%)<br>random →<br>worst_case |" in text
    assert "| −4.00 ± 1.41 n=2 |" in text
    assert "a → b: change from a to b, mean over the n seeds" in text
    assert r"& $-$4.00$_{\pm 1.41}$ \\" in to_latex(comparison)
    assert r"UA (\%) random $\to$ worst\_case \\" in to_latex(comparison)
    page = to_html(comparison)
    assert '<span class="first">−4.00 ± 1.41 n=2</span>' in page
    assert page.count("<dt>") == 1  # the metric is explained once
    *_, line = csv.DictReader(io.StringIO(to_csv(comparison)))
    assert (line["name"], line["forget"], line["model"], line["rank"]) == ("ga", "", "resnet20", "")
    assert (line["n"], line["seeds"]) == ("3", "0 1 2 3")
    assert float(line["UA/random → worst_case/mean"]) == -4.0
    assert line["UA/random → worst_case/n"] == "2"
    (table,) = comparison.tables
    assert notes(table, ()) == [f"✗ ft, 1 of 1 runs: {SENTENCE}"]
    assert not any("Bold" in sentence for sentence in legend([table], comparison.options))


def test_the_terminal_shows_every_change_at_any_width(two_sides, compared):
    for width in (60, 80, 200):
        console = Console(width=width, force_terminal=False)
        with console.capture() as capture:
            show(compared(), console)
        text = capture.get()
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
        assert text.count("random →") == 5
        assert "−4.00 ± 1.41 n=2" in text
