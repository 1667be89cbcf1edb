"""The command `unlearn-compare`: finished runs in, tables out. Nothing heavy is imported for --help."""

import os
import sys
from argparse import ArgumentTypeError, HelpFormatter
from math import inf, nan
from pathlib import Path
from typing import NoReturn

from unlearn_cli.errors import UnlearnError
from unlearn_cli.runtime.arguments import Parser
from unlearn_cli.runtime.terminal import print_plainer
from unlearn_cli.runtime.text import KEPT, shown

PROJECT = os.environ.get("WANDB_PROJECT") or "unlearn"
GROUPS = ("task", "data", "model", "forget")
DESCRIPTION = """\
Compare finished runs: mean ± standard deviation over seeds, 95 % confidence interval, gap to the retrain
oracle of the same seed, rank, what is worse than the best, equal to it or to the oracle, and how far oracles
are from each other (the floor). A table for each setting (task, data, model, forget set and whatever else
method and mask do not say), a row for each variant of method and mask. With --across forget, settings that
differ only in the forget set share a table: a column for each choice of it, and the change. Where forget sets
were chosen by a measurement (worst_case), a table says how far they overlap."""
EXAMPLES = """\
examples:
  unlearn-compare outputs                                    everything that was run
  unlearn-compare outputs/sweeps/NAME --html table.html      a sweep, as a page with figures
  unlearn-compare outputs --where forget.fraction=0.1 --metrics UA,RA,avg_gap --latex table.tex
  unlearn-compare outputs --by method,forget.domains.count   by how many domains were forgotten
  unlearn-compare outputs --by method,mask.fraction --rank-by TA --csv table.csv
  unlearn-compare outputs --against forget.shots --metrics H,Mem --figure shots.png
  unlearn-compare outputs --metrics all --agreement          whether the metrics agree with each other
  unlearn-compare outputs --published text_to_image_shapes   whether the documents' numbers come out here, too
  unlearn-compare outputs --across forget --where forget=random,worst_case --markdown table.md"""


class Formatter(HelpFormatter):
    """As wide as the terminal; the examples stay lines."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text == EXAMPLES else super()._fill_text(text, width, indent)


def parser() -> Parser:
    """The command line."""
    made = Parser(
        prog="unlearn-compare",
        usage="%(prog)s PATH … [options]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=Formatter,
    )
    paths = "run folders, sweep folders or folders above them"
    made.add_argument("paths", nargs="+", type=Path, metavar="PATH", help=paths)

    chosen = made.add_argument_group("which runs, which numbers")
    condition = "only runs with this config key or choice; several: all must hold; method=ga,ft: one of these"
    chosen.add_argument(
        "--where", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help=condition
    )
    chosen.add_argument(
        "--by", type=_listed, default=(), metavar="KEY,…", help="a row for each value of these config keys"
    )
    chosen.add_argument(
        "--metrics", type=_listed, metavar="UA,…", help="columns; all = all measured (default: the headline)"
    )
    side = "options of task, data, model or forget side by side, with the change between runs of equal seeds"
    chosen.add_argument("--across", choices=GROUPS, metavar="GROUP", help=side)
    chosen.add_argument("--rank-by", default="avg_gap", metavar="METRIC", help="default: avg_gap")
    margin = "differences below it, in the unit of what ranks, count for nothing (default: the floor)"
    chosen.add_argument("--margin", type=_positive, metavar="X", help=margin)
    interval = "95 %% confidence interval of the mean: Student's t (default) or percentile bootstrap"
    chosen.add_argument("--interval", choices=("t", "bootstrap"), default="t", help=interval)

    held = "hold the runs against a file of results, or docs/results/NAME.json: what lies outside is marked"
    chosen.add_argument("--published", metavar="NAME", help=held)

    agreement = (
        "also whether the metrics agree: Kendall's τ of their rankings; FILE (.csv, .json): every pair"
    )
    chosen.add_argument("--agreement", nargs="?", const=True, type=_pairs, metavar="FILE", help=agreement)

    setting = "draw the metrics against this config key, a line for each method, into --figure"
    chosen.add_argument("--against", metavar="KEY", help=setting)

    written = made.add_argument_group("where to, besides the terminal")
    written.add_argument("--csv", type=_file, metavar="FILE", help="a line for each row, every number")
    written.add_argument("--markdown", type=_file, metavar="FILE", help="tables for a README")
    written.add_argument("--latex", type=_file, metavar="FILE", help="tables for a paper (booktabs)")
    written.add_argument("--html", type=_file, metavar="FILE", help="one page with figures; needs no network")
    written.add_argument(
        "--figure", type=_file, metavar="FILE", help="what --against draws (.png, .svg, .pdf)"
    )
    written.add_argument(
        "--to-wandb", nargs="?", const=PROJECT, metavar="PROJECT", help="one run of Weights & Biases"
    )
    written.add_argument("--entity", metavar="NAME", help="its team or user")
    written.add_argument("--name", default="comparison", metavar="NAME", help="default: comparison")
    return made


def main() -> None:
    """Entry point: exit code 0, or 2 and a line for wrong input, or 1 where a file cannot be written."""
    print_plainer()
    try:
        arguments = parser().parse_args()
        from unlearn_cli.compare.report import report

        report(arguments)
    except UnlearnError as error:
        _end(str(error), error.exit_code)
    except BrokenPipeError:  # its reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        _end(f"{error.filename}: {error.strerror}", 1)


def _listed(text: str) -> tuple[str, ...]:
    """`UA,RA`"""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pairs(text: str) -> Path:
    """A file of pairs."""
    if not text.endswith((".csv", ".json")):
        raise ArgumentTypeError(f"{text}: name a file ending in .csv or .json; paths of runs stand before it")
    return _file(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not 0 < value < inf:
        raise ArgumentTypeError(f"{text} is no positive number; write 0.5")
    return value


def _file(text: str) -> Path:
    """A file that can be put there: asked before anything is read."""
    file = Path(text)
    above = next(path for path in file.absolute().parents if path.exists())
    if file.is_dir():
        raise ArgumentTypeError(f"{text} is a folder; name a file in it, such as {file / 'table'}")
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ArgumentTypeError(f"{text}: nothing can be written in {above}; name another file")
    return file


def _end(message: str, code: int) -> NoReturn:
    print(f"error: {shown(message, KEPT)}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
