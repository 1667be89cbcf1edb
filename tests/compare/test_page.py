"""The HTML page, read as a file and as a browser shows it."""

import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from made_runs import SENTENCE, made, with_gap
from matplotlib.figure import Figure

from unlearn_cli.compare.comparison import Options, compare
from unlearn_cli.compare.page import to_html
from unlearn_cli.compare.records import find

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
chromium = pytest.mark.skipif(not BROWSER, reason="there is no chromium here")


@pytest.fixture
def runs(tmp_path):
    """Two settings; `slow` is the best and slowest, `none` lacks a metric, `<b>` is no markup."""
    for fraction in (0.1, 0.5):
        for seed in (0, 1):
            config = {"forget.fraction": fraction}
            made(
                tmp_path,
                "slow",
                seed,
                with_gap(1 + seed / 10) | {"TA_forget": 7.0},
                config=config,
                cost={"seconds": 99.0},
            )
            made(
                tmp_path,
                "quick",
                seed,
                with_gap(3 + seed / 10) | {"TA_forget": 30.0},
                config=config,
                cost={"seconds": 1.5},
            )
            made(
                tmp_path,
                "<b>",
                seed,
                with_gap(2 + seed),
                config=config,
                cost={"seconds": 20.0},
                warnings=[SENTENCE],
            )
    figures = tmp_path / "slow-s0-0.1/figures"
    figures.mkdir()
    Figure(figsize=(1, 1)).savefig(figures / "confidence.png")
    Figure(figsize=(1, 1)).savefig(figures / "training_curves.png")
    return find([tmp_path]).runs


@pytest.fixture
def page(runs):
    return to_html(compare(runs, Options(), ["left out: 1 failed (x)"]))


def browser(tmp_path, page, *arguments):
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", *arguments, file.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def shown(tmp_path, page, script=""):
    """The document after its scripts and that one ran."""
    return browser(tmp_path, page.replace("</body>", script or "</body>"), "--dump-dom").stdout


def methods(dom):
    """The rows' names in the first table, from top to bottom."""
    first = dom[dom.index("<table") : dom.index("</table")]
    return re.findall(r'<th scope="row" data-value="(.*?)"', first)


class References(HTMLParser):
    """Every address that an element of the page points to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [
            value for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")
        ]


def test_the_page_needs_nothing_from_elsewhere(page):
    reader = References()
    reader.feed(page)
    assert reader.found
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in reader.found)
    assert not re.search(r"@import|<link|<script src|<iframe|fetch\(|XMLHttpRequest", page)
    assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", page))


def test_each_setting_has_its_table_figures_and_pictures(page, tmp_path):
    sections = page.split("<section")[1:-1]
    assert len(sections) == 2
    for section in sections:
        assert section.count("<table") == 1
        assert section.count("<svg") == 2
        assert "slow" in section
        assert SENTENCE in section
    (picture,) = re.findall(r"base64,([^\"]+)", page)
    assert base64.b64decode(picture) == (tmp_path / "slow-s0-0.1/figures/confidence.png").read_bytes()
    assert "<summary>slow, seed 0: confidence histograms</summary>" in page
    assert "left out: 1 failed (x)" in page


def test_names_are_no_markup(page):
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_the_figures_of_a_page_are_those_of_its_numbers(runs):
    """Equal runs draw equal pages: nothing in them is a date or a random name."""
    assert to_html(compare(runs, Options())) == to_html(compare(runs, Options()))


def test_without_an_oracle_there_is_no_figure_of_the_gap(tmp_path):
    for method in ("a", "b"):
        made(tmp_path, method, oracle=None)
    page = to_html(compare(find([tmp_path]).runs, Options()))
    assert page.count("<svg") == 1
    assert "Avg Gap" not in page.split("<svg")[1].split("</svg>")[0]


@chromium
def test_a_browser_shows_the_rows_by_rank(tmp_path, page):
    assert methods(shown(tmp_path, page)) == ["retrain", "original", "slow", "&lt;b&gt;", "quick"]


@chromium
@pytest.mark.parametrize(
    ("column", "clicks", "order"),
    [
        (
            "RTE (s) ↓",
            1,
            ["quick", "&lt;b&gt;", "slow"],
        ),  # as numbers: "99" < "1.5" as text no more than "20"
        ("RTE (s) ↓", 2, ["slow", "&lt;b&gt;", "quick"]),
        ("Avg Gap ↓", 1, ["quick", "&lt;b&gt;", "slow"]),  # it was in ascending order
        ("method", 1, ["&lt;b&gt;", "quick", "slow"]),
        ("TA forget (%) →oracle", 1, ["slow", "quick", "&lt;b&gt;"]),  # 7 < 30; what was not measured is last
        ("TA forget (%) →oracle", 2, ["quick", "slow", "&lt;b&gt;"]),
    ],
)
def test_a_click_on_a_header_sorts(tmp_path, page, column, clicks, order):
    head = page[page.index("<thead") : page.index("</thead")]
    place = re.findall(r"<button[^>]*>(.*?)</button>", head).index(column)
    click = f"document.querySelectorAll('thead button')[{place}].click();"
    dom = shown(tmp_path, page, f"<script>{click * clicks}</script></body>")
    assert methods(dom) == ["retrain", "original", *order]
    assert len(re.findall("aria-sort", dom[dom.index("<thead") : dom.index("</thead")])) == 1


@chromium
@pytest.mark.parametrize("width", [1200, 500])
def test_the_page_fits_the_window(tmp_path, page, width):
    """Only the tables scroll sideways; a picture of the page can be taken."""
    window, file = f"--window-size={width},1600", tmp_path / "shot.png"
    browser(tmp_path, page, f"--screenshot={file}", window, "--hide-scrollbars")
    assert file.stat().st_size > 20_000
    measure = "<script>document.title = document.documentElement.scrollWidth</script></body>"
    dom = browser(tmp_path, page.replace("</body>", measure), window, "--dump-dom").stdout
    (used,) = re.findall(r"<title>(\d+)</title>", dom)
    assert int(used) <= width
