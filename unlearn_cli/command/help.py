"""`unlearn --help`: what can be chosen, with a line each."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlearn_cli.config.catalogue import Option, fits, options

USAGE = {
    "unlearn group=option … key=value …": "one run: original, forget set, method, oracle, evaluation",
    "unlearn -m method=ft,ga seed=0,1 …": "a sweep: every combination",
    "unlearn plan -m method=ft,ga …": "what the sweep would do, what of it is there, how long it would take",
    "unlearn status [SWEEP]": "how the latest sweep, or that one, goes",
    "unlearn-compare FOLDER …": "finished runs side by side: tables, tests, a page",
}
EXAMPLES = {
    "unlearn": "SalUn on digits, which need no network",
    "unlearn method=ga forget=class forget.classes=[3]": "a whole class",
    "unlearn task=generation": "a class-conditional diffusion model forgets the threes",
    "unlearn method=ga mask=saliency": "salient weights alone",
    "unlearn data=cifar10 data.path=FOLDER": "a local copy of CIFAR-10",
    "unlearn -m method=retrain,ft,ga,salun seed=0,1,2": "a table's rows",
    "unlearn -m method=ft,ga hydra/launcher=slurm": "each run a job of a cluster",
}
FLAGS = {
    "--cfg job": "print the composed configuration and do nothing",
    "--config-dir FOLDER": "a folder with plug-ins of your own (method/mine.yaml, mine.py …)",
    "-m, --multirun": "a sweep",
    "--version": "the version of this program",
    "--hydra-help": "the flags of Hydra, which composes the configuration",
    "TAB": 'completes after eval "$(unlearn --shell-completion install=bash)"; also zsh, fish',
    "UNLEARN_PLUGINS=FOLDER": "the same for every command; several with : between",
    "UNLEARN_DATA=FOLDER": "local copies of data sets are looked for here first (paths.data)",
    "UNLEARN_TRACEBACK=1": "errors with their traceback",
}
GROUPS = {
    "task": "Tasks (task=…)",
    "method": "Methods for task={task} (method=…)",
    "data": "Data (data=…)",
    "model": "Models (model=…)",
    "forget": "Forget sets (forget=…)",
    "lower": "Lower levels of forget=worst_case (lower@forget.lower=…)",
    "mask": "Weight masks (mask=…)",
    "surgery": "Gradient surgery (surgery=…)",
    "lora": "Low-rank adapters (lora=…)",
    "train": "Training of original and oracle (train=…)",
    "optim": "Optimisers (optim@method=…, optim@train=…)",
    "sampler": "Samplers of a diffusion model (sampler@eval.sampler=…, sampler@method.sampler=…)",
    "eval": "Evaluation (eval=…)",
    "metric": "Metrics (metric=…)",
    "attack": "Attacks on an unlearned text-to-image model (eval.attacked=[…], values in eval.attacks)",
    "tracking": "Tracking (tracking=…)",
    "experiment": "Whole recipes (experiment=…)",
    "hydra/launcher": "Where a sweep runs (hydra/launcher=…)",
}


def show_help(arguments: list[str]) -> None:
    """Print what can be chosen; `task=` among the arguments limits the methods to those that fit it."""
    console = Console(highlight=False)
    _section(console, "Usage", USAGE.items())
    _section(console, "Examples", EXAMPLES.items())
    task = next((a.split("=", 1)[1] for a in arguments if a.startswith("task=")), "classification")
    for group, title in GROUPS.items():
        chosen = options(group)
        if group == "method":
            chosen = [option for option in chosen if fits(option.path, task)]
        _section(console, title.format(task=task), ((option.name, described(option)) for option in chosen))
    _section(console, "Flags and environment", FLAGS.items())


def _section(console: Console, title: str, lines: Iterable[tuple[str, str]]) -> None:
    """A title over two columns; long lines wrap within theirs."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 0, 0, 2))
    table.add_column(min_width=14, style="cyan", no_wrap=True)
    table.add_column()
    for name, description in lines:
        table.add_row(Text(name), Text(description))
    if table.row_count:
        console.print(f"[bold]{title}[/]")
        console.print(table)
        console.print()


def described(option: Option) -> str:
    """What an option is, and that it is the user's own."""
    return f"{option.description} (yours)" if option.is_plugin else option.description
