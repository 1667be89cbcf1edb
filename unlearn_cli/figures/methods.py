"""How a method is drawn: the same colour and mark in every figure and on every page."""

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from unlearn_cli.figures.palette import DASHES, GREY, INK, MARKERS, OTHERS

METHODS = (
    *("ft", "ga", "rl", "salun", "iu", "l1_sparse", "scrub", "neggrad_plus", "salun_soft"),
    *("be", "bs", "cf_k", "eu_k"),
    *("esd", "ca", "doco", "uce", "spm", "fmn", "sa", "erasediff", "saeuron", "adv_unlearn", "ff"),
    *("adu", "cliperase", "lipschitz", "subgroup", "task_vector", "bbf", "lp_plus_plus", "null_space"),
    *("coop", "cocoop", "maple", "clipfit", "prompt_tuning"),
    *("sauce", "leace", "manu", "siu", "npo", "simnpo", "idk", "kl_min", "graddiff"),
    *("mean_difference", "random_features", "prompt_suppression", "transfer", "checkpoint"),
)
"""Neighbours differ in colour and mark, no two agree in both. A new one goes to the end: none changes."""
FILLS = ("full", "none", "left", "top", "right", "bottom")
"""Of the marks of one method's variants."""


@dataclass(frozen=True)
class Style:
    """Of marks and lines; fill as matplotlib's fillstyle."""

    colour: str
    marker: str
    dash: str = "-"
    fill: str = "full"


LOOKS = tuple(
    Style(OTHERS[i % 6], MARKERS[(i + i // 18) % 9], DASHES[i % len(DASHES)])
    for i in range(len(OTHERS) * len(MARKERS))
)
"""All pairs of colour and mark: the step after 18 keeps them apart, since 6 and 9 have 18 in common."""
REFERENCES = {
    "original": Style(GREY, "X", "--"),
    "retrain": Style(INK, "*", ":"),
    "oracle": Style(INK, "*", ":"),
}


def style(method: str) -> Style:
    """Of a method, by its name alone: a method of a plug-in has a look of the same set."""
    if method in REFERENCES:
        return REFERENCES[method]
    place = METHODS.index(method) if method in METHODS else crc32(method.encode()) % len(LOOKS)
    return LOOKS[place]


def styles(rows: Iterable[tuple[str, str]]) -> dict[str, Style]:
    """By row, given as (name, method): variants of a method share its colour and mark, filled differently.

    Where a plug-in's method would look like another one of these, it takes the next free look. The order of
    the rows changes nothing.
    """
    of_method: dict[str, list[str]] = {}
    for name, method in sorted(rows):
        of_method.setdefault(method, []).append(name)
    found: dict[str, Style] = {}
    taken: set[Style] = set()
    for method in sorted(of_method, key=lambda method: (method not in (*METHODS, *REFERENCES), method)):
        look = style(method)
        while look in taken and look in LOOKS and not taken.issuperset(LOOKS):
            look = LOOKS[(LOOKS.index(look) + 1) % len(LOOKS)]
        taken.add(look)
        for number, name in enumerate(of_method[method]):
            found[name] = Style(look.colour, look.marker, look.dash, FILLS[number % len(FILLS)])
    return found
