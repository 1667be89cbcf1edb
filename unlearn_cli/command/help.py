"""`--help`: of the program, of a group's options, of the options that are chosen."""

from collections.abc import Sequence

from unlearn_cli.command.chosen import EVERY_GROUP, Chosen, chosen, words
from unlearn_cli.command.explain import explaining
from unlearn_cli.command.layout import Page
from unlearn_cli.command.overview import show_fitting, show_group, show_overview, show_plan
from unlearn_cli.command.subcommands import PLAN
from unlearn_cli.config.composing import composed, initialized

HELP = ("--help", "-h")
TOPICS = (PLAN, *EVERY_GROUP)
"""Words that stand alone beside --help."""


def show_help(arguments: Sequence[str]) -> None:
    """Print what the arguments ask about.

    Raises:
        InputError: a misspelt option, key or override.
    """
    arguments = [argument for argument in arguments if argument not in HELP]
    asked = words(arguments)
    overrides = [argument for argument in arguments if argument not in TOPICS]
    if any("=" not in word and not word.startswith("~") for word in words(overrides)):
        overrides = arguments  # `method salun`: the group is no topic, but a part of what was meant
    page = Page()
    with explaining(overrides):
        options = _composed(overrides)
    if PLAN in asked:
        show_plan(page)
    for group in asked:
        if group in EVERY_GROUP:
            show_group(page, group)
    if options:
        from unlearn_cli.command.option_help import show_option  # imports every family's classes

        for one in options:
            show_option(page, one)
        if len(options) == 1 and options[0].group == "task":
            show_fitting(page, options[0].option.name)
    elif not {*TOPICS} & {*asked}:
        show_overview(page)


def _composed(overrides: list[str]) -> list[Chosen]:
    """The chosen options, every override tried."""
    if not words(overrides):
        return []
    with initialized():
        options = chosen(overrides)
        for one in options:
            _ = one.default, one.config
    if not options:
        composed(overrides)
    return options
