"""What the terminal, CSV, Markdown and LaTeX say of one comparison."""

import csv
import io
import re
import shutil
import subprocess

import pytest
from made_runs import SENTENCE, made
from rich.console import Console

from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.latex import escaped, to_latex
from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.records import find
from unlearn_cli.compare.rows import rows, to_csv
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.compare.terminal import show

EXPECTED = {"UA": [2.85, 0.43]}


@pytest.fixture
def comparison(tmp_path):
    for seed, ua in enumerate((4.0, 6.0, 5.0)):
        made(tmp_path, "salun", seed, metrics={"UA": ua}, expected=EXPECTED, source="A_paper")
        made(tmp_path, "l1_sparse", seed, metrics={"UA": 50.0 + seed}, warnings=[SENTENCE])
    return compare(find([tmp_path]).runs, Options(), ["left out: 1 failed (x)"])


def printed(comparison, width):
    console = Console(width=width, force_terminal=False)
    with console.capture() as capture:
        show(comparison, console)
    return capture.get()


def test_the_terminal_shows_every_number_at_any_width(comparison):
    for width in (60, 80, 200):
        text = printed(comparison, width)
        assert max(len(line) for line in text.splitlines() if not line.startswith("left")) <= width
        assert "…" not in text
        for part in (
            "5.00 ± 1.00 (0.67)",
            "[2.52, 7.48]",
            "paper 2.85 ± 0.43: +2.15†",
            "l1_sparse ✗",
            "51.00 ± 1.00 (46.00)",
            "11.0 ± 1.0",
        ):
            assert part in text, part
        for sentence in (SENTENCE, "paper: A_paper.", "left out: 1 failed (x)"):
            assert sentence in " ".join(text.split())


def test_a_long_name_goes_on_in_a_second_line(tmp_path):
    for bound in ("first", "second"):
        made(tmp_path, config={"method.bound": f"{bound} of the words that make this name far too long"})
    text = printed(compare(find([tmp_path]).runs, Options()), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "…" not in text
    assert all(text.count(word) >= 2 for word in ("words", "name", "far", "long"))


def test_csv_has_a_line_for_each_row_with_every_digit(comparison):
    lines = list(csv.DictReader(io.StringIO(to_csv(comparison))))
    assert [line["name"] for line in lines] == ["oracle", "original", "salun", "l1_sparse"]
    salun = lines[2]
    assert float(salun["UA/mean"]) == 5.0
    assert float(salun["UA/std"]) == 1.0
    assert float(salun["UA/low"]) == pytest.approx(5 - 4.302652729749464 / 3**0.5)  # Student's t, two degrees
    assert float(salun["UA/gap_mean"]) == pytest.approx(2 / 3)
    assert (salun["UA/paper"], salun["UA/paper_std"], salun["UA/outside"]) == ("2.85", "0.43", "True")
    assert float(salun["UA/difference"]) == pytest.approx(2.15)
    assert (salun["n"], salun["seeds"], salun["rank"], salun["best"]) == ("3", "0 1 2", "1", "True")
    assert (salun["task"], salun["data"], salun["method"]) == ("classification", "digits", "salun")
    assert (lines[3]["destroyed"], lines[3]["UA/paper"], lines[0]["rank"]) == ("3", "", "")
    # Avg Gap of l1_sparse − salun is 11, 11.25, 11.75: p = 0.00038; of original − salun 4.25, 4.25, 4.5:
    # p = 0.00037, times three pairs
    assert float(lines[3]["p_different_from_best"]) == pytest.approx(3 * 0.00036962, rel=1e-3)
    assert (lines[3]["equals_best"], lines[3]["cannot_tell"], lines[3]["p_equal_to_best"]) == (
        "False",
        "False",
        "",
    )


def test_csv_tells_settings_and_variants_apart_by_key(tmp_path):
    for fraction in (0.1, 0.5):
        for lr in (0.1, 0.2):
            made(tmp_path, config={"forget.fraction": fraction, "method.lr": lr})
    found = rows(compare(find([tmp_path]).runs, Options()))
    assert [(row["forget.fraction"], row["method.lr"]) for row in found] == [
        (fraction, lr) for fraction in ("0.1", "0.5") for lr in (None, None, "0.1", "0.2")
    ]
    assert len({tuple(row) for row in found}) == 1


def test_markdown(comparison):
    text = to_markdown(comparison)
    head, _, *body = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert head[:3] == ["", "n", "UA (%) →oracle"]
    assert [line[0] for line in body] == ["oracle", "original", "**salun**", "l1_sparse ✗"]
    assert body[2][2] == "5.00 ± 1.00 (0.67)<br>[2.52, 7.48]<br>paper 2.85 ± 0.43: +2.15†"
    assert body[2][head.index("Avg Gap ↓")] == "**0.17 ± 0.14**<br>[0.02, 1.43]"
    assert all(len(line) == len(head) for line in body)
    assert f"✗ l1_sparse, 3 of 3 runs: {SENTENCE}" in text


def test_markdown_takes_no_name_for_markup(tmp_path):
    for bound in ("a|b", "*c*"):
        made(tmp_path, config={"method.bound": bound})
    text = to_markdown(compare(find([tmp_path]).runs, Options()))
    assert "| **ga method.bound=a\\|b** | 1 |" in text
    assert "method.bound=\\*c\\*" in text


def test_latex_rows_are_those_of_the_papers(comparison):
    text = to_latex(comparison)
    assert r"oracle & 5.00$_{\pm 0.00}$ (0.00) & " in text
    assert r"\textbf{salun} & 5.00$_{\pm 1.00}$ (0.67) & " in text
    assert r"\quad paper & 2.85$_{\pm 0.43}$ (+2.15$\dagger$) &  & " in text
    assert r"l1\_sparse $\times$ & 51.00$_{\pm 1.00}$ (46.00) & " in text
    assert r"& \textbf{0.17$_{\pm 0.14}$} &" in text
    assert "confidence interval" not in text  # it has none


def test_latex_is_well_formed(comparison):
    text = to_latex(comparison)
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert begun == ["table", "tabular"] == ended[::-1]
    plain = re.sub(r"\\.", "", text)
    assert plain.count("{") == plain.count("}")
    assert plain.count("$") % 2 == 0
    (columns,) = re.findall(r"begin{tabular}{(l.*?)}", text)
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in lines} == {len(columns) - 1}
    assert not re.search(r"(?<!\\)[%#]", text.split("\n", 1)[1])
    assert [re.search(rule, text).start() for rule in (r"\\toprule", r"\\midrule", r"\\bottomrule")]
    assert text.isascii()


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="there is no pdflatex here")
def test_latex_compiles(comparison, tmp_path):
    document = (
        r"\documentclass{article}\usepackage{booktabs}\begin{document}"
        + to_latex(comparison)
        + r"\end{document}"
    )
    (tmp_path / "table.tex").write_text(document)
    subprocess.run(["pdflatex", "-halt-on-error", "table.tex"], cwd=tmp_path, check=True)


def test_latex_escapes():
    assert escaped(r"a_b & 5 % #1 {x} ~ ^ \y $") == (
        r"a\_b \& 5 \% \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{}y \$"
    )


def test_one_seed_has_neither_deviation_nor_interval(tmp_path):
    made(tmp_path)
    comparison = compare(find([tmp_path]).runs, Options(metrics=("UA",)))
    assert "ga | 1 | 5.00 (0.00) | " in to_markdown(comparison).replace("**", "")
    assert r"5.00 (0.00) & " in to_latex(comparison)


def test_a_metric_that_some_runs_lack_says_how_many_have_it(tmp_path):
    made(tmp_path, seed=0, metrics={"TA_forget": 3.0})
    made(tmp_path, seed=1)
    assert "| 3.00 n=1 |" in to_markdown(compare(find([tmp_path]).runs, Options(metrics=("TA_forget",))))


def test_the_interval_is_named(tmp_path):
    made(tmp_path)
    runs = find([tmp_path]).runs
    assert "[95 % confidence interval of the mean, Student's t, on the logit" in to_markdown(
        compare(runs, Options())
    )
    assert "none of fewer than three runs or equal ones, which do not show how they vary]" in to_markdown(
        compare(runs, Options())
    )
    assert "percentile bootstrap" in to_markdown(compare(runs, Options(interval="bootstrap")))
