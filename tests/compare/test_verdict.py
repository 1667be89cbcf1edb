"""What a table says by itself: whether the setting can tell methods apart, what its first row is worth."""

import pytest
from made_runs import SENTENCE, made, with_gap

from unlearn_cli.compare.captions import legend, notes
from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.records import find
from unlearn_cli.compare.tabulate import compare

ORACLES = [5.0, 7.0, 6.0]
NEAR, FAR = [6.0, 7.5, 5.0], [0.0, 1.0, 0.5]
"""UA of an original that is as near to the oracles as they are to each other, and of one that is not."""


def quality(ua):
    return {"UA": ua, "RA": 100.0, "TA": 94.0, "MIA": 13.0}


@pytest.fixture
def said(tmp_path):
    """said(methods, originals): the table and sentences of a sweep of one forget set, given as UA by seed."""

    def of(methods, originals=FAR, oracles=ORACLES, options=None, **more):
        for method, own in methods.items():
            for seed, (ua, original, oracle) in enumerate(zip(own, originals, oracles, strict=True)):
                told = {"oracles": [{"seed": seed, "metrics": quality(oracle)}]}
                told |= {"forget": {"fingerprint": "rows"}, "original": quality(original)}
                made(tmp_path, method, seed, {"UA": ua}, quality(oracle), **{**told, **more.get(method, {})})
        comparison = compare(find([tmp_path]).runs, options or Options())
        (table,) = comparison.tables
        return table, [*notes(table, ()), *legend([table], comparison.options)]

    return of


def starting(sentences, start):
    found = [sentence for sentence in sentences if sentence.startswith(start)]
    return found[0] if len(found) == 1 else None


def names(table, holds):
    return [row.name for row in table.rows if row.place and holds(row)]


def test_an_original_within_the_floor_tells_that_nothing_can_be_told(said):
    """Its gaps in UA are 1, 0.5 and 1, the floor 4/3; the same over 4 in Avg Gap."""
    table, sentences = said({"ga": [5.1, 7.0, 6.0], "ft": [9.0, 9.0, 9.0]}, NEAR)
    assert starting(sentences, "This setting cannot tell methods apart") == (
        "This setting cannot tell methods apart: the original, with nothing unlearned, is 0.21 from the "
        "oracle in Avg Gap, another oracle 0.33 (the floor); one-sided p = 0.81."
    )
    assert starting(sentences, "ga, the first, lies within the floor (0.0 ×)")
    assert names(table, lambda row: row.best) == []
    assert starting(sentences, "Bold") is None


def test_an_original_beyond_the_floor_tells_that_something_can(said):
    table, sentences = said({"ga": [5.1, 7.0, 6.0], "ft": [20.0, 21.0, 24.0]}, [50.0, 50.0, 51.0])
    assert starting(
        sentences, "This setting can tell methods apart: the original, with nothing unlearned, is 11.08"
    )
    assert names(table, lambda row: row.best) == ["ga"]
    assert starting(sentences, "Bold: best by Avg Gap, unless")


def test_two_seeds_cannot_say_whether(said):
    table, sentences = said({"ga": [5.1, 7.0]}, FAR[:2], ORACLES[:2])
    text = starting(sentences, "Whether this setting can tell methods apart takes three common seeds; so far")
    assert text.endswith("1.38 from the oracle in Avg Gap, another oracle 0.50 (the floor).")
    assert names(table, lambda row: row.best) == ["ga"]


def test_without_a_floor_the_table_says_how_to_get_one(said, tmp_path):
    for seed in range(3):
        made(tmp_path, "ga", seed)
    table, sentences = said({})
    assert table.reach is None
    assert "oracle.count=2 gives one" in starting(sentences, "No floor: each forget set has one oracle")


def test_a_method_that_is_worse_than_nothing_is_not_the_best(said):
    table, sentences = said({"ga": [9.0, 11.0, 9.5]}, FAR, [1.0, 1.1, 1.2])
    assert table.rows[-1].place.rank == 1
    assert names(table, lambda row: row.best) == []
    assert starting(sentences, "Nothing is bold: ga, the first, is no better than the original.")
    assert "**ga**" not in to_markdown(compare_again(table))


def compare_again(table):
    return compare([run for row in table.rows if not row.reference for run in row.group.runs], Options())


def test_a_destroyed_model_is_not_first(said):
    table, _ = said({"ga": [5.0, 7.0, 6.1], "ft": [7.0, 9.0, 8.5]}, [50.0] * 3, ga={"warnings": [SENTENCE]})
    assert names(table, lambda row: True) == ["ft", "ga"]
    assert names(table, lambda row: row.best) == ["ft"]


def test_where_all_are_destroyed_none_is_bold(said):
    table, sentences = said({"ga": [5.0, 7.0, 6.1]}, [50.0] * 3, ga={"warnings": [SENTENCE]})
    assert names(table, lambda row: row.best) == []
    assert starting(sentences, "Nothing is bold: every ranked row has a destroyed model.")


def test_the_marks_are_explained_with_their_margin(said):
    methods = {"a": [5.1, 7.1, 6.2], "b": [5.2, 7.1, 6.4], "c": [9.0, 11.5, 8.0], "d": [90.0, 92.0, 91.0]}
    table, sentences = said(methods, [50.0, 50.0, 51.0], options=Options(margin=0.3))
    assert {row.name: row.marks for row in table.rows if row.place} == {
        "a": "≡",
        "b": "=≡",
        "c": "?",
        "d": "",
    }
    assert starting(sentences, "=: equal to the best").startswith(
        "=: equal to the best, ≡: equal to the oracle (a distance to it: equal to another oracle's, where "
        "there is one), each to less than 0.3 (one-sided tests); "
    )


def test_equality_is_not_explained_where_nothing_shows_it(said):
    """Oracles lie beside each other, but what training takes has no floor."""
    _, sentences = said({"ga": [5.1, 7.0, 6.0], "ft": [9.0, 9.0, 9.0]}, options=Options(rank_by="seconds"))
    assert starting(sentences, "oracle again: each oracle beside")
    assert starting(sentences, "?: cannot tell, shown to be neither")


def test_the_oracles_sign_is_explained_where_one_row_stands_alone(said):
    """There is no other that could be equal to the best, or worse."""
    table, sentences = said({"a": [5.1, 7.1, 6.2]}, [50.0, 50.0, 51.0], options=Options(margin=0.5))
    assert table.rows[-1].marks == "≡"
    assert "to less than 0.5 (one-sided tests). Paired t-tests" in starting(
        sentences, "≡: equal to the oracle"
    )
    assert starting(sentences, "=") is starting(sentences, "?") is None


def test_why_rows_are_not_ranked(said, tmp_path):
    """A distance that is none for want of an oracle is not a metric that is none."""
    for seed in range(3):
        made(tmp_path, "ga", seed, {"UA": 5.0}, None)
    _, sentences = said({}, options=Options(rank_by="UA"))
    assert starting(sentences, "Not ranked: no distance to the oracle in UA (")
    for seed in range(3):
        made(tmp_path / "other", "ga", seed, {"UA": float("nan")})
    comparison = compare(find([tmp_path / "other"]).runs, Options())
    assert starting(notes(comparison.tables[0], ()), "Not ranked: no finite Avg Gap (")


def test_what_is_better_on_common_seeds_is_not_called_worse(tmp_path):
    """ft has the larger mean by seeds that ga lacks; on those of both it is surely nearer to the oracle."""
    for method, gaps in (("ga", [10.0, 11.0, 12.0]), ("ft", [9.0, 10.1, 10.9, 30.0, 31.0, 32.0])):
        for seed, gap in enumerate(gaps):
            made(tmp_path, method, seed, with_gap(gap))
    (table,) = compare(find([tmp_path]).runs, Options()).tables
    ft = table.rows[-1]
    assert (ft.name, ft.place.rank) == ("ft", 2)
    assert ft.place.p_different < 0.05
    assert ft.place.cannot_tell


def test_what_ranks_is_named(said, tmp_path):
    for method, h in (("a", 60.0), ("b", 50.0)):
        for seed in range(3):
            quality = {"H": h + seed / 10}
            made(tmp_path, method, seed, quality, None, original={"H": 20.0}, avg_gap=None)
    _, sentences = said({})
    assert starting(sentences, "Bold: best by H, unless")
    assert starting(sentences, "Ranked by H.")


def test_a_number_that_is_no_distance_has_a_floor_too(said, tmp_path):
    """H: oracles of 60, 62 and 61 differ by 4/3; the original lies 41 below, `a` about as they do."""
    for seed, (oracle, a, b) in enumerate(((60.0, 60.3, 45.0), (62.0, 61.8, 46.0), (61.0, 61.1, 48.0))):
        for method, h in (("a", a), ("b", b)):
            told = {"oracles": [{"seed": seed, "metrics": {"H": oracle}}], "original": {"H": 20.0}}
            made(tmp_path, method, seed, {"H": h}, {"H": oracle}, forget={"fingerprint": "rows"}, **told)
    table, sentences = said({}, options=Options(margin=2.0))
    assert starting(
        sentences, "This setting can tell methods apart: the original, with nothing unlearned, is 41.00"
    )
    assert {row.name: row.marks for row in table.rows if row.place} == {"a": "≡", "b": ""}
    assert table.rows[-2].cells["H"].times == pytest.approx(0.6 / 4)
