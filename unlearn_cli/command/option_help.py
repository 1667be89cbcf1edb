"""`unlearn method=salun --help`: an option, its keys and the values that they have in this composition."""

from collections.abc import Iterator, Sequence
from typing import Any

from unlearn_cli.command.chosen import Chosen
from unlearn_cli.command.layout import Page
from unlearn_cli.command.option_class import settings_class
from unlearn_cli.command.option_facts import facts
from unlearn_cli.command.option_values import references_at, values_at
from unlearn_cli.config.describe import MANDATORY, Key, comments_of, keys, values_of, with_limits
from unlearn_cli.config.nested import flat
from unlearn_cli.config.option_file import notes, written
from unlearn_cli.config.settings import Settings
from unlearn_cli.config.spelling import as_typed
from unlearn_cli.training.optim import Recipe


def show_option(page: Page, one: Chosen) -> None:
    """Print what an option is, which tasks it fits, and its keys."""
    page.title(one.spelt)
    page.paragraph(one.option.description)
    page.definitions(facts(one))
    if told := notes(one.option.path):
        page.paragraph(told)
    if one.group == "experiment":
        _show_experiment(page, one)
        return
    values = values_at(one.default, one.place)
    kind = settings_class(one.group, values)
    rows = option_keys(one, kind, values) if kind else []
    trains = kind and kind is not Recipe and issubclass(kind, Recipe)
    recipe = [row for row in rows if trains and row.name in Recipe.model_fields]
    for title, part in {"Keys": [row for row in rows if row not in recipe], "Training": recipe}.items():
        if part:
            page.title(title)
            page.definitions(described(one, part), widest=34)
    if not rows:
        page.paragraph("It has no keys of its own.")


def option_keys(one: Chosen, kind: type[Settings], values: dict[str, Any]) -> list[Key]:
    """The option's keys, by the names under its place."""
    found = keys(kind, values, comments_of(one.option.path))
    if one.group == "optim":  # its keys are a part of those of the place
        own = values_of(one.option.path)
        return [key for key in found if key.name in own]
    return found


def described(one: Chosen, rows: Sequence[Key]) -> Iterator[tuple[str, str]]:
    """`method.lr=0.1`, and what may stand there and what it does."""
    given = {key: as_typed(value) for key, value in flat(values_at(one.config, one.place), ".")}
    followed = references_at(one.config, one.place)
    for row in rows:
        value = given.get(row.name, row.default)
        said = [f"as {followed[row.name]}"] if row.name in followed else []
        said += ["required"] if row.default == MANDATORY else []
        said += [f"default {row.default}"] if value != row.default != MANDATORY else []
        kind = with_limits(row.kind, row.limits, *said)
        term = f"{one.place}.{row.name}={'…' if value == MANDATORY else value}"
        yield term, f"{kind}: {row.description}" if row.description else kind


def _show_experiment(page: Page, one: Chosen) -> None:
    """What a whole recipe sets beside its choices, and whose numbers it has."""
    own = written(one.option.path)
    expected = own.pop("expected", None) or []
    page.title("Sets")
    page.definitions((f"{key}={as_typed(value)}", "") for key, value in flat(own, "."))
    for paper in [expected] if isinstance(expected, dict) else expected:
        page.title(f"Numbers of {paper['source']}")
        page.definitions(
            (f"method={method}", ", ".join(f"{name} {_number(*pair)}" for name, pair in row.items()))
            for method, row in paper["values"].items()
        )


def _number(mean: float, deviation: float | None) -> str:
    return f"{mean:g}" if deviation is None else f"{mean:g} ± {deviation:g}"
