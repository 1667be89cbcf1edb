"""`unlearn export RUN --to FORMAT`: the model of a finished run for other libraries."""

from importlib import import_module
from pathlib import Path

from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.runtime.arguments import Parser

NAMES = ("torch", "timm", "transformers", "diffusers", "onnx")
FORMATS = {
    "classification": "unlearn_cli.models.classifiers.exported",
    "generation": "unlearn_cli.models.diffusion.exported",
}
"""By task: the module that has its formats."""


def export(arguments: list[str]) -> None:
    """Write the model, and print where.

    Raises:
        InputError: no finished run of a classifier or a class-conditional diffusion model, a format that is
            not for it, a place that is taken.
    """
    parser = Parser(
        prog="unlearn export",
        description="The unlearned classifier, or class-conditional diffusion model, of a run for other "
        "libraries. torch: the state dict, with a JSON file that says how it is fed; timm, transformers, "
        "diffusers: a folder that they read; onnx: from pixels in [0, 1] to logits.",
    )
    parser.add_argument("run", metavar="RUN_FOLDER", type=Path, help="the folder of a finished run")
    parser.add_argument("place", metavar="PLACE", nargs="?", type=Path, help="default: the run's name, here")
    parser.add_argument("--to", metavar="FORMAT", required=True, help=", ".join(NAMES))
    given = parser.parse_args(arguments)
    if given.to not in NAMES:
        raise InputError(f"export: --to {given.to}: no such format; {did_you_mean(given.to, NAMES)}")
    print(exported(given.run, given.to, given.place))


def exported(run: Path, to: str, place: Path | None = None) -> Path:
    """Write the model of that run; where it is then. InputError as `export`."""
    from unlearn_cli.api.loading import load
    from unlearn_cli.data.image_spec import ImageSpec
    from unlearn_cli.models.checkpoint import FACTS, read_facts
    from unlearn_cli.models.exported import export as write
    from unlearn_cli.storage.run_folder import RESULT
    from unlearn_cli.storage.sealed import read_sealed

    model = load(run)
    facts = read_facts(run / FACTS) if (run / FACTS).is_file() else {}
    task = facts.get("task", {}).get("name")
    if task not in FORMATS:
        raise InputError(
            f"export: {run} is a run of task={task or 'another kind'}, and what is exported are classifiers "
            "and class-conditional diffusion models; its model goes on by model.delta, or method=checkpoint"
        )
    size = facts["size"][0], facts["size"][1]
    own = read_sealed(run / RESULT).get("own_model")
    preprocessing = own and own["input"]["preprocessing"]
    images = ImageSpec(
        facts["class_names"], facts["channels"], size, facts["mean"], facts["std"], preprocessing
    )
    formats = import_module(FORMATS[task]).FORMATS
    if to not in formats:
        raise InputError(f"export: --to {to} is not for task={task}; give --to {' or '.join(formats)}")
    return write(model, to, formats, place.with_suffix("") if place else Path(run.resolve().name), images)
