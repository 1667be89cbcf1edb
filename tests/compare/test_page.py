"""The HTML page, read as a file and as a browser shows it."""

import base64
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from made_runs import SENTENCE, made, with_gap
from matplotlib.figure import Figure

from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.page import to_html
from unlearn_cli.compare.records import find
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.figures.methods import style
from unlearn_cli.figures.palette import INK

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
    folder = tmp_path / "slow-s0-0.1"
    record = {"command": ["unlearn", "a=b c"], "packages": {"unlearn-cli": "9.8"}, "commit": "abcdef012345"}
    (folder / "environment.json").write_text(json.dumps(record))
    (folder / "status.json").write_text(json.dumps({"state": "finished", "reason": None, "time": 0.0}))
    figures = folder / "figures"
    figures.mkdir()
    Figure(figsize=(1, 1)).savefig(figures / "confidence.png")
    Figure(figsize=(1, 1)).savefig(figures / "training_curves.png")
    return find([tmp_path]).runs


@pytest.fixture
def page(runs, tmp_path):
    return to_html(compare(runs, Options(), ["left out: 1 failed (x)"]), tmp_path)


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


def test_the_page_needs_nothing_from_elsewhere(page, tmp_path):
    """Links lead to the run folders, wherever they are moved together."""
    reader = References()
    reader.feed(page)
    links = {value for value in reader.found if not value.startswith(("#", "data:image/png;base64,"))}
    assert {tmp_path / unquote(value) for value in links} == {run.folder for run in find([tmp_path]).runs}
    assert str(tmp_path) not in page
    assert len(reader.found) > len(links)
    assert not re.search(r"@import|<link|<script src|<iframe|fetch\(|XMLHttpRequest", page)
    assert all(url.startswith("#") for url in re.findall(r"url\(([^)]*)\)", page))


def test_each_setting_has_its_table_figures_and_pictures(page, tmp_path):
    sections = page.split("<section")[1:-1]
    assert len(sections) == 2
    for section in sections:
        assert section.count('<table class="compared"') == 1
        assert section.count('<figure role="img"') == 2
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
    (figure,) = page.split('<figure role="img"')[1:]
    assert "Avg Gap" not in figure.split("</svg>")[0]


def section(tmp_path, method, task, metrics, **config):
    """The page's part of two runs."""
    for seed in (0, 1):
        choices = {"task": task, "forget": next(iter(config), "random")}
        forget = {f"forget.{key}": value for part in config.values() for key, value in part.items()}
        made(tmp_path, method, seed, metrics, choices=choices, config=forget)
    return to_html(compare(find([tmp_path]).runs, Options()), tmp_path)


@pytest.mark.parametrize(
    ("task", "metrics", "titles"),
    [
        ("clip", {"Mem": 80.0, "For": 90.0, "H": 84.7}, ["Keeping (Mem) against forgetting (For)"]),
        (
            "vlm",
            {"UA_direct": 90.0, "same_image": 80.0, "in_domain": 70.0},
            [
                "Keeping (same image) against forgetting (UA direct)",
                "Keeping (in-domain) against forgetting (UA direct)",
            ],
        ),
        ("text_to_image", {"IRA": 80.0}, ["Keeping (IRA) against forgetting (UA)"]),
    ],
)
def test_every_family_has_its_figures(tmp_path, task, metrics, titles):
    for method in ("ga", "ft"):
        page = section(tmp_path, method, task, metrics)
    for title in titles:
        assert f"<figcaption>{title}</figcaption>" in page


def test_the_heading_says_what_was_forgotten(tmp_path):
    page = section(tmp_path, "ga", "vlm", {}, answer={"concept": ["red", "<i>"]})
    assert "Forgotten: <strong>answer red, &lt;i&gt;" in page


def test_a_row_tells_where_its_runs_are_and_how_they_came_about(page):
    row = page[page.index('data-value="slow"') :]
    row = html.unescape(row[: row.index("</tr>")])
    for said in ("slow-s0-0.1", "unlearn 'a=b c'", "1970-01-01 00:00 UTC", "commit abcdef0"):
        assert said in row
    assert ">1</a>" in row
    assert "Runs of 1970-01-01; unlearn 9.8, commit abcdef0." in page


def test_the_floor_is_told_above_the_table_and_drawn(tmp_path):
    for seed, ua in enumerate((5.0, 7.0, 6.0)):
        oracle = {"UA": ua, "RA": 100.0, "TA": 94.0, "MIA": 13.0}
        shared = {"oracles": [{"seed": seed, "metrics": oracle}], "forget": {"fingerprint": "rows"}}
        for method, more in (("ga", (1.0, 1.1, 1.2)), ("ft", (3.0, 0.0, 2.0))):
            made(tmp_path, method, seed, {"UA": ua + more[seed]}, oracle, **shared)
    page = to_html(compare(find([tmp_path]).runs, Options()), tmp_path)
    heading, table, below = re.split(r'<table class="compared">|</table>', page)[:3]
    assert re.search(r'<p class="verdict">This setting can(not)? tell methods apart', heading)
    assert "tell methods apart" not in below.split("<svg")[0]
    assert 'data-value="oracle again"' in table
    assert re.search('<abbr title="[^"]+">[=?≡]</abbr>', table)
    figures = below.split("</section>")[0].split('<figure role="img"')[1:]
    assert all("within the floor" in figure and "oracle again" not in figure for figure in figures)
    assert "(the floor)" in below


def test_the_ranking_column_stands_first(page):
    head = page[page.index("<thead") : page.index("</thead")]
    assert re.findall(r"<button[^>]*>(.*?)</button>", head)[1] == "Avg Gap ↓"


def test_what_is_drawn_follows_a_dark_page(page):
    """A figure's ink is the page's, and it has no paper of its own."""
    figures = "".join(part.split("</svg>")[0] for part in page.split('<figure role="img"')[1:])
    assert "prefers-color-scheme: dark" in page
    assert INK not in figures
    assert "#000000" not in figures
    assert "#ffffff" not in figures
    assert figures.count("fill: var(--ink)") > 10


def test_each_mark_tells_its_numbers(page):
    assert re.search(r"<title>slow: UA 9\.20 ± 0\.28 %, |<title>slow: RA 100\.00 ± 0\.00 %, UA", page)


def test_a_method_has_one_colour_in_rows_and_figures(page):
    colour = style("quick").colour
    row = page[: page.index('data-value="quick"') + 400].rpartition('data-value="quick"')[2]
    assert f'fill="{colour}"' in row
    assert page.split('<figure role="img"')[1].count(colour.lower()) > 1


@chromium
def test_a_browser_shows_the_rows_by_rank(tmp_path, page):
    assert methods(shown(tmp_path, page)) == ["oracle", "original", "slow", "quick", "&lt;b&gt;"]


@chromium
@pytest.mark.parametrize(
    ("column", "clicks", "order"),
    [
        (
            "RTE (s) ↓",
            1,
            ["quick", "&lt;b&gt;", "slow"],
        ),  # as numbers: "99" < "1.5" as text no more than "20"
        pytest.param("RTE (s) ↓", 2, ["slow", "&lt;b&gt;", "quick"], marks=pytest.mark.thorough),
        ("Avg Gap ↓", 1, ["slow", "&lt;b&gt;", "quick"]),  # the destroyed one was last
        ("method", 1, ["&lt;b&gt;", "quick", "slow"]),
        ("TA forget (%) →oracle", 1, ["slow", "quick", "&lt;b&gt;"]),  # 7 < 30; what was not measured is last
        pytest.param("TA forget (%) →oracle", 2, ["quick", "slow", "&lt;b&gt;"], marks=pytest.mark.thorough),
    ],
)
def test_a_click_on_a_header_sorts(tmp_path, page, column, clicks, order):
    head = page[page.index("<thead") : page.index("</thead")]
    place = re.findall(r"<button[^>]*>(.*?)</button>", head).index(column)
    click = f"document.querySelectorAll('thead button')[{place}].click();"
    dom = shown(tmp_path, page, f"<script>{click * clicks}</script></body>")
    assert methods(dom) == ["oracle", "original", *order]
    assert len(re.findall("aria-sort", dom[dom.index("<thead") : dom.index("</thead")])) == 1


@pytest.mark.parametrize(
    ("last", "rank_by", "order"),
    [
        ({}, "avg_gap", ["ascending"]),
        ({"warnings": [SENTENCE]}, "avg_gap", []),  # it would be first
        ({}, "UA", []),  # ranked by the distance to 5: 6, 3, 8
        ({}, "IRA", ["descending"]),
    ],
)
def test_an_arrow_says_how_the_rows_stand(tmp_path, last, rank_by, order):
    for ua, told in ((6.0, last), (3.0, {}), (8.0, {})):
        made(tmp_path, f"m{ua}", 0, {"UA": ua, "IRA": 10 - abs(ua - 5)}, **told)
    page = to_html(compare(find([tmp_path]).runs, Options(rank_by=rank_by)))
    assert re.findall('aria-sort="(.*?)"', page) == order


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


@chromium
def test_on_a_telephone_the_ranking_column_is_in_sight(tmp_path, page):
    cell = "document.querySelector('td.bold').getBoundingClientRect().right"
    measure = f"<script>document.title = Math.round({cell})</script></body>"
    dom = browser(tmp_path, page.replace("</body>", measure), "--window-size=500,900", "--dump-dom").stdout
    (right,) = re.findall(r"<title>(\d+)</title>", dom)
    assert int(right) < 420


@chromium
def test_a_header_in_focus_tells_its_meaning(tmp_path, page):
    focus = "<script>document.querySelectorAll('thead button')[2].focus()</script></body>"
    dom = browser(tmp_path, page.replace("</body>", focus), "--dump-dom").stdout
    (said, *_) = re.findall(r'<p class="notes meaning" aria-live="polite">(.*?)</p>', dom)
    assert said == "UA (%) →oracle: wrong on forget samples (or not drawn as such)"
