"""How far chosen forget sets overlap: Jaccard indices by hand."""

import json

import pytest
from made_runs import made

from unlearn_cli.compare.comparison import Comparison, Options
from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.overlap import overlaps
from unlearn_cli.compare.page import to_html
from unlearn_cli.compare.records import find
from unlearn_cli.compare.statistics import jaccard_by_chance

ROWS = 10
"""Training rows of the account."""


@pytest.fixture
def tables(tmp_path):
    """tables(): of the runs made so far."""

    def of():
        found = find([tmp_path])
        return overlaps(found.runs, found)

    return of


def run(
    outputs, kind, seed, rows, method="ga", fraction=0.3, config=None, choices=None, facts=None, data="d"
):
    """A run with that forget set; a worst case was measured and has an account."""
    chosen = kind == "worst_case"
    facts = {"fraction": fraction, "count": None} | (facts or {})
    folder = made(
        outputs,
        method,
        seed,
        config={"forget.fraction": fraction, "forget._target_": kind} | (config or {}),
        choices={"forget": kind} | (choices or {}),
        forget={
            "kind": kind,
            "count": len(rows),
            "facts": facts,
            "found": {"objective": 1.0} if chosen else {},
        },
    )
    manifest = {
        "kind": kind,
        "facts": facts,
        "data_fingerprint": data,
        "split_fingerprint": "s",
        "fingerprint": str(sorted(rows)),
        "indices": sorted(rows),
        "found": {"units": ROWS} if chosen else {},
    }
    (folder / "forget.json").write_text(json.dumps(manifest))
    return folder


def found(table):
    """By row: pairs, mean Jaccard index and chance in percent."""
    return {
        row.name: (row.n, *(cell.value.mean if cell.value else None for cell in row.cells.values()))
        for row in table.rows
    }


def test_between_seeds_and_with_random_sets_of_equal_seeds(tmp_path, tables):
    for seed, rows in enumerate(({0, 1, 2}, {0, 1, 3}, {0, 4, 5})):
        for method in ("ga", "ft"):
            run(tmp_path, "worst_case", seed, rows, method)
    for seed, rows in enumerate(({0, 1, 2}, {7, 8, 9}, {0, 4, 9}, {0, 1, 2})):
        run(tmp_path, "random", seed, rows)
    (table,) = tables()
    assert table.title == "Overlap of forget sets · digits"
    # 3 of 10 and 3 of 10 share 0, 1, 2 or 3 in 35, 63, 21 and 1 of 120 cases: (63/5 + 21·2/4 + 1) / 120
    chance = pytest.approx(100 * (63 / 5 + 21 / 2 + 1) / 120)
    assert found(table) == {
        "worst_case, pairs of seeds": (3, pytest.approx(100 * (2 / 4 + 1 / 5 + 1 / 5) / 3), chance),
        "worst_case with random, equal seeds": (3, pytest.approx(100 * (1 + 0 + 2 / 4) / 3), chance),
    }


def test_chance_of_small_shares():
    assert jaccard_by_chance(2, 2, 4) == pytest.approx(
        (4 / 3 + 1) / 6
    )  # one in common in 4 of 6 cases, two in 1
    assert jaccard_by_chance(4500, 4500, 45000) == pytest.approx(0.1 / 1.9, rel=1e-3)
    assert jaccard_by_chance(3, 3, 3) == 1.0


def test_two_lower_levels_and_two_models(tmp_path, tables):
    def choices(lower, model="resnet20"):
        return {"model": model, "lower@forget.lower": lower}

    run(tmp_path, "worst_case", 0, {0, 1, 2}, choices=choices("ft"), config={"forget.lower.lr": 0.1})
    run(tmp_path, "worst_case", 0, {0, 1, 3}, choices=choices("rl"), config={"forget.lower.lr": 0.2})
    run(tmp_path, "worst_case", 0, {5, 6, 7}, choices=choices("ft", "vgg"), config={"forget.lower.lr": 0.1})
    for model in ("resnet20", "vgg"):  # one draw, whatever the model
        run(tmp_path, "random", 0, {2, 3, 5}, choices={"model": model})
    (table,) = tables()
    names = [
        "resnet20 · worst_case forget.lower=ft",
        "resnet20 · worst_case forget.lower=rl",
        "vgg · worst_case",
    ]
    assert {name: values[:2] for name, values in found(table).items()} == {
        f"{names[0]} with {names[1]}, equal seeds": (1, 50.0),
        f"{names[0]} with {names[2]}, equal seeds": (1, 0.0),
        f"{names[1]} with {names[2]}, equal seeds": (1, 0.0),
        f"{names[0]} with random, equal seeds": (1, 20.0),
        f"{names[1]} with random, equal seeds": (1, 20.0),
        f"{names[2]} with random, equal seeds": (1, 20.0),
    }


def test_every_draw_of_a_seed_is_compared(tmp_path, tables):
    run(tmp_path, "worst_case", 0, {0, 1, 2})
    for draw, rows in enumerate(({0, 1, 2}, {0, 8, 9})):
        run(tmp_path, "random", 0, rows, config={"forget.seed": draw})
    (table,) = tables()
    assert found(table)["worst_case with random, equal seeds"][:2] == (2, 60.0)  # 1 and 1/5


def test_whole_classes_are_expected_by_chance_as_classes(tmp_path, tables):
    """One of ten classes of three rows each: one of ten chances that it is the same."""
    for seed, rows in enumerate(({0, 1, 2}, {0, 1, 2})):
        run(tmp_path, "worst_case", seed, rows, fraction=0.1, facts={"unit": "class"})
    run(tmp_path, "random", 0, {0, 8, 9}, fraction=0.1)
    (table,) = tables()
    assert found(table) == {
        "worst_case, pairs of seeds": (1, 100.0, pytest.approx(10.0)),
        "worst_case with random, equal seeds": (1, pytest.approx(20.0), None),  # classes against samples
    }


def test_only_sets_of_the_same_data_split_and_size_are_compared(tmp_path, tables):
    run(tmp_path, "worst_case", 0, {0, 1, 2})
    run(tmp_path, "worst_case", 1, {0, 1, 2}, data="other")
    run(tmp_path, "random", 0, {0, 1}, fraction=0.2)
    assert tables() == []


def test_sizes_have_a_table_each(tmp_path, tables):
    for fraction, rows in ((0.2, {0, 1}), (0.3, {0, 1, 2})):
        for seed in (0, 1):
            run(tmp_path, "worst_case", seed, rows, fraction=fraction)
        run(tmp_path, "random", 0, rows | {7}, fraction=fraction)
    title, names = "Overlap of forget sets · digits", [", pairs of seeds", " with random, equal seeds"]
    assert {table.title: list(found(table)) for table in tables()} == {
        f"{title} forget.fraction={fraction}": [f"worst_case{name}" for name in names]
        for fraction in (0.2, 0.3)
    }


def test_draws_alone_are_not_read(tmp_path, tables):
    folder = run(tmp_path, "random", 0, {0, 1, 2})
    other = run(tmp_path, "random", 0, {0, 1}, fraction=0.2)
    for one in (folder, other):
        (one / "forget.json").write_text("{")
    assert tables() == []
    run(tmp_path, "worst_case", 0, {0, 1, 2})
    runs = find([tmp_path])
    assert overlaps(runs.runs, runs) == []
    ((reason, lines),) = runs.left_out.items()  # what is compared with the worst case, and only that
    assert reason == "of unknown forget set, not in the overlaps"
    assert [line.split(":")[0] for line in lines] == [str(folder)]


def test_a_manifest_of_another_version_is_left_out(tmp_path):
    for seed in (0, 1):
        folder = run(tmp_path, "worst_case", seed, {0, 1, 2})
    (folder / "forget.json").write_text(json.dumps({"data_fingerprint": "d"}))
    runs = find([tmp_path])
    assert overlaps(runs.runs, runs) == []
    assert runs.sentences() == [
        "left out: 1 of unknown forget set, not in the overlaps "
        f"({folder}: forget.json lacks 'split_fingerprint')"
    ]


def test_reports_have_the_section(tmp_path, tables):
    run(tmp_path, "worst_case", 0, {0, 1, 2})
    run(tmp_path, "worst_case", 1, {0, 1, 3})
    comparison = Comparison([], Options(), overlaps=tables())
    text = to_markdown(comparison)
    assert text.startswith("### Overlap of forget sets · digits\n\n|  | n | Jaccard (%) | by chance (%) |\n")
    assert "| worst_case, pairs of seeds | 1 | 50.00 | 20.08 |" in text
    page = to_html(comparison)
    assert page.index("forget sets</button>") < page.index('<span class="first">50.00</span>')
    assert "<dt>" not in page  # its own note says what it means
