"""What can be chosen: all of it by name, a group or what fits a task with a line for each option."""

from unlearn_cli.command.layout import Page
from unlearn_cli.config.catalogue import Option, fits, options, tasks_of

USAGE = {
    "unlearn group=option … key=value …": "one run: original, forget set, method, oracle, evaluation",
    "unlearn -m method=ft,ga seed=0,1 …": "a sweep: every combination",
    "unlearn plan -m method=ft,ga …": "what the sweep would do, what is there, how long it takes",
    "unlearn tune method=ft,ga …": "finds their values",
    "unlearn status [SWEEP]": "how the latest sweep goes",
    "unlearn rerun RUN_FOLDER": "again, from its own record",
    "unlearn verify RUN_FOLDER": "whether a certificate holds",
    "unlearn track RUN_FOLDER …": "finished runs, told to W&B",
    "unlearn export RUN_FOLDER --to torch": "its model; also timm, transformers, onnx",
    "unlearn new method NAME": "a plug-in that runs; also model, data, metric, forget, project",
    "unlearn schema FOLDER": "schemas of YAML for editors",
    "unlearn completion bash": 'TAB, by eval "$(unlearn completion bash)" in ~/.bashrc; also zsh, fish',
    "unlearn-compare FOLDER …": "finished runs side by side: tables, tests, a page",
}
HELP = {
    "unlearn method=salun --help": "an option: what it is, its paper, every key with range and default",
    "unlearn task=clip --help": "a task, and all that fits it with a line each; likewise data=… model=…",
    "unlearn method --help": "every option of a group with a line each",
}
EXAMPLES = {
    "unlearn": "SalUn on digits, which need no network",
    "unlearn method=ga forget=class forget.classes=[3]": "a whole class",
    "unlearn task=generation": "a class-conditional diffusion model forgets the threes",
    "unlearn data=cifar10 data.path=FOLDER": "a local copy of CIFAR-10",
    "unlearn -m method=retrain,ft,ga,salun seed=0,1,2": "a table's rows",
}
FLAGS = {
    "--cfg job": "print the composed configuration and do nothing",
    "--config-dir FOLDER": "a folder with plug-ins of your own (method/mine.yaml, mine.py …)",
    "--force": "make the run, or the sweep's runs, again though they are finished",
    "-m, --multirun": "a sweep",
    "--version": "the version of this program",
    "--hydra-help": "the flags of Hydra, which composes the configuration",
    "UNLEARN_PLUGINS=FOLDER": "the same for every command; several with : between",
    "UNLEARN_DATA=FOLDER": "local copies of data sets are looked for here first (paths.data)",
    "UNLEARN_TRACEBACK=1": "errors with their traceback",
}
PLAN = {
    "unlearn plan -m method=ft,ga seed=0,1": "of a sweep",
    "unlearn plan method=salun": "of a single run",
    "unlearn plan -m method=ft,ga hydra/launcher=slurm": "of a sweep of SLURM jobs",
}
GROUPS = {
    "task": "Tasks (task=…)",
    "method": "Methods (method=…)",
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
    "membership": "Attacks on single rows: membership by shadow models (eval.attacks=[…], values in eval)",
    "tracking": "Tracking (tracking=…)",
    "experiment": "Whole recipes (experiment=…)",
    "hydra/launcher": "Where a sweep runs (hydra/launcher=…)",
}
LONGEST_NAME = 28


def show_overview(page: Page) -> None:
    """The program in a screen or two: usage, every name that can be chosen, flags."""
    for title, rows in {"Usage": USAGE, "More help": HELP, "Examples": EXAMPLES}.items():
        page.title(title)
        page.definitions(rows.items(), widest=52)
    page.title("What can be chosen (group=option)")
    named = {group: ", ".join(option.name for option in options(group)) for group in GROUPS}
    page.definitions((group, names) for group, names in named.items() if names)
    page.title("Flags and environment")
    page.definitions(FLAGS.items())


def show_group(page: Page, group: str) -> None:
    """A group's options with a line each, and the tasks of those that are not for every one."""
    page.title(GROUPS[group])
    found = {option.name: described(option) + _for_tasks(option) for option in options(group)}
    page.definitions(found.items(), LONGEST_NAME)
    if not found:
        page.paragraph("None: they come from plug-ins (UNLEARN_PLUGINS=FOLDER).")


def described(option: Option) -> str:
    """What an option is, and that it is the user's own."""
    return f"{option.description} (yours)" if option.is_plugin else option.description


def _for_tasks(option: Option) -> str:
    tasks = tasks_of(option.path)
    return f" [{tasks}]" if tasks else ""


def show_fitting(page: Page, task: str) -> None:
    """All options that fit a task, with a line each."""
    for group, title in GROUPS.items():
        fitting = [(o.name, described(o)) for o in options(group) if fits(o.path, task)]
        if group != "task" and fitting:
            page.title(title.replace("Methods", f"Methods for task={task}"))
            page.definitions(fitting, LONGEST_NAME)


def show_plan(page: Page) -> None:
    """`unlearn plan`."""
    page.paragraph(
        "unlearn plan … says of a command what it would do, and does nothing: how many runs, which are "
        "finished or begun, what they share and would make first, how long it may take."
    )
    page.title("Examples")
    page.definitions(PLAN.items(), widest=52)
