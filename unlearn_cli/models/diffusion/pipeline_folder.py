"""A Stable Diffusion pipeline as it lies in a folder or on the hub: which parts it has."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from diffusers import StableDiffusionPipeline
from huggingface_hub.errors import HfHubHTTPError

from unlearn_cli.data.names import listed
from unlearn_cli.errors import InputError
from unlearn_cli.models.foreign_folder import refuse_code
from unlearn_cli.models.hub_files import fetched_file
from unlearn_cli.storage.files import read_json

log = logging.getLogger("unlearn")

INDEX, CONFIG, TOKENIZER = "model_index.json", "config.json", ("vocab.json", "tokenizer.json")
WEIGHED = ("unet", "vae", "text_encoder")
PARTS = (*WEIGHED, "tokenizer", "scheduler")
WITHOUT: dict[str, Any] = {"safety_checker": None, "feature_extractor": None}
"""Parts of a pipeline that are not loaded."""
LEFT_OUT = (*WITHOUT, "image_encoder")
CLASSES = {
    "unet": ("UNet2DConditionModel",),
    "vae": ("AutoencoderKL", "PixelUnshuffle"),
    "text_encoder": ("CLIPTextModel",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
}
"""What each part can be; a scheduler is looked at when it is read."""
WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|(?:pytorch_)?model)(?:\.(\w+?))?(?:-\d+-of-\d+)?\.(?:safetensors|bin)"
)
HINT = "give a pipeline folder of diffusers, or a hub name (owner/name)"


def pipeline_folder(path: str, revision: str | None, variant: str | None) -> Path:
    """The folder of a pipeline that can be used, downloaded if need be. InputError if there is none.

    A pipeline is known by its parts, whatever its class is called (image to image, Safe, a latent consistency
    model, ...). A safety checker, which blanks images, is told of and left out.
    """
    local = Path(path).expanduser()
    if local.is_file():
        raise InputError(f"model.path: '{path}' is a file, and a pipeline is a folder; {HINT}")
    there = local.is_dir()
    if not there and (path.startswith((".", "/", "~")) or path.count("/") != 1):
        raise InputError(f"model.path: no such folder '{path}'; {HINT}")
    if there and not (local / INDEX).is_file():
        raise InputError(f"model.path: '{path}' has no {INDEX}, so it is {_thing(local)}; {HINT}")
    folder = local if there else _fetched(path, revision, variant)
    described = _described(folder / INDEX, path)
    for part in PARTS:
        _check_part(folder, part, described, path)
    _check_variant(folder, variant, path)
    refuse_code(folder, "model.path")
    _tell(path, described.get("safety_checker") not in (None, [None, None]), _reads_guidance(folder))
    return folder


@lru_cache
def _fetched(path: str, revision: str | None, variant: str | None) -> Path:
    """From the hub, asked once in a process; another kind of pipeline is refused before it is fetched."""
    _described(_from_hub(path, revision), path)
    return _downloaded(path, revision, variant)


@lru_cache
def _tell(path: str, has_checker: bool, reads_guidance: bool) -> None:
    """Say, once in a process, in what its images may differ from those of its own pipeline."""
    if has_checker:
        log.info("model: the safety checker of '%s' is left out: it blanks images", path)
    if reads_guidance:
        log.warning(
            "model: the UNet of '%s' was distilled to read the guidance scale, which it is not given here; "
            "its images need not be like those of its own pipeline",
            path,
        )


def class_of(folder: Path, part: str) -> str:
    """The name of a part's class, as the index has it."""
    return str(read_json(folder / INDEX)[part][1])


def variant_in(folder: Path, variant: str | None) -> str | None:
    """The variant, where a part has weights of it: not every part of a pipeline need have them."""
    return variant if variant in variants(folder) else None


def variants(folder: Path) -> set[str | None]:
    """Of the weight files of a part; None: the plain ones."""
    return {match[1] for file in folder.iterdir() if (match := WEIGHTS.fullmatch(file.name))}


def _reads_guidance(folder: Path) -> bool:
    """Whether the UNet has an input for the guidance scale, as latent consistency models have."""
    try:
        return read_json(folder / "unet" / CONFIG).get("time_cond_proj_dim") is not None
    except (OSError, ValueError, AttributeError):
        return False  # what is wrong with it is told when it is opened


def _thing(folder: Path) -> str:
    """What a folder without an index is."""
    try:
        kind = read_json(folder / CONFIG).get("_class_name")
    except (OSError, ValueError, AttributeError):
        kind = None
    alone = f"a {kind} alone: put it in its place in a copy of the pipeline that it was tuned from"
    return alone if kind else "no pipeline"


def _described(index: Path, path: str) -> dict[str, Any]:
    """The index. InputError: damaged, or it has other parts than Stable Diffusion 1.x or 2.x."""
    described = _read(index, path)
    for part, entry in described.items():
        if part in PARTS and not (isinstance(entry, list) and len(entry) == 2):
            raise InputError(
                f"model.path: '{path}': {INDEX} is damaged ({part} names no library and class); {HINT}"
            )
    kind = described.get("_class_name")
    named = {part: entry for part, entry in described.items() if isinstance(entry, list) and any(entry)}
    foreign = [part for part in named if part not in (*PARTS, *LEFT_OUT)]
    foreign += [
        f"a {part} of class {named[part][-1]}"
        for part, classes in CLASSES.items()
        if part in named and named[part][-1] not in classes
    ]
    if foreign:
        raise InputError(
            f"model.path: '{path}' is a {kind} with {listed(foreign)}; what can be used is Stable Diffusion "
            f"1.x or 2.x, of {', '.join(PARTS)} alone"
        )
    return described


def _check_part(folder: Path, part: str, described: dict[str, Any], path: str) -> None:
    """InputError: it is not there."""
    named, found = (described.get(part) or [None])[0], (folder / part).is_dir()
    if part == "tokenizer":  # without its files it would come up empty
        found = any((folder / part / name).is_file() for name in TOKENIZER)
    if not named or not found:
        raise InputError(
            f"model.path: '{path}' has no {part}; a {described.get('_class_name')} needs {', '.join(PARTS)}"
        )


def _check_variant(folder: Path, variant: str | None, path: str) -> None:
    """InputError: the weights are there in another variant than the one asked for."""
    there = {part: variants(folder / part) for part in WEIGHED}
    wanted = "plain weights" if variant is None else f"weights of variant '{variant}'"
    found = sorted({str(one) for names in there.values() for one in names if one})
    for part, names in there.items():
        if names and variant not in names and None not in names:
            other = min(str(name) for name in names)
            raise InputError(
                f"model.variant: '{path}' has no {wanted} of its {part}; set model.variant={other}"
            )
    if variant is not None and not any(variant in names for names in there.values()):
        raise InputError(f"model.variant: '{path}' has no {wanted}; there is {listed(['null', *found])}")


def _read(index: Path, path: str) -> dict[str, Any]:
    try:
        return dict(read_json(index))
    except (ValueError, TypeError) as error:
        raise InputError(f"model.path: '{path}': {INDEX} is damaged ({error}); {HINT}") from error


def _from_hub(path: str, revision: str | None) -> Path:
    return fetched_file(path, INDEX, revision, "pipeline", HINT)


def _downloaded(path: str, revision: str | None, variant: str | None) -> Path:
    """The cache's folder of one commit, whose name it has."""
    try:
        return Path(StableDiffusionPipeline.download(path, revision=revision, variant=variant, **WITHOUT))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(f"{error}".split())[:200]
        raise InputError(
            f"model.path: '{path}' cannot be fetched whole ({reason}); fetch it where there is a network, "
            "or give a folder: model.path=FOLDER"
        ) from error
