"""Oracles of one forget set laid beside each other, whichever runs tell of them."""

import pytest
from made_runs import made

from unlearn_cli.compare.captions import notes
from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.floor import floor_of, laid_together
from unlearn_cli.compare.records import find
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.evaluation.floor import floor

ORACLES = [
    {"UA": ua, "RA": 100.0, "TA": ta, "MIA": 13.0} for ua, ta in ((5.0, 94.0), (7.0, 95.0), (6.0, 94.5))
]
FIXED = {"forget": {"fingerprint": "rows"}}


def with_seeds(tmp_path, method="ga", **more):
    """Three seeds of one forget set, each with its own oracle; ga is 1 above it in UA."""
    for seed, oracle in enumerate(ORACLES):
        metrics = {"UA": oracle["UA"] + 1, "TA": oracle["TA"]}
        told = [{"seed": seed, "metrics": oracle}]
        made(tmp_path, method, seed, metrics, oracle, oracles=told, **FIXED, **more)


def found(tmp_path):
    return floor_of(find([tmp_path]).runs)


def test_it_is_the_runs_floor_and_the_mean_of_its_parts():
    pairs, parts = laid_together(ORACLES)
    for key, value in floor(ORACLES).items():
        assert sum(pairs[key]) / 3 == pytest.approx(value)
        assert sum(part[key] for part in parts) / 3 == pytest.approx(value)
    assert parts[0]["UA"] == pytest.approx(2 * (2 + 1) / 2 - 4 / 3)


def test_seeds_of_one_forget_set_share_their_oracles(tmp_path):
    with_seeds(tmp_path)
    with_seeds(tmp_path, "ft")
    one = found(tmp_path)
    assert len(one.oracles) == 3
    assert one.mean("UA") == pytest.approx(4 / 3)
    assert one.mean("avg_gap") == pytest.approx((4 / 3 + 2 / 3) / 4)
    assert one.mean("VA") is None


def test_forget_sets_have_each_their_own(tmp_path):
    """Seed 0 has three oracles of its rows, seed 1 two of others: pairs are within a forget set alone."""
    for seed, oracles in enumerate((ORACLES, ORACLES[:2])):
        told = [{"seed": 10 * seed + i, "metrics": oracle} for i, oracle in enumerate(oracles)]
        forget = {"fingerprint": str(seed)}
        made(tmp_path, "ga", seed, oracle=oracles[0], oracles=told, forget=forget)
    one = found(tmp_path)
    assert sorted(one.pairs["UA"]) == [1, 1, 2, 2]
    first, second = find([tmp_path]).runs
    assert one.beside(first, "UA") == pytest.approx(4 / 3)
    assert one.beside(second, "UA") == pytest.approx(2.0)


def test_each_oracle_is_in_the_share_of_one_run(tmp_path):
    """Three runs of one forget set, each with its own oracle and the next two: five, some told by three.

    Over the runs the shares have the floor as mean; run 0 has oracles 0 and 3, run 1 1 and 4, run 2 its own.
    """
    values = [5.0, 7.0, 6.5, 11.0, 2.0]
    oracles = [{**ORACLES[0], "UA": value} for value in values]
    for seed in range(3):
        told = [{"seed": one, "metrics": oracles[one]} for one in range(seed, seed + 3)]
        made(tmp_path, "ga", seed, oracle=oracles[seed], oracles=told, **FIXED)
    one = found(tmp_path)
    to_others = [sum(abs(value - other) for other in values) / 4 for value in values]
    floor = sum(to_others) / 5
    shares = [one.beside(run, "UA") for run in sorted(find([tmp_path]).runs, key=lambda run: run.folder.name)]
    wanted = [floor + 3 / 5 * sum(2 * (to_others[i] - floor) for i in own) for own in ((0, 3), (1, 4), (2,))]
    assert shares == pytest.approx(wanted)
    assert sum(shares) / 3 == pytest.approx(one.mean("UA")) == pytest.approx(floor)


def test_an_oracle_counts_once_however_many_share_its_forget_set(tmp_path):
    """Of one set three oracles are 4/3 apart, of another two are 10: not each pair but each oracle counts."""
    for rows, oracles in (("a", ORACLES), ("b", [ORACLES[0], {**ORACLES[0], "UA": 15.0}])):
        for seed, oracle in enumerate(oracles):
            told, config = [{"seed": seed, "metrics": oracle}], {"forget.seed": "ab".index(rows)}
            forget = {"fingerprint": rows}
            made(tmp_path / rows, "ga", seed, oracle=oracle, oracles=told, config=config, forget=forget)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    assert found(tmp_path).mean("UA") == pytest.approx((3 * 4 / 3 + 2 * 10) / 5)
    assert table.rows[1].cells["UA"].gap.mean == pytest.approx((3 * 4 / 3 + 2 * 10) / 5)


def test_a_row_stands_in_units_of_the_floor_of_its_own_forget_sets(tmp_path):
    """Two sizes of forget sets in one table (--by): the oracles of one are 0.5 apart, of the other 2.5."""
    for fraction, ua in ((0.1, 7.0), (0.5, 15.0)):
        oracles = [ORACLES[0], {**ORACLES[0], "UA": ua}]
        for seed, oracle in enumerate(oracles):
            more = {"oracles": [{"seed": seed, "metrics": oracle}], "forget": {"fingerprint": str(fraction)}}
            config = {"forget.seed": 0, "forget.fraction": fraction}
            made(tmp_path, "ga", seed, {"UA": oracle["UA"] + 10}, oracle, config=config, **more)
    (table,) = compare(find([tmp_path]).runs, Options(by=["forget.fraction"])).tables
    times = {row.name: row.cells["avg_gap"].times for row in table.rows if row.place}
    assert times == {"forget.fraction=0.1": pytest.approx(5), "forget.fraction=0.5": pytest.approx(1)}


def test_one_oracle_a_forget_set_has_no_floor(tmp_path):
    for seed in range(3):
        made(tmp_path, "ga", seed, forget={"fingerprint": str(seed)})
    one = found(tmp_path)
    assert (one.oracles, one.mean("UA"), one.beside(find([tmp_path]).runs[0], "UA")) == ([], None, None)


def test_records_without_fingerprints_have_none(tmp_path):
    for seed in range(3):
        made(tmp_path, "ga", seed)
    assert found(tmp_path).oracles == []


def test_the_table_has_a_row_of_them_and_gaps_in_its_units(tmp_path):
    with_seeds(tmp_path)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    oracle, again, original, ga = table.rows
    assert [row.name for row in table.rows] == ["oracle", "oracle again", "original", "ga"]
    assert (again.n, again.reference, again.place) == (3, True, None)
    assert again.cells["UA"].value == oracle.cells["UA"].value
    assert again.cells["UA"].gap.mean == pytest.approx(4 / 3)
    assert (again.cells["avg_gap"].value.mean, again.cells["avg_gap"].value.n) == (pytest.approx(0.5), 3)
    assert again.cells["avg_gap"].value.low is None
    assert ga.cells["avg_gap"].times == pytest.approx(0.25 / 0.5)
    assert original.cells["avg_gap"].times == pytest.approx((6 + 0.5 + 12) / 4 / 0.5)
    assert ga.cells["UA"].times is None


def test_further_oracles_are_of_the_oracles_row(tmp_path):
    told = [{"seed": seed, "metrics": oracle} for seed, oracle in enumerate(ORACLES)]
    made(tmp_path, "ga", 0, oracle=ORACLES[0], oracles=told, **FIXED)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    oracle = table.rows[0]
    assert (oracle.n, oracle.cells["UA"].value.mean, oracle.cells["UA"].value.std) == (3, 6.0, 1.0)
    assert [run.result["seed"] for run in oracle.group.runs] == [0, 1, 2]
    assert oracle.cells["seconds"].value.n == 1  # what the others cost is not told


def test_an_oracle_is_at_no_distance_from_the_oracle_of_its_seed(tmp_path):
    """It would be how far further oracles are from the run's own, which is what `oracle again` says."""
    told = [{"seed": seed, "metrics": oracle} for seed, oracle in enumerate(ORACLES)]
    made(tmp_path, "ga", 0, oracle=ORACLES[0], oracles=told, **FIXED)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    oracle, again = table.rows[:2]
    assert (oracle.cells["avg_gap"].value.mean, oracle.cells["UA"].gap.mean) == (0, 0)
    assert again.cells["UA"].gap.mean == pytest.approx(4 / 3)


def test_several_runs_of_one_original_are_no_independent_seeds(tmp_path):
    """Two trainings, three unlearnings of each: the interval would be of two, and nothing is tested."""
    for train in (0, 1):
        for own in (0, 1, 2):
            seeds = {"method.seed": own, "eval.seed": own, "train.seed": train, "forget.seed": 0}
            made(tmp_path, "ga", train, {"UA": 5.0 + train + own / 10}, config=seeds)
            made(tmp_path, "ft", train, {"UA": 8.0 + train + own / 10}, config=seeds)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    ga, ft = table.rows[-2:]
    assert (ga.n, ga.originals, ga.cells["UA"].value.n, ga.cells["UA"].value.low) == (6, 2, 6, None)
    assert ft.place.p_different is None
    said = "Means, intervals and tests count originals, not runs: ga (6 runs of 2), ft (6 runs of 2)."
    assert said in notes(table, ())


def test_a_row_is_ranked_by_what_its_tests_compare(tmp_path):
    """ga is best on one original, unlearned ten times, and worst on two others: ft is better by originals."""
    for train in range(3):
        for own in range(10 if train == 0 else 1):
            seeds = {"method.seed": own, "train.seed": train, "forget.seed": 0}
            made(tmp_path, "ga", train, {"UA": 5.0 + 10 * train}, config=seeds)
        made(tmp_path, "ft", train, {"UA": 11.0}, config={"method.seed": 0} | seeds)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    assert [(row.name, row.cells["avg_gap"].value.mean) for row in table.rows[-2:]] == [
        ("ft", 1.5),
        ("ga", pytest.approx(2.5)),
    ]


def test_a_class_is_one_forget_set_whatever_its_seed(tmp_path):
    """seed=0,1,2 train.seed=0: a class draws nothing, so one original is unlearned thrice."""
    for method, ua in (("ga", 5.0), ("ft", 8.0)):
        for own in (0, 1, 2):
            seeds = {"method.seed": own, "eval.seed": own, "train.seed": 0, "forget.seed": own}
            made(tmp_path, method, 0, {"UA": ua + own / 10}, config=seeds, **FIXED)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    ga, ft = table.rows[-2:]
    assert (ga.n, ga.originals, ga.cells["UA"].value.low, ft.place.p_different) == (3, 1, None, None)
    assert any("3 runs of one original" in sentence for sentence in table.said)


def test_seeds_of_a_class_pair_with_records_that_do_not_tell_its_rows(tmp_path):
    for seed in range(3):
        made(tmp_path, "ga", seed, {"UA": 5.0 + seed}, **FIXED)
        made(tmp_path, "ft", seed, {"UA": 9.0 + 1.1 * seed})
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    assert table.rows[-1].originals == 3
    assert table.rows[-1].place.p_different is not None


def test_of_an_oracle_its_own_run_is_heard_first(tmp_path):
    """It knows the cost, and that the gap is 0."""
    for seed, oracle in enumerate(ORACLES):
        others = [other for other in range(3) if other != seed]
        told = [{"seed": other, "metrics": ORACLES[other]} for other in (seed, *others)]
        made(tmp_path, "ga", seed, oracle=oracle, oracles=told, **FIXED)
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    oracle = table.rows[0]
    assert (oracle.name, oracle.n) == ("oracle", 3)
    assert oracle.cells["seconds"].value.n == table.rows[1].cells["seconds"].value.n == 3
    assert oracle.cells["avg_gap"].value.mean == 0
