"""Records of runs are data: whatever stands in them, a comparison ends in tables or in a line."""

import csv
import io
import json

import pytest
import yaml
from harm import HARMS, harm
from made_runs import made
from rich.console import Console

from unlearn_cli.compare import page
from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.latex import to_latex
from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.page import to_html
from unlearn_cli.compare.records import find
from unlearn_cli.compare.report import read_and_compare
from unlearn_cli.compare.rows import to_csv
from unlearn_cli.compare.terminal import show
from unlearn_cli.errors import InputError
from unlearn_cli.storage.content import hashes

DEEP: dict = {}
for _ in range(600):
    DEEP = {"a": DEEP}
VALUES = {
    "null": None,
    "a number": 3,
    "text": "x",
    "a list": [1, "x"],
    "no keys": {},
    "lists": {"a": [[]]},
    "a huge number": 10**400,
    "huge numbers": {"UA": 10**400, "RA": 1e308, "TA": -1e308},
    "a large number": 1e308,
    "true": True,
    "deep": DEEP,
}
LIKE_OTHERS = ("text", "a list", "a huge number", "a large number")
EACH = [pytest.param(v, marks=pytest.mark.thorough) if v in LIKE_OTHERS else v for v in VALUES]
KEYS = [
    *("method", "seed", "choices", "metrics", "original", "oracle", "gap", "avg_gap", "warnings", "cost"),
    *("original_cost", "oracle_cost", "expected", "source", "forget", "meanings"),
    "oracles",
]


DRAWN = {"method", "choices", "metrics", "original", "oracle", "oracles", "gap", "avg_gap", "cost"}
"""What figures are made of: points and names. No other key comes to one, and they take most of the time."""


@pytest.fixture
def undrawn(monkeypatch):
    """undrawn(key): a page has figures only where the key's value could come to them."""
    drawing = page.plots

    def of(key):
        monkeypatch.setattr(page, "plots", drawing if key in DRAWN else lambda _: {})

    return of


def outputs(folder) -> dict[str, str]:
    """All that can be made of the runs there."""
    _, comparison = read_and_compare([folder], [], Options())
    text = io.StringIO()
    show(comparison, Console(file=text, width=300))
    renderers = {"markdown": to_markdown, "latex": to_latex, "csv": to_csv, "html": to_html}
    return {"terminal": text.getvalue()} | {name: make(comparison) for name, make in renderers.items()}


@pytest.mark.parametrize("value", EACH)
def test_any_value_in_any_place_of_a_result(tmp_path, value, undrawn):
    for number, key in enumerate(KEYS):
        place = tmp_path / str(number)
        made(place, "ft")
        folder = made(place, "ga")
        record = json.loads((folder / "metrics.json").read_text())
        (folder / "metrics.json").write_text(json.dumps(record | {key: VALUES[value]}))
        undrawn(key)
        outputs(place)


@pytest.mark.parametrize("value", VALUES)
def test_any_value_in_any_place_of_a_configuration(tmp_path, value, undrawn):
    for number, key in enumerate(["method", "data", "forget", "seed", "mask", "expected", "paths"]):
        place = tmp_path / str(number)
        made(place, "ft")
        folder = made(place, "ga")
        config = yaml.safe_load((folder / "config.yaml").read_text()) | {key: VALUES[value]}
        (folder / "config.yaml").write_text(json.dumps(config))  # is YAML, too
        undrawn(key)
        outputs(place)


@pytest.mark.parametrize("kind", HARMS)
@pytest.mark.parametrize("name", ["status.json", "metrics.json", "config.yaml"])
def test_damaged_files_are_left_out_and_told(tmp_path, name, kind):
    made(tmp_path, "ft")
    harm(made(tmp_path, "ga") / name, kind)
    if kind != "one bit" and (name, kind) != (
        "config.yaml",
        "no keys",
    ):  # without checksums these are no faults
        (told,) = find([tmp_path]).sentences()
        assert "left out: 1 " in told
        assert len(told.splitlines()) == 1
    outputs(tmp_path)


@pytest.mark.parametrize("name", ["metrics.json", "config.yaml"])
def test_another_number_is_found_by_the_checksum(tmp_path, name):
    folder = made(tmp_path, "ga")
    status = {"state": "finished", "reason": None, "files": hashes(folder, without=["status.json"])}
    (folder / "status.json").write_text(json.dumps(status))
    assert len(find([tmp_path]).runs) == 1
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace("5", "7", 1))
    (told,) = find([tmp_path]).sentences()
    assert f"left out: 1 damaged ({folder}: {name} has changed)" in told


def test_yaml_that_stands_for_more_than_memory(tmp_path):
    folder = made(tmp_path, "ga")
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (folder / "config.yaml").write_text("\n".join(lines))
    with pytest.raises(InputError, match="grows without end by references"):
        read_and_compare([tmp_path], [], Options())


NAMES = {
    "colours": "\x1b[31mred\x1b[0m",
    "title": "\x1b]0;owned\x07",
    "cursor": "\x1b[2J\x1b[H",
    "one byte": "\x9b31mred",
    "line": "two\nlines",
    "bell": "\x07",
    "backwards": "\u202egnp.exe",
    "rich": "[red]x[/red] [/] :smile:",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&",
    "jinja": "{{ 7*7 }}{% raw %}",
    "formula": '=HYPERLINK("http://x","y")',
    "plus": "+1+cmd|' /C calc'!A0",
    "at": "@SUM(1)",
    "minus": "-2+3",
    "tab": "\t=1",
    "markdown": "[x](javascript:alert(1)) ![y](z) `q` **b** _i_ $x^2$ ~~s~~ | c",
    "latex": r"\input{/etc/passwd} $\frac{ #1 %",
    "mathtext": r"$\frac{",
    "underscore": "_hidden",
    "path": "../../../etc/passwd",
    "half a pair": "\ud800",
}


@pytest.fixture(params=NAMES)
def named(tmp_path, request):
    """Outputs of runs whose method, data, class and value have that name."""
    name = NAMES[request.param]
    config = {"data": {"_target_": "D", "path": name}, "method": {"lr": 0.1, "concept": name}}
    for method, gap in ((name, 1.0), ("ft", 2.0), ("salun", 3.0)):
        result = {
            "metrics": {"UA": 5.0 + gap},
            "warnings": [f"the class {name} is destroyed"],
            "source": name,
        }
        folder = made(tmp_path / f"{gap}", "ga", **result)
        record = json.loads((folder / "metrics.json").read_text())
        record |= {"method": method, "choices": record["choices"] | {"method": method, "data": name}}
        (folder / "metrics.json").write_text(json.dumps(record))
        (folder / "config.yaml").write_text(json.dumps(config | {"seed": 0}).replace("\\ud800", ""))
    return name, outputs(tmp_path)


def test_names_reach_no_terminal_no_markup_no_formula(named):
    name, made_of = named
    for text in made_of.values():
        assert not set(text) & {chr(n) for n in (*range(9), 11, 12, *range(14, 32), *range(127, 160))}
        assert "\u202e" not in text
        text.encode()
    assert "<script>alert" not in made_of["html"]
    assert "<img src=x" not in made_of["html"]
    for row in csv.reader(io.StringIO(made_of["csv"])):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t")), cell
            assert not cell.startswith("-") or float(cell) < 0
    assert len({line.count(" | ") for line in made_of["markdown"].splitlines() if line.startswith("| ")}) == 1
    if "[red]" in name:
        assert name in made_of["terminal"]
    assert r"\input" not in made_of["latex"]
