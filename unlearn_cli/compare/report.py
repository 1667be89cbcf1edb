"""From the command's arguments to the terminal and the files that were asked for."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from unlearn_cli.compare.across import across
from unlearn_cli.compare.agreement import agreements, as_table
from unlearn_cli.compare.agreement import write as write_agreements
from unlearn_cli.compare.comparison import Comparison, Options
from unlearn_cli.compare.keys import check, where
from unlearn_cli.compare.latex import to_latex
from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.overlap import overlaps
from unlearn_cli.compare.published import published
from unlearn_cli.compare.records import Found, Run, find
from unlearn_cli.compare.rows import rows, to_csv
from unlearn_cli.compare.settings import without_repetitions
from unlearn_cli.compare.tabulate import chosen_metrics, compare, measured_in
from unlearn_cli.compare.terminal import show
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.terminal import console
from unlearn_cli.storage.files import replacing


def report(arguments: Namespace) -> None:
    """Read, compare, print and write.

    Raises:
        InputError: no run to compare; an unknown key or metric. Nothing is written then.
    """
    if bool(arguments.against) != bool(arguments.figure):
        raise InputError(
            "--against and --figure go together, as in --against forget.shots --figure shots.png"
        )
    options = Options(
        metrics=arguments.metrics,
        rank_by=arguments.rank_by,
        interval=arguments.interval,
        by=arguments.by,
        across=arguments.across,
        margin=arguments.margin,
        published=published(arguments.published) if arguments.published else None,
    )
    runs, comparison = read_and_compare(arguments.paths, arguments.where, options)
    check(runs, [arguments.against] if arguments.against else [], "--against")
    if arguments.agreement:
        found = agreements(runs, _judging(runs, arguments.metrics))
        comparison = replace(comparison, overlaps=[*comparison.overlaps, as_table(found)])
    show(comparison, console())
    write: list[tuple[Path | None, Callable[[Comparison], str]]] = [
        (arguments.csv, to_csv),
        (arguments.markdown, to_markdown),
        (arguments.latex, to_latex),
        (arguments.html, partial(_page, file=arguments.html)),
    ]
    for file, render in write:
        if file:
            with replacing(file) as temporary:
                temporary.write_text(render(comparison), encoding="utf-8")
            print(f"{file} ({file.stat().st_size / 1e6:.2f} MB)")
    if isinstance(arguments.agreement, Path):
        write_agreements(found, arguments.agreement)
        print(arguments.agreement)
    if arguments.figure:
        from unlearn_cli.compare.curves import draw  # matplotlib takes half a second

        draw(runs, arguments.against, chosen_metrics(arguments.metrics, measured_in(runs)), arguments.figure)
        print(arguments.figure)
    if arguments.to_wandb:
        from unlearn_cli.tracking.comparison import publish

        print(publish(rows(comparison), arguments.html, arguments.to_wandb, arguments.entity, arguments.name))


def read_and_compare(
    paths: Iterable[Path], conditions: Sequence[str], options: Options
) -> tuple[list[Run], Comparison]:
    """The finished runs in these folders that meet the conditions (`key=value`), and their comparison.

    Raises:
        InputError: no run to compare; an unknown key or metric.
    """
    if options.published and (options.by or options.across):
        raise InputError("--published holds methods with all their values: leave out --by and --across")
    found = find(paths)
    runs = without_repetitions(found)
    if not runs:
        raise InputError("\n".join(["none of these runs can be compared", *found.sentences()]))
    check(runs, options.by, "--by")
    runs = where(runs, conditions)
    return runs, _compared(runs, options, found)


def _judging(runs: Sequence[Run], wanted: Sequence[str] | None) -> list[str]:
    """The metrics that are asked for; if none are, those of the table that say how good a model is."""
    keys = chosen_metrics(wanted, measured_in(runs))
    measured = {key for run in runs for key in run.result["metrics"]}
    return keys if wanted else [key for key in keys if key in measured]


def summarise(folder: Path) -> None:
    """Print the comparison of a sweep's finished runs, if there are several."""
    found = find([folder])
    runs = without_repetitions(found)
    if len(runs) > 1:
        show(_compared(runs, Options(), found), console())
        print(f"also as a page, for a paper, …: unlearn-compare {folder} --html table.html --latex table.tex")


def _compared(runs: Sequence[Run], options: Options, found: Found) -> Comparison:
    overlapping = overlaps(runs, found)  # may leave something out
    tables = across if options.across else compare
    return replace(tables(runs, options, found.sentences()), overlaps=overlapping)


def _page(comparison: Comparison, file: Path) -> str:
    from unlearn_cli.compare.page import to_html  # matplotlib takes half a second

    return to_html(comparison, file.parent)
