"""Bad command lines, composed from what the options say of themselves: one fault each."""

from functools import cache
from typing import NamedTuple

from fuzz.fields import bad_values, fields
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from tiny_commands import methods

from unlearn_cli.config.catalogue import groups, options
from unlearn_cli.config.composing import composed
from unlearn_cli.config.describe import MANDATORY, values_of
from unlearn_cli.experiment import GROUPS, Experiment, read

TASKS = ("classification", "generation", "text_to_image", "clip", "vlm")
OWN = ("seed", "device", "precision", "channels_last", "compile", "progress", "checkpoint_minutes")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CHOSEN = ("method", "data", "model", "forget", "eval", "mask", "surgery", "lora", "task", "optim@method")


Base = tuple[str, ...]
"""Arguments of a good line."""


class Line(NamedTuple):
    """A command line that must be refused."""

    arguments: tuple[str, ...]
    named: str
    """What the message has to hold: the key as it was typed."""


@cache
def experiment(base: Base) -> Experiment:
    """What a good line comes to."""
    return read(*composed(base))


@cache
def keys(base: Base) -> dict[str, list[str]]:
    """The values that each key of a good line must refuse."""
    made = experiment(base)
    found = {name: type(made).model_fields[name] for name in OWN}
    for group in ("train", "paths", "oracle", *GROUPS):
        found |= fields(getattr(made, group), group)
    return {key: bad for key, field in found.items() if (bad := bad_values(field))}


@cache
def bases(task: str) -> list[Base]:
    """Good lines of a task: one for each method that has all its values."""
    paths = {option.name: option.path for option in options("method")}
    whole = [name for name in methods(task) if MANDATORY not in values_of(paths[name]).values()]
    return [(f"task={task}", f"method={name}") for name in whole]


@st.composite
def wrong_value(draw: DrawFn, base: Base) -> Line:
    """A value of another type, or out of range."""
    found = keys(base)
    key = draw(st.sampled_from(sorted(found)))
    return Line((*base, f"{key}={draw(st.sampled_from(found[key]))}"), key)


@st.composite
def wrong_key(draw: DrawFn, base: Base) -> Line:
    """A slip in a key."""
    known = keys(base)
    key = draw(st.sampled_from(sorted(known)))
    slip = draw(slips(key))
    while slip in known or slip in groups() or slip.partition(".")[0] == "hydra":
        slip += "x"
    sign = draw(st.sampled_from(["", "", "", "+", "++"])) if "." in slip else ""
    return Line((*base, f"{sign}{slip}=1"), slip)


@st.composite
def slips(draw: DrawFn, word: str) -> str:
    """A letter left out, doubled, exchanged or added; the first stays."""
    place = draw(st.integers(1, len(word) - 1))
    head, letter, tail = word[:place], word[place], word[place + 1 :]
    letter = "_" if letter == "." else letter
    other = draw(st.sampled_from(LETTERS))
    slip = draw(st.sampled_from([head + tail, head + letter * 2 + tail, head + other + tail, word + other]))
    return slip if slip != word and not slip.endswith(".") and ".." not in slip else word + other


@st.composite
def wrong_option(draw: DrawFn, base: Base) -> Line:
    """An option that is not there, or no name at all."""
    group = draw(st.sampled_from(CHOSEN))
    there = [option.name for option in options(group.partition("@")[0])]
    name = draw(st.one_of(slips(draw(st.sampled_from(there))), st.sampled_from(["null", "3", "true"])))
    while name in there:
        name += "x"
    kept = tuple(argument for argument in base if not argument.startswith(f"{group}="))
    return Line((*kept, f"{group}={name}"), group.partition("@")[0])


@st.composite
def option_of_another_family(draw: DrawFn, base: Base) -> Line:
    task = base[0].partition("=")[2]
    others = [o.name for o in options("method") if o.name not in methods(task)]
    return Line((base[0], f"method={draw(st.sampled_from(others))}"), "method")


@st.composite
def unreadable(draw: DrawFn, base: Base) -> Line:
    """What is no override, or one of which something is lost."""
    key = draw(st.sampled_from(sorted(keys(base))))
    wrong = draw(
        st.sampled_from(
            [
                f"{key}=[1",
                f"{key}={{a",
                f"{key}='b",
                key,
                f"--{key}=1",
                f"~{key.partition('.')[0]}=1",
                f"{key}=1,2",
                f"{key}=${{nothing.there}}",
                f"{key}.below=1",
                f"{key}=${{{key}}}",
            ]
        )
    )
    return Line((*base, wrong), key.partition(".")[0])


@st.composite
def wrong_class(draw: DrawFn, base: Base) -> Line:
    group = draw(st.sampled_from(GROUPS))
    target = draw(
        st.sampled_from(
            ["os.system", "nosuch.Thing", "null", "3", "[]", "unlearn_cli.methods.ga", "a b", "''"]
        )
    )
    return Line((*base, f"{group}._target_={target}"), f"{group}._target_")


@st.composite
def no_effect(draw: DrawFn, base: Base) -> Line:
    """A mask, a surgery, or a setting of Hydra's that would change nothing."""
    made = experiment(base)
    wrong = [("hydra.run.dir=here", "hydra.run.dir"), ("hydra.verbose=true", "hydra.verbose")]
    if not made.method.maskable:
        wrong.append(("mask=saliency", "mask"))
    if not made.method.has_two_sides():
        wrong.append(("surgery=concept_preserving", "surgery"))
    argument, named = draw(st.sampled_from(wrong))
    return Line((*base, argument), named)


KINDS = (
    *(wrong_value, wrong_value, wrong_value, wrong_key, wrong_option, option_of_another_family, unreadable),
    *(wrong_class, no_effect),
)


def lines(of_methods: bool) -> SearchStrategy[Line]:
    """Bad lines of all five tasks: of every method, or of each task's own alone, which composes less."""

    def good(task: str) -> SearchStrategy[Base]:
        return st.sampled_from(bases(task) if of_methods else [(f"task={task}",)])

    both = st.tuples(st.sampled_from(TASKS).flatmap(good), st.sampled_from(KINDS))
    return both.flatmap(lambda drawn: drawn[1](drawn[0]))
