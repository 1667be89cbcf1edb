from math import nan

import pytest
from made_runs import ORACLE, SENTENCE, made, with_gap

from unlearn_cli.compare.captions import legend, notes
from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.records import find
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.errors import InputError


@pytest.fixture
def table(tmp_path):
    """table(**options): the only table of the runs made so far."""

    def of(**options):
        (one,) = compare(find([tmp_path]).runs, Options(**options)).tables
        return one

    return of


def several(outputs, method, avg_gaps, **more):
    for seed, gap in enumerate(avg_gaps):
        made(outputs, method, seed, metrics=with_gap(gap), **more)


def row(table, name):
    (found,) = [row for row in table.rows if row.name == name]
    return found


def ranks(table):
    return {row.name: row.place.rank if row.place else None for row in table.rows if not row.reference}


def test_a_cell_has_mean_deviation_and_the_mean_of_the_runs_own_gaps(tmp_path, table):
    """The gap is paired: |4 − 5| and |7 − 5|, not the distance of the means."""
    for seed, ua in enumerate((4.0, 7.0)):
        made(tmp_path, "ga", seed, metrics={"UA": ua})
    cell = row(table(), "ga").cells["UA"]
    assert (cell.value.n, cell.value.mean, cell.value.std) == (2, 5.5, pytest.approx(4.5**0.5))
    assert (cell.gap.mean, cell.gap.std) == (1.5, pytest.approx(0.5**0.5))


def test_rows_are_ranked_by_avg_gap(tmp_path, table):
    several(tmp_path, "b", (3.0, 3.2, 3.1))
    several(tmp_path, "a", (1.0, 1.2, 1.1))
    several(tmp_path, "c", (1.1, 1.2, 1.1))
    found = table()
    assert [row.name for row in found.rows] == ["oracle", "original", "a", "c", "b"]
    assert ranks(found) == {"a": 1, "c": 2, "b": 3}
    assert [row.best for row in found.rows] == [False, False, True, False, False]
    # a − c is −0.1, 0, 0: t = −1, p = 0.42, the largest of six pairs; a − b is −2 three times
    assert [row.marks for row in found.rows] == ["", "", "", "?", ""]
    assert row(found, "c").place.p_different == pytest.approx(0.4226497, abs=1e-6)
    assert row(found, "b").place.p_different == 0.0


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("seconds", ["low", "high"]),  # less is better
        ("agreement_test", ["high", "low"]),  # more is better
        ("TA", ["high", "low"]),  # nearer to the oracle's 94 is better
    ],
)
def test_rank_by_another_metric_knows_its_direction(tmp_path, table, key, order):
    made(tmp_path, "low", 0, metrics={"TA": 80.0, "agreement_test": 50.0})
    made(tmp_path, "high", 1, metrics={"TA": 95.0, "agreement_test": 90.0})
    found = table(rank_by=key)
    assert [row.name for row in found.rows if not row.reference] == order
    assert key in found.columns


def test_equal_methods_share_the_first_rank(tmp_path, table):
    several(tmp_path, "a", (1.0, 1.0))
    several(tmp_path, "b", (1.0, 1.0))
    found = table()
    assert ranks(found) == {"a": 1, "b": 1}
    assert not any(row.marks for row in found.rows)


def test_without_common_seeds_nothing_is_tested_and_the_notes_say_so(tmp_path, table):
    several(tmp_path, "a", (1.0, 1.0, 1.0))
    several(tmp_path, "b", (1.1, 1.1))
    found = table()
    assert ranks(found) == {"a": 1, "b": 2}
    assert row(found, "b").place.p_different is None
    assert not row(found, "b").marks
    (said,) = [note for note in notes(found, ()) if note.startswith("Not tested")]
    assert said.startswith("Not tested against the best, for want of three common seeds: b.")


def test_a_metric_that_is_not_finite_has_no_rank(tmp_path, table):
    several(tmp_path, "a", (1.0, 2.0))
    several(tmp_path, "b", (0.5, nan))
    found = table()
    assert ranks(found) == {"a": 1, "b": None}
    assert [row.name for row in found.rows][-1] == "b"
    assert "nan, inf: of at least one run; such a mean has no deviation and no rank." in legend(
        [found], Options()
    )


def test_a_metric_missing_in_some_runs_counts_those_that_have_it(tmp_path, table):
    made(tmp_path, "a", 0, metrics={"TA_forget": 3.0})
    made(tmp_path, "a", 1)
    found = row(table(), "a")
    assert (found.n, found.cells["TA_forget"].value.n) == (2, 1)
    assert found.cells["TA_forget"].gap is None


def test_without_an_oracle_there_is_no_gap_and_no_rank(tmp_path, table):
    several(tmp_path, "a", (1.0, 2.0), oracle=None)
    found = table()
    assert ranks(found) == {"a": None}
    assert all(cell.gap is None for cell in row(found, "a").cells.values())
    (note,) = notes(found, ())
    assert note.startswith("Not ranked: no Avg Gap")


def test_only_references(tmp_path, table):
    made(tmp_path, "retrain")
    found = table()
    assert [row.name for row in found.rows] == ["oracle", "original"]
    assert notes(found, ()) == []


def test_destroyed_models_are_marked_and_speak(tmp_path, table):
    made(tmp_path, "a", 0, warnings=[SENTENCE])
    made(tmp_path, "a", 1)
    found = table()
    assert row(found, "a").marks == "✗"
    assert f"✗ a, 1 of 2 runs: {SENTENCE}" in notes(found, ())


def test_the_papers_numbers_stand_beside_ours(tmp_path, table):
    expected = {"UA": [4.0, 0.9], "RA": [95.1, 4.9], "TA": [90.0, None], "avg_gap": [0.5, None]}
    made(tmp_path, "a", 0, expected=expected, source="a paper, Table 1")
    made(tmp_path, "a", 1)
    found = table()
    cells = row(found, "a").cells
    assert {key: cells[key].difference for key in expected} == pytest.approx(
        {"UA": 1, "RA": 4.9, "TA": 4, "avg_gap": -0.5}
    )
    assert {key: cells[key].within is False for key in expected} == {
        "UA": True,  # 1 > 0.9
        "RA": False,  # 4.9 = 4.9, although 100 − 95.1 > 4.9 in floating point
        "TA": False,  # the paper gives no deviation
        "avg_gap": False,
    }
    assert cells["MIA"].reported is None
    assert "paper: a paper, Table 1." in notes(found, ())


def test_columns_are_the_headline_unless_chosen(tmp_path, table):
    made(tmp_path, metrics={"VA": 95.0, "unheard of": 1.0})
    assert list(table().columns) == [*ORACLE, "avg_gap", "seconds"]
    assert list(table(metrics=("VA", "UA")).columns) == ["VA", "UA", "avg_gap"]
    assert list(table(metrics=("all",)).columns) == [*ORACLE, "avg_gap", "seconds", "samples", "VA"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ("UB",)}, "--metrics UB: no such metric; did you mean 'UA'?"),
        ({"metrics": ("FID",)}, "--metrics FID: not measured in these runs; there are: MIA, RA, TA, UA"),
        ({"rank_by": "FID"}, "--rank-by FID: not measured in these runs"),
    ],
)
def test_metrics_that_are_not_there(tmp_path, table, options, message):
    made(tmp_path)
    with pytest.raises(InputError) as error:
        table(**options)
    assert str(error.value).startswith(message)


def test_pooled_rows_say_what_they_pool_and_pair_what_is_equal(tmp_path, table):
    for fraction, seed, a, b in ((0.1, 0, 1, 2), (0.1, 1, 1, 3), (0.5, 0, 4, 8)):
        for method, gap in (("a", a), ("b", b)):
            config = {"forget.fraction": fraction}
            made(tmp_path, method, seed, metrics=with_gap(gap), config=config)
    found = table(by=("method",))
    assert "Rows pool runs that differ in forget.fraction." in notes(found, ("method",))
    # differences 1, 2, 4 of pairs with equal fraction and seed: t = √7, two degrees of freedom; the smallest
    # p of three pairs, of which the original is in two
    assert row(found, "b").place.p_different == pytest.approx(3 * (1 - (7 / 9) ** 0.5))


def test_rows_by_a_key_of_the_setting_are_paired_by_what_else_is_equal(tmp_path, table):
    for seed, gaps in enumerate(((1, 2), (1, 3), (4, 8))):
        for fraction, gap in zip((0.1, 0.5), gaps, strict=True):
            made(tmp_path, "a", seed, metrics=with_gap(gap), config={"forget.fraction": fraction})
    found = row(table(by=("forget.fraction",)), "forget.fraction=0.5")
    assert found.place.p_different == pytest.approx(3 * (1 - (7 / 9) ** 0.5))


def test_several_runs_in_the_same_circumstances_are_one_pair(tmp_path, table):
    """With `--by method`, learning rates are averaged before a seed's pair is formed."""
    for seed, a, bs in ((0, 1.0, (1.5, 2.5)), (1, 1.0, (2.0, 4.0)), (2, 1.0, (4.0, 6.0))):
        made(tmp_path, "a", seed, metrics=with_gap(a))
        for lr, b in zip((0.1, 0.2), bs, strict=True):
            made(tmp_path, "b", seed, metrics=with_gap(b), config={"method.lr": lr})
    # differences 1, 2 and 4
    assert row(table(by=("method",)), "b").place.p_different == pytest.approx(2 * (1 - (7 / 9) ** 0.5))
