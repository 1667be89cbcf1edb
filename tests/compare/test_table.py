import pytest
from rich.console import Console

from unlearn_cli.compare.run_sentences import sentences
from unlearn_cli.compare.table import result_tables, show, to_markdown, write
from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.floor import floor

RESULT = {
    "method": "salun",
    "expected": None,
    "metrics": {"VA": 94.1, "UA": 2.85, "RA": 99.62, "TA": 93.93, "MIA": 14.39, "KL_test": 0.01234},
    "original": {"UA": 0.0, "RA": 100.0, "TA": 94.3, "MIA": 0.4},
    "oracle": {"UA": 5.24, "RA": 100.0, "TA": 94.26, "MIA": 12.88},
    "gap": {"UA": 2.39, "RA": 0.38, "TA": 0.33, "MIA": 1.51},
    "avg_gap": 1.1525,
    "cost": {"seconds": 63.21, "mask_seconds": 2.5, "peak_memory_mb": 1234.5, "samples": 450000, "steps": 9},
    "original_cost": None,
    "oracle_cost": {"seconds": 1100.0},
    "warnings": [],
}
ALONE = RESULT | {
    "method": "original",
    "original": None,
    "oracle": None,
    "gap": None,
    "avg_gap": None,
    "oracle_cost": None,
}


def cells(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def printed(result, expected, width: int) -> str:
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        for table in result_tables(result["method"], result, expected, width):
            console.print(table)
    return capture.get()


def test_rows_and_columns_of_a_run():
    head, _, *rows = cells(to_markdown("salun", RESULT, None))
    assert head == ["", "salun", "original", "oracle", "gap", "meaning"]
    table = {row[0]: row[1:5] for row in rows}
    assert table == {
        "UA (%) →oracle": ["2.85", "0.00", "5.24", "2.39"],
        "RA (%) →oracle": ["99.62", "100.00", "100.00", "0.38"],
        "TA (%) →oracle": ["93.93", "94.30", "94.26", "0.33"],
        "MIA (%) →oracle": ["14.39", "0.40", "12.88", "1.51"],
        "Avg Gap ↓": ["–", "4.44", "–", "1.15"],
        "RTE (s) ↓": ["63.2", "–", "1,100.0", "–"],
        "mask (s) ↓": ["2.5", "–", "–", "–"],
        "peak memory (MB) ↓": ["1,234", "–", "–", "–"],
        "samples ↓": ["450,000", "–", "–", "–"],
        "VA (%) →oracle": ["94.10", "–", "–", "–"],
        "KL test (nats) ↓": ["0.0123", "–", "–", "–"],
    }
    assert list(table)[:4] == [f"{name} (%) →oracle" for name in ("UA", "RA", "TA", "MIA")]


def test_the_papers_numbers_get_a_column():
    head, _, *rows = cells(to_markdown("salun", RESULT, {"UA": 2.85, "avg_gap": 1.15}))
    assert head[-2] == "paper"
    assert {row[0]: row[-2] for row in rows if row[-2] != "–"} == {
        "UA (%) →oracle": "2.85",
        "Avg Gap ↓": "1.15",
    }


def test_a_run_without_comparisons_has_one_column():
    head, _, *rows = cells(to_markdown("original", ALONE, None))
    assert head == ["", "original", "meaning"]
    assert [row[0] for row in rows].count("Avg Gap ↓") == 0


@pytest.mark.parametrize("width", [80, 140])
def test_the_terminal_shows_every_number_at_any_width(width):
    text = printed(RESULT, {"UA": 2.99}, width)
    _, _, *rows = cells(to_markdown("salun", RESULT, {"UA": 2.99}))
    for row in rows:
        line = next(line for line in text.splitlines() if line.strip().startswith(row[0]))
        assert line[len(row[0]) + 1 :].split()[: len(row) - 2] == row[1:-1]
        assert (row[-1] in line) == (width == 140)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [30, 40, 60, 70])
def test_a_narrow_terminal_shows_every_number_in_tables_below_each_other(width):
    text = printed(RESULT | {"warnings": ["RA is low."]}, {"UA": 2.99}, width)
    head, _, *rows = cells(to_markdown("salun", RESULT, {"UA": 2.99}))
    assert max(map(len, text.splitlines())) <= width
    assert all(name in text for name in head[1:-1])
    for row in rows:
        numbers = [
            line.strip()[len(row[0]) :].split()
            for line in text.splitlines()
            if line.strip().startswith(row[0])
        ]
        assert [number for part in numbers for number in part][: len(row) - 2] == row[1:-1]
    assert text.count("RA is low.") == 1


def test_a_pipe_is_not_cut_and_columns_are_honoured(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    result = RESULT | {"source": None, "folder": "outputs/" + "x" * 100, "forget": {"facts": {}}}
    show(result)
    shown = capsys.readouterr().out
    *_, rows = [row for row in cells(to_markdown("salun", RESULT, None)) if row[0].startswith("MIA")]
    assert all(part in shown for part in rows)
    assert result["folder"] in shown.splitlines()
    monkeypatch.setenv("COLUMNS", "60")
    show(result)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines()[:-1])) <= 60
    assert result["folder"] in shown.splitlines()


def test_warnings_stand_under_the_table():
    warned = RESULT | {"warnings": ["The model is destroyed: RA is 10.0 %."]}
    assert "\n\n**The model is destroyed: RA is 10.0 %.**\n" in to_markdown("salun", warned, None)
    assert printed(warned, None, 140).rstrip().endswith("RA is 10.0 %.")


def test_a_metric_without_a_meaning_is_refused():
    with pytest.raises(RunError, match=r"no meaning of XY; "):
        to_markdown("salun", RESULT | {"metrics": {"XY": 1.0}}, None)


def test_show_prints_a_finished_run(capsys):
    facts = {"mode": "worst", "unit": "sample"}
    found = {"selected": 5, "units": 50, "random": 0.2, "iterations": 9, "seconds": 3.0}
    found |= {"loss_selected": 0.1, "loss_others": 0.2}
    forget = {"kind": "worst_case", "count": 5, "facts": facts, "found": found}
    folder = {"source": "a paper's Table 1", "folder": "outputs/run", "forget": forget}
    show(RESULT | {"expected": {"UA": [2.99, 0.4]}} | folder)
    shown = capsys.readouterr().out
    assert "2.99" in shown
    assert "forget set: worst_case: 5 of 50 samples" in shown


def with_oracles(*uas: float, **changed) -> dict:
    """A run beside oracles that differ in UA alone: a quarter of that is their distance."""
    oracles = [{"seed": seed, "metrics": RESULT["oracle"] | {"UA": ua}} for seed, ua in enumerate(uas)]
    metrics = [oracle["metrics"] for oracle in oracles]
    return RESULT | {"oracles": oracles, "oracle": metrics[0], "floor": floor(metrics)} | changed


def test_an_oracle_that_diverged_has_no_deviation():
    head, _, *rows = cells(to_markdown("salun", with_oracles(5.24, float("inf")), None))
    (ua,) = [row for row in rows if row[0].startswith("UA")]
    assert ua[head.index("2 oracles")] == "inf"


def test_several_oracles_have_a_mean_and_a_distance_from_each_other():
    head, _, *rows = cells(to_markdown("salun", with_oracles(5.24, 7.24, 9.24), None))
    assert head == ["", "salun", "original", "oracle", "3 oracles", "gap", "oracle again", "meaning"]
    table = {row[0]: row[3:7] for row in rows}
    assert table["UA (%) →oracle"] == ["5.24", "7.24 ± 2.00", "2.39", "2.67"]
    assert table["RA (%) →oracle"] == ["100.00", "100.00 ± 0.00", "0.38", "0.00"]
    assert table["Avg Gap ↓"] == ["–", "–", "1.15", "0.67"]
    assert table["RTE (s) ↓"] == ["1,100.0", "–", "–", "–"]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (RESULT, ["One oracle, so no floor: oracle.count=3"]),
        (
            with_oracles(5.24, 6.24, 7.24),
            [
                "3 oracles are 0.25 to 0.50 from each other in Avg Gap; the mean is the floor. "
                "In floors, unlearning nothing is 13.3 from the oracle, salun 3.5."
            ],
        ),
        (with_oracles(5.24, 10.24), ["2 oracles are 1.25 from each other", "salun is no farther from its"]),
        (with_oracles(5.24, 45.24), ["2 oracles", "this setting cannot tell methods apart"]),
        (with_oracles(5.24, 6.24, float("nan")), ["An oracle's numbers are not all finite, so no floor."]),
        (with_oracles(5.24, 5.24), ["2 oracles are 0.00 from each other in Avg Gap; the mean is the floor."]),
        (
            with_oracles(5.24, 6.24, avg_gap=4.5),
            ["salun does not beat unlearning nothing: Avg Gap 4.50, the original's 4.44.", "2 oracles"],
        ),
        (with_oracles(5.24, 6.24, avg_gap=0.0, method="retrain"), ["2 oracles are 0.25 from each other"]),
        (ALONE, []),
        (RESULT | {"gap": {"UA": 1.0}, "avg_gap": None}, []),
    ],
)
def test_what_is_said_of_the_gap(result, said):
    found = sentences(result)
    assert len(found) == len(said), found
    for sentence, part in zip(found, said, strict=True):
        assert part in sentence
    assert all(sentence in to_markdown("m", result, None) for sentence in found)


def test_write_keeps_the_same_table_as_markdown(tmp_path):
    write(RESULT | {"expected": {"UA": [2.99, 0.4]}}, tmp_path / "table.md")
    assert (tmp_path / "table.md").read_text() == to_markdown(RESULT["method"], RESULT, {"UA": 2.99})
