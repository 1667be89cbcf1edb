"""What a folder or a file of a CLIP is: open_clip's own layout, or one that is told apart from it."""

import logging
import zipfile
from functools import lru_cache
from pathlib import Path

import open_clip

from unlearn_cli.errors import InputError
from unlearn_cli.models.clip.zero_shot import CONFIG
from unlearn_cli.storage.files import read_json

log = logging.getLogger("unlearn")

HINT = (
    "give a name of open_clip with model.pretrained=TAG (or a file), hf-hub:OWNER/NAME, or a folder with "
    f"{CONFIG}"
)
QUICK = "-quickgelu"


def check_layout(folder: Path, name: str) -> None:
    """InputError: the folder is not in open_clip's layout."""
    if (folder / CONFIG).is_file():
        return
    try:
        kind = read_json(folder / "config.json").get("architectures", ["model"])[0]
    except (OSError, ValueError, AttributeError, LookupError, TypeError):
        raise InputError(f"model.name: no {CONFIG} in '{name}'; {HINT}") from None
    raise InputError(
        f"model.name: '{name}' is a {kind} in the layout of transformers (config.json), and what can be read "
        f"is open_clip's ({CONFIG}); take the same weights by their name (model.name=ViT-B-32{QUICK} "
        "model.pretrained=openai), or a repository of the hub that open_clip reads (hf-hub:OWNER/NAME)"
    )


def check_weight_file(file: Path, name: str) -> None:
    """Whether a file of weights can be those of the architecture of that name, as far as can be told unread.

    Raises:
        InputError: it is code, or a description beside it says other activations than the name does.
    """
    if _is_torchscript(file):
        raise InputError(
            f"model.pretrained: '{file}' is a TorchScript archive, as OpenAI's are, which holds code; take "
            f"the weights by name (model.name=ViT-B-32{QUICK} model.pretrained=openai), or save the tensors "
            "alone: torch.save(torch.jit.load(FILE).state_dict(), …)"
        )
    quick = bool((open_clip.get_model_config(name) or {}).get("quick_gelu"))
    other = name.removesuffix(QUICK) if name.endswith(QUICK) else f"{name}{QUICK}"
    beside = file.with_name(CONFIG)
    if beside.is_file():
        described = read_json(beside).get("model_cfg", {})
        if bool(described.get("quick_gelu")) != quick:
            raise InputError(
                f"model.name: {CONFIG} beside '{file}' says {'no ' * quick}QuickGELU, and {name} is "
                f"{'with' if quick else 'without'} it; use model.name={other}"
            )
    elif other in open_clip.list_models():
        _tell_activation(name, other, quick)


@lru_cache
def _tell_activation(name: str, other: str, quick: bool) -> None:
    """Say, once in a process, what the weights do not."""
    log.warning(
        "model: a file of weights does not say whether they were trained with QuickGELU; %s is %s it. If the "
        "accuracy is far too low, use model.name=%s",
        *(name, "with" if quick else "without", other),
    )


def _is_torchscript(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any("/code/" in entry for entry in archive.namelist())
