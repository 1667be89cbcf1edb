"""What people type as text is text, whatever signs it holds."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

import unlearn_cli as unlearn
from unlearn_cli.config.overrides import each_as_typed, elements, for_each_option, readable

TEXTS = [
    "Beyoncé", "😀", "O'Brien", "a#b", "wow!", "<x>", "sp/été", "a (b)", "(a)", "AT&T", "a;b", "a=b", "a{b}",
    'a "b"', "é\\", "~/x", "50%", "two words", "a|b", "naïve *", "日本語", "x\ny", "5 o'clock", "a]b",
]  # fmt: skip


def value(argument):
    (found,) = readable([argument])
    return OverridesParser.create().parse_override(found).value()


@pytest.mark.parametrize("text", TEXTS)
def test_a_text(text):
    assert value(f"forget.concept={text}") == text
    assert unlearn.compose("forget=concept", f"forget.concept={text}").config["forget"]["concept"] == text


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_in_a_list(text):
    assert value(f"key=[plain,{text},1]") == ["plain", text, 1]


def test_places_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.pt").touch()
    assert value("model.weights=~/mine.pt") == f"{tmp_path}/mine.pt"
    assert value("key=[~/mine.pt,~/other.pt]") == [f"{tmp_path}/mine.pt", "~/other.pt"]
    assert value("paths.outputs=~/runs") == value("into=~/runs") == f"{tmp_path}/runs"


def test_what_hydra_reads_stays_as_it_is():
    for argument in (
        "a=1",
        "a=[1,b]",
        "a=range(3)",
        "a='é'",
        'a="é, b"',
        "a={b:1}",
        "~a",
        "-m",
        "a=$HOME",
        "a=x,y",
    ):
        assert readable([argument]) == [argument]


def test_texts_of_a_sweep():
    sweep = value("forget.concept=Beyoncé,O'Brien,two words")
    assert [getattr(text, "text", text) for text in sweep.list] == ["Beyoncé", "O'Brien", "two words"]


@pytest.mark.parametrize(
    ("typed", "each"),
    [
        ("a.b=1e5", ["1e5"]),
        ("a.b=1e5,x,007,1_000", ["1e5", "x", "007", "1_000"]),
        ("a.b=choice(1e5)", ["1e5"]),
        ("a.b=choice(1e5, 'x, y')", ["1e5", "'x, y'"]),
        ("a.b=[1e5,2],[3]", ["[1e5,2]", "[3]"]),
        ("a.b=range(1,3)", ["1", "2"]),
        ("a.b=sort(2,1)", ["1", "2"]),
        ("+a.b={c:1e5},{}", ["{c:1e5}", "{}"]),
    ],
)
def test_values_of_a_sweep_as_typed(typed, each):
    (override,) = OverridesParser.create().parse_overrides([typed])
    key = typed.partition("=")[0]
    assert each_as_typed(override) == [f"{key}={value}" for value in each]


def test_elements():
    assert elements("a, [b,c],'d,e',{f:1,g:2},it's") == ["a", "[b,c]", "'d,e'", "{f:1,g:2}", "it's"]


@pytest.mark.parametrize("broken", ["a=[", "a='tis", 'a="x', "a={b: é", "=x", "é=x"])
def test_what_may_have_lost_a_bracket_or_a_quote_is_left_alone(broken):
    assert readable([broken]) == [broken]


def test_values_below_a_swept_group_are_looked_up_in_each_of_its_options():
    sweep = ["-m", "method=eu_k,cf_k", "method.k=2", "method.lr=1,2", "data.val=0.1", "~method.x", "seed=1"]
    expected = [*sweep[:2], "method.k=choice(2)", *sweep[3:]]
    assert for_each_option(sweep) == expected
    nested = ["lower@forget.lower=rl,scrub", 'forget.lower.a="x,y"', "forget.seed=1"]
    assert for_each_option(nested) == [nested[0], 'forget.lower.a=choice("x,y")', nested[2]]
    assert for_each_option(["method=eu_k", "method.k=2", "seed=1,2"]) == [
        "method=eu_k",
        "method.k=2",
        "seed=1,2",
    ]
