"""`unlearn tune method=ft,salun trials=20`."""

from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence

from unlearn_cli.command.subcommands import PLAN
from unlearn_cli.config.spelling import as_typed
from unlearn_cli.config.tune_keys import TuneSettings
from unlearn_cli.runtime.arguments import Parser
from unlearn_cli.runtime.garbage import no_collection
from unlearn_cli.runtime.logs import log_to_console
from unlearn_cli.runtime.process import check_launcher, is_main_process


def tune(arguments: list[str]) -> None:
    """Choose values, print what was found. As `unlearn_cli.tuning.tune.tuned`."""
    parser = Parser(
        prog="unlearn tune",
        description="Chooses values of methods on validation rows, with the same number of trials for each; "
        "no test row is in any part of the data. docs/tuning.md tells more.",
        epilog="\n".join(_keys()),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "overrides",
        metavar="KEY=VALUE",
        nargs="*",
        help="keys of a tuning (below) and of a run; several values of method and of seed",
    )
    parser.add_argument("--config-dir", metavar="FOLDER", help="a folder with plug-ins of your own")
    given = parser.parse_args(arguments)
    check_launcher()
    log_to_console()
    with no_collection():
        from unlearn_cli.tuning.tune import tuned  # with PyTorch and all that a run needs

    words = [word for word in given.overrides if word != PLAN]
    found = tuned(words, planning=PLAN in given.overrides)
    if found and is_main_process():
        from unlearn_cli.tuning.table import show

        show(found)


def _keys() -> Sequence[str]:
    fields = TuneSettings.model_fields.items()
    rows = [(f"{name}={as_typed(field.default)}", field.description or "") for name, field in fields]
    width = max(len(key) for key, _ in rows) + 2
    return ["keys of a tuning, with their defaults:", *(f"  {key:{width}}{text}" for key, text in rows)]
