"""Rank correlations of metrics by hand, and what is said of few runs."""

import csv
import json
from itertools import permutations

import pytest
from made_runs import ORACLE, made
from scipy import stats

from unlearn_cli.compare.agreement import Agreement, agreements, as_table
from unlearn_cli.compare.command import parser
from unlearn_cli.compare.records import find
from unlearn_cli.compare.report import report
from unlearn_cli.errors import InputError


def runs(outputs):
    return find([outputs]).runs


def several(outputs, count=6, **more):
    """Runs whose gap in UA grows as RA falls, and whose KL falls: UA and RA agree, KL says the reverse."""
    for number in range(count):
        metrics = {
            "UA": ORACLE["UA"] + number * (-1) ** number,
            "RA": 100.0 - number,
            "KL_forget": 1.0 / (1 + number),
        }
        made(outputs, f"m{number}", metrics=metrics | {"MIA": ORACLE["MIA"]}, **more)


def taus(found):
    return {agreement.metrics: (agreement.tau, agreement.n) for agreement in found.found}


def test_by_hand(tmp_path):
    several(tmp_path)
    found = agreements(runs(tmp_path), ["UA", "RA", "KL_forget", "MIA"])
    assert taus(found) == {
        ("avg_gap", "UA"): (pytest.approx(1), 6),  # the distance, be UA above the oracle's or below
        ("avg_gap", "RA"): (pytest.approx(1), 6),
        ("avg_gap", "KL_forget"): (pytest.approx(-1), 6),
        ("UA", "RA"): (pytest.approx(1), 6),
        ("UA", "KL_forget"): (pytest.approx(-1), 6),
        ("RA", "KL_forget"): (pytest.approx(-1), 6),
    }  # MIA is the same for all: it has no ranking


def test_ties_count_as_in_tau_b(tmp_path):
    for number, (ra, kl) in enumerate([(100, 1), (99, 1), (99, 2), (98, 3), (97, 2)]):
        made(tmp_path, f"m{number}", metrics={"RA": ra, "KL_forget": kl})
    (tau,) = [one.tau for one in agreements(runs(tmp_path), ["RA", "KL_forget"]).of("RA", "KL_forget")]
    concordant, discordant, tied_ra, tied_kl, pairs = 6, 1, 1, 2, 10
    assert tau == pytest.approx((concordant - discordant) / ((pairs - tied_ra) * (pairs - tied_kl)) ** 0.5)


def test_settings_are_not_mixed_and_oracle_and_original_are_not_ranked(tmp_path):
    """In the second setting all gaps are larger: pooled, RA and KL would agree."""
    several(tmp_path / "one")
    for number in range(6):
        made(tmp_path / "two", f"m{number}", metrics={"RA": 50.0 + number, "KL_forget": 9.0 - number},
             config={"forget.fraction": 0.5})  # fmt: skip
    for method in ("retrain", "original"):
        made(tmp_path / "one", method)
    few = tmp_path / "three"
    made(few, "m0", config={"forget.fraction": 0.7})
    found = agreements(runs(tmp_path), ["RA", "KL_forget"])
    assert [(one.tau, one.n) for one in found.of("RA", "KL_forget")] == [
        (pytest.approx(-1), 6),
        (pytest.approx(1), 6),
    ]
    table = as_table(found)
    assert [row.name for row in table.rows] == ["RA →oracle", "KL forget ↓"]
    cell = table.rows[1].cells["RA"].value
    assert (cell.mean, cell.n, cell.std) == (pytest.approx(0), 12, pytest.approx(2**0.5))
    assert "Runs are ranked within each of 2 settings; mean of τ ± deviation over these." in table.said
    assert "Settings of fewer than 5 runs are left out: 1." in table.said


def test_chance_is_that_of_unrelated_rankings():
    """Of all orders of five."""
    drawn = [stats.kendalltau(range(5), order).statistic for order in permutations(range(5))]
    mean_square = sum(tau**2 for tau in drawn) / len(drawn)
    assert Agreement("", ("a", "b"), 0.0, 5).deviation == pytest.approx(mean_square**0.5)


def test_too_few_runs(tmp_path):
    several(tmp_path, count=4)
    with pytest.raises(InputError, match=r"--agreement: it takes 5 runs of methods in a setting .* has 4; "):
        agreements(runs(tmp_path), ["UA", "RA"])
    for number in (7, 8):
        made(tmp_path, f"m{number}", metrics={"RA": 50.0})
    said = as_table(agreements(runs(tmp_path), ["UA", "RA"])).said
    assert any(sentence.startswith("Too few runs") for sentence in said)


def test_metrics_that_rank_nothing_are_named(tmp_path):
    """More runs would not help where all have the same numbers."""
    several(tmp_path)
    said = as_table(agreements(runs(tmp_path), ["UA", "MIA", "TA"])).said
    assert "Left out, equal in all runs or of fewer than 5: MIA, TA." in said
    with pytest.raises(InputError, match="of avg_gap, TA there are none; --metrics all takes"):
        agreements(runs(tmp_path), ["TA"])


def test_terminal_markdown_and_pairs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    several(tmp_path / "outputs")
    for suffix in ("csv", "json"):
        files = ["--markdown", str(tmp_path / "t.md"), "--html", str(tmp_path / "t.html")]
        arguments = [str(tmp_path / "outputs"), "--metrics", "UA,RA,KL_forget", *files]
        report(parser().parse_args([*arguments, "--agreement", str(tmp_path / f"tau.{suffix}")]))
    assert "Agreement of metrics (Kendall's τ)" in capsys.readouterr().out
    text = (tmp_path / "t.md").read_text()
    assert "| KL forget ↓ | 6 | −1.00 | −1.00 | −1.00 |" in text
    assert "is below 0.70 in 95 % of cases" in text
    pairs = json.loads((tmp_path / "tau.json").read_text())
    assert [*csv.DictReader((tmp_path / "tau.csv").open())] == [
        {key: str(value) for key, value in pair.items()} for pair in pairs
    ]
    assert [pair["other"] for pair in pairs if pair["metric"] == "UA"] == ["RA", "KL_forget"]
    assert "Agreement of metrics" in (tmp_path / "t.html").read_text()


def test_a_folder_of_runs_is_not_taken_for_the_file(capsys):
    with pytest.raises(InputError, match=r"outputs: name a file ending in \.csv or \.json"):
        parser().parse_args(["--agreement", "outputs"])
