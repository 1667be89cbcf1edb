"""The command on a problem of a second: in this process, or in others that can be killed or work together."""

import json
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from hydra.utils import get_class
from omegaconf import OmegaConf
from safetensors.torch import load_file
from torch import Tensor

from unlearn_cli.cli import main
from unlearn_cli.command.help import fits
from unlearn_cli.config.catalogue import options
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.evaluation.clip.evaluation import ClipEvaluation
from unlearn_cli.evaluation.diffusion.generation import GenerationEvaluation
from unlearn_cli.evaluation.diffusion.text_to_image import TextToImageEvaluation
from unlearn_cli.evaluation.vlm.evaluation import VlmEvaluation
from unlearn_cli.methods.saliency import threshold

TINY = (
    "data.subset=0.2",
    "model.depth=8",
    "model.width=8",
    "train.epochs=2",
    "train.batch_size=16",
    "progress=false",
)
GENERATION = (
    "task=generation",
    "data.subset=0.3",
    "model.channels=[8,16]",
    "model.head_dim=4",
    "model.groups=4",
    "train.epochs=1",
    "eval.judge.train.epochs=1",
    "eval.samples_per_class=4",
    "eval.sampler.steps=2",
    "eval.sampler.batch_size=16",
    "eval.relearning.samples=8",
    "eval.relearning.images=4",
    "eval.relearning.recipe.epochs=1",
    "eval.grid_every=0",
    "progress=false",
)
PROMPTS = (
    "task=text_to_image",
    "data.images=2",
    "data.outside_images=2",
    "data.shapes=[circle,square]",
    "data.test_fraction=0.3",
    "model.channels=[8,16]",
    "model.head_dim=8",
    "model.groups=4",
    "model.text_width=16",
    "model.text_layers=1",
    "model.text_heads=2",
    "train.max_steps=2",
    "eval.judge.train.epochs=1",
    "eval.sampler.steps=2",
    "eval.grid_every=0",
    "progress=false",
    "eval.attacked=[]",
)
PIPELINE = (
    "data.size=16",
    'data.prompts=["a photo of the {anchor}","the {anchor} over hills"]',
    "data.retain=[a dog]",
    "data.images=2",
    "data.test_fraction=0.5",
    "data.sampler.steps=2",
    "eval.sampler.steps=2",
    "eval.images=1",
    "eval.grid_every=0",
    "eval.attacked=[]",
    "progress=false",
)
CLIP = (
    "task=clip",
    "data.images=20",
    "data.colours=[red]",
    "data.textures=[plain]",
    "data.shapes=[circle,square]",
    "data.domains=[photo,sketch,cartoon]",
    "data.size=16",
    "model.patch_size=8",
    "model.layers=3",
    "model.width=16",
    "model.head_width=8",
    "model.dim=8",
    "train.max_steps=3",
    "progress=false",
)
VLM = (
    "task=vlm",
    "data.images=10",
    "data.colours=[red,blue]",
    "data.textures=[plain]",
    "data.shapes=[circle,square]",
    "data.size=16",
    "model.patch_size=4",
    "model.width=32",
    "model.layers=3",
    "model.text_layers=1",
    "train.max_steps=120",
    "train.batch_size=24",
    "train.lr=3e-3",
    "eval.relearn.recipe.epochs=1",
    "eval.pixels.steps=1",
    "progress=false",
)
EPOCH = "method.epochs=1"
SHORT = {
    "epochs": EPOCH,
    "max_steps": "method.max_steps=3",
    "warm_up": "method.warm_up=0",
    "stages": "method.stages=1",
    "sampler": "method.sampler.steps=2",
    "replay": "method.replay=12",
    "fisher_samples": "method.fisher_samples=8",
    "prompts": "method.prompts=4",
    "groups": "method.groups=1",
    "inner_steps": "method.inner_steps=1",
    "iterations": "method.iterations=2",
    "remind_epochs": "method.remind_epochs=1",
    "negatives": "method.negatives=8",
    "train_tokens": "method.gamma=[0.0,-1.0]",
    "buffer": "method.k=[2]",
}
"""What makes a method of any pretrained model short, by the field that it has."""

EVALUATIONS = (
    *(ClassifierEvaluation, ClipEvaluation, GenerationEvaluation, TextToImageEvaluation),
    VlmEvaluation,
)

# Children of a server that has imported everything start at once and can be killed like any process.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        *(f"unlearn_cli.{module}" for module in ("run", "compare.table", "data.digits")),
        *(
            f"unlearn_cli.models.{module}"
            for module in (
                *("classifiers.resnet_cifar", "classifiers.timm_models"),
                *("diffusion.unet", "diffusion.tiny_text_to_image"),
            )
        ),
        "unlearn_cli.evaluation.diffusion.generation",
        "unlearn_cli.evaluation.diffusion.text_to_image",
        "unlearn_cli.evaluation.clip.evaluation",
        "unlearn_cli.models.clip.tiny_clip",
        "unlearn_cli.models.vlm.tiny_vlm",
        "unlearn_cli.evaluation.vlm.evaluation",
        "torchmetrics.image.fid",
        "torchmetrics.image.kid",
    ]
)


def methods(task: str) -> list[str]:
    """The methods that fit a task (that this is what they say is tested with the configurations)."""
    return [option.name for option in options("method") if fits(option.path, task)]


def short(method: str) -> tuple[str, ...]:
    """The choice of a method of a pretrained model, with all that makes it short."""
    (path,) = [option.path for option in options("method") if option.name == method]
    fields = get_class(OmegaConf.load(path)["_target_"]).model_fields
    return (f"method={method}", *(value for name, value in SHORT.items() if name in fields))


def small(arguments: Sequence[str]) -> tuple[str, ...]:
    """What makes a run of these arguments a run of a second or two."""
    if "model=pipeline" in arguments:
        return PIPELINE
    if "task=text_to_image" in arguments:
        return PROMPTS
    if "task=vlm" in arguments:
        saved = "model=vlm" in arguments
        return tuple(value for value in VLM if not (saved and value.startswith(("model.", "train."))))
    if "task=clip" in arguments:
        saved = "model=clip" in arguments  # one that was saved has its own values
        return tuple(value for value in CLIP if not (saved and value.startswith("model.")))
    return GENERATION if "task=generation" in arguments else TINY


def unlearn(*arguments: str, figures: bool = False) -> list[dict[str, Any]]:
    """Run the command in this process; the results that it shows.

    The figures, four fifths of a tiny run's time, are left out unless asked for. That it is one run is said
    outright: Hydra else composes the configuration once to learn it, and again to run.
    """
    shown: list[dict[str, Any]] = []
    mode = () if {"-m", "plan"} & {*arguments} else ("--run",)
    with ExitStack() as patches:
        patches.enter_context(patch("unlearn_cli.compare.table.show", shown.append))
        patches.enter_context(patch("unlearn_cli.sweep.here.told", shown.append))
        patches.enter_context(patch.object(sys, "argv", ["unlearn", *mode, *small(arguments), *arguments]))
        if not figures:
            for evaluation in EVALUATIONS:
                patches.enter_context(patch.object(evaluation, "figures", lambda *_: []))
        main()
    return shown


def signalled(number: int, file: str, count: int, *arguments: str) -> int:
    """Run the command in a process that gets a signal as it puts a file of that name in place for the
    count-th time (the new content lies beside it under a temporary name). Gives its exit code."""
    process = processes.Process(
        target=_signalled, args=(torch.get_num_threads(), number, file, count, arguments)
    )
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def together(world: int, function: Any, *arguments: Any) -> list[int]:
    """Call `function(*arguments)` in as many processes of one gloo group; their exit codes."""
    port = _free_port()
    group = [
        processes.Process(target=_ranked, args=(rank, world, port, function, arguments))
        for rank in range(world)
    ]
    for process in group:
        process.start()
    for process in group:
        process.join()
    return [process.exitcode for process in group]


def run_folders(outputs: Path) -> list[Path]:
    return sorted(file.parent for file in outputs.rglob("status.json"))


def state(folder: Path) -> str:
    return json.loads((folder / "status.json").read_text())["state"]


def entries(store: Path, kind: str) -> list[Path]:
    """The complete entries of a kind."""
    return sorted(file.parent for file in store.glob(f"{kind}/*/entry.json"))


def weights(result: dict[str, Any]) -> dict[str, Tensor]:
    return load_file(Path(result["folder"]) / "model.safetensors")


def all_made_for(store: Path, kind: str, result: dict[str, Any], **facts: Any) -> list[Path]:
    """The store's entries of that kind with these facts, and the run's forget set if it is of one."""
    forget = json.loads((Path(result["folder"]) / "forget.json").read_text())["fingerprint"]
    records = {entry: json.loads((entry / "entry.json").read_text()) for entry in entries(store, kind)}
    wanted = facts | ({"forget": forget} if kind == "saliency" else {})
    return [e for e, record in records.items() if wanted.items() <= record["facts"].items()]


def made_for(store: Path, kind: str, result: dict[str, Any], **facts: Any) -> Path:
    """The only one of them."""
    (entry,) = all_made_for(store, kind, result, **facts)
    return entry


def original_of(store: Path, result: dict[str, Any]) -> Path:
    """The entry of the original model that the run of seed 0 started from."""
    facts = json.loads((Path(result["folder"]) / "model.json").read_text())
    return made_for(store, "model", result, seed=0, rows=facts["rows"], task=facts["task"])


def original_weights(store: Path, result: dict[str, Any]) -> dict[str, Tensor]:
    return load_file(original_of(store, result) / "model.safetensors")


def mask_of(store: Path, result: dict[str, Any], **facts: Any) -> dict[str, Tensor]:
    """The mask of mask.fraction=0.3, from the scores with these facts."""
    model = original_of(store, result).name
    entry = made_for(store, "saliency", result, model=model, **facts)
    return threshold(load_file(entry / "scores.safetensors"), 0.3)


def lasting(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what no two runs share: times, memory, paths."""
    kept = {key: value for key, value in result.items() if key not in ("folder", "choices")}
    for cost in ("cost", "original_cost", "oracle_cost"):
        if kept[cost]:
            kept[cost] = {k: v for k, v in kept[cost].items() if k in ("steps", "samples", "forwards")}
    return kept


def _signalled(threads: int, number: int, file: str, count: int, arguments: tuple[str, ...]) -> None:
    torch.set_num_threads(threads)  # the bits of a sum depend on it
    replace, seen = Path.replace, 0

    def replacing(self: Path, target: Path) -> Path:
        nonlocal seen
        seen += target.name == file
        if target.name == file and seen == count:
            os.kill(os.getpid(), number)
        return replace(self, target)

    with patch.object(Path, "replace", replacing):
        unlearn(*arguments)


def _ranked(rank: int, world: int, port: int, function: Any, arguments: Any) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    signal.alarm(120)  # a group that waits for ever ends all the same
    function(*arguments)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
