"""Any pretrained CLIP of open_clip: a name with a tag or a file of weights, a hub name, or a local folder."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import open_clip
import torch
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError
from pydantic import Field
from safetensors import SafetensorError

from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.models.base import AnyModel
from unlearn_cli.models.clip.clip_files import HINT, check_layout, check_weight_file
from unlearn_cli.models.clip.preprocessing import OpenClipPreprocessing
from unlearn_cli.models.clip.zero_shot import CONFIG, ZeroShotClip, check_template
from unlearn_cli.models.foreign_folder import no_code_is_offered, refuse_code, tokenizer_options
from unlearn_cli.storage.caches import check_caches
from unlearn_cli.storage.hub import hub_or_cache
from unlearn_cli.storage.identity import content_of

LOCAL, HUB = "local-dir:", "hf-hub:"
BUILDING = (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError, AssertionError)
READING = (SafetensorError, pickle.UnpicklingError, EOFError)
"""How open_clip tells of what it cannot load."""


class OpenClip(AnyModel):
    """Its weights are kept in fp32, whatever precision they are stored and run in."""

    tasks: ClassVar[tuple[str, ...]] = ("clip",)
    ready_made: ClassVar[bool] = True
    takes_colour: ClassVar[bool] = True

    name: str = Field(description="a name of open_clip (ViT-B-16-quickgelu), hf-hub:OWNER/NAME, or a folder")
    pretrained: str | None = Field(
        description="open_clip's tag of weights for that name, or a file of weights"
    )
    template: str = Field(description="text of a class in zero-shot classification, the class for {}")

    def build(self, images: ImageSpec) -> ZeroShotClip:
        """As `ModelSettings.build`, but with its weights, and with the mean and std that go with them.

        Raises:
            InputError: no such model, no weights, other activations than the weights were trained with,
                towers other than open_clip's own, images that are not in colour.
        """
        check_template(self.template)
        if images.channels != 3:
            raise InputError(f"data: images of {images.channels} channel(s), but a CLIP takes 3")
        where, architecture = self._found()
        options = tokenizer_options(architecture, "model.name", self.name)
        clip = self._opened(where, require_pretrained=True)
        with self._reached(where), self._told(), no_code_is_offered():
            tokenizer = open_clip.get_tokenizer(where, **options)
        model = ZeroShotClip(
            clip.float(), tokenizer, images.classes, self.template, clip.visual.preprocess_cfg, architecture
        )
        model.tell_texts()
        return model

    def preprocessing(self, size: int | None) -> Preprocessing:
        """That of the very weights, at the size of the vision tower. InputError as `build`."""
        where, _ = self._found()
        with torch.device("meta"):  # the model without its weights
            clip = self._opened(where, device="meta", load_weights=False)
        return OpenClipPreprocessing(clip.visual.preprocess_cfg)

    def _found(self) -> tuple[str, dict[str, Any]]:
        """The name as open_clip takes it, and the architecture. InputError: none that can be used."""
        where = self._where()
        with self._reached(where):
            check_hub(self._repository(where), self.name)
            with self._told():
                architecture = open_clip.get_model_config(where)
        check_towers(architecture, self.name)
        if where.startswith(LOCAL):
            refuse_code(Path(where.removeprefix(LOCAL)), "model.name")
        return where, architecture

    def _opened(self, where: str, **options: Any) -> Any:
        """open_clip's model."""
        pretrained = None if where.startswith((LOCAL, HUB)) else self._file() or self.pretrained
        with self._reached(where), self._told(), no_code_is_offered():
            return open_clip.create_model(where, pretrained=pretrained, **options)

    def facts(self) -> dict[str, Any]:
        """Which weights: of a folder or a file by its content."""
        where, file = self._where(), self._file()
        name = content_of(Path(where.removeprefix(LOCAL))) if where.startswith(LOCAL) else where
        identity = digest(name, content_of(Path(file)) if file else str(self.pretrained))
        return {"open_clip": identity, "template": self.template}

    def _file(self) -> str | None:
        """The file of weights, if `pretrained` is one."""
        file = Path(self.pretrained or "").expanduser()
        return str(file) if file.is_file() else None

    def _where(self) -> str:
        """The name as open_clip takes it. InputError if there is none like it, or no weights for it."""
        folder = Path(self.name).expanduser()
        if self._file() and (folder.is_dir() or self.name.startswith(HUB)):
            raise InputError(f"model.pretrained: '{self.name}' brings weights of its own; set it to null")
        if folder.is_dir():
            check_layout(folder, self.name)
            return f"{LOCAL}{folder}"
        if folder.is_file():
            raise InputError(
                f"model.name: '{self.name}' is a file; give it as model.pretrained, and as model.name "
                "open_clip's name of its architecture (ViT-B-32-quickgelu for OpenAI's ViT-B/32)"
            )
        if self.name.startswith((".", "/", "~")):
            raise InputError(f"model.name: no such folder '{self.name}'; {HINT}")
        if self.name.startswith(HUB):
            return self.name
        if self.name not in open_clip.list_models():
            hint = did_you_mean(self.name, open_clip.list_models(), HINT)
            raise InputError(f"model.name: open_clip has no '{self.name}'; {hint}")
        check_towers(open_clip.get_model_config(self.name), self.name)
        self._check_tag()
        return self.name

    def _check_tag(self) -> None:
        """InputError: no weights are named, none like that, or weights of other activations."""
        tags = open_clip.list_pretrained_tags_by_model(self.name)
        if self.pretrained is None:
            raise InputError(
                f"model.pretrained: {self.name} has no weights without it; give one of "
                f"{', '.join(tags) or '(open_clip knows none)'}, or a file"
            )
        if file := self._file():
            check_weight_file(Path(file), self.name)
            return
        if self.pretrained not in tags:
            hint = did_you_mean(self.pretrained, tags, f"there is {', '.join(tags) or 'none'}")
            raise InputError(f"model.pretrained: no '{self.pretrained}' for {self.name}; {hint}")
        architecture = open_clip.get_model_config(self.name) or {}
        trained_with_it = open_clip.get_pretrained_cfg(self.name, self.pretrained).get("quick_gelu")
        if trained_with_it and not architecture.get("quick_gelu"):
            raise InputError(
                f"model.name: the weights '{self.pretrained}' were trained with QuickGELU, and {self.name} "
                f"is without it; use model.name={self.name}-quickgelu"
            )

    def _repository(self, where: str) -> str:
        """That of the hub which the model is fetched from; empty: nothing is to be fetched."""
        if where.startswith(HUB):
            return where.removeprefix(HUB)
        if where.startswith(LOCAL) or self._file():
            return ""
        return open_clip.get_pretrained_cfg(where, self.pretrained)["hf_hub"].rpartition("/")[0]

    def _reached(self, where: str) -> AbstractContextManager[None]:
        return hub_or_cache(bool(self._repository(where)))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What open_clip raises becomes an InputError; its messages, which say no more, are hidden."""
        logging.disable(logging.WARNING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except (*BUILDING, *READING) as error:
            if isinstance(error, OSError):
                check_caches()
            reason = " ".join(f"{error}".split())[:150]
            raise InputError(
                f"model.name: '{self.name}' cannot be loaded ({type(error).__name__}: {reason}); {HINT}"
            ) from error
        finally:
            logging.disable(logging.NOTSET)


def check_towers(architecture: Any, name: str) -> None:
    """InputError for towers that are not transformers of open_clip's own: prompts go between their blocks."""
    try:
        vision, text = architecture["vision_cfg"], architecture["text_cfg"]
        foreign = {
            "the vision tower of '{}' is one of timm's": "timm_model_name" in vision,
            "the vision tower of '{}' is a ResNet": isinstance(vision.get("layers"), list),
            "the text tower of '{}' is one of transformers'": "hf_model_name" in text,
            "'{}' is a CoCa, with a decoder": "multimodal_cfg" in architecture,
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"model.name: {CONFIG} of '{name}' describes no CLIP ({error!r}); {HINT}") from error
    for what, is_so in foreign.items():
        if is_so:
            raise InputError(
                f"model.name: {what.format(name)}; only open_clip's own transformers will do, as "
                "model=clip_vit_b16 has"
            )


def check_hub(repository: str, name: str) -> None:
    """InputError, at once, if a model is to be fetched that the hub has not, or if there is no network.

    open_clip would try for a minute. What is in the cache is used without a network, too.
    """
    if not repository:
        return
    try:
        HfApi().model_info(repository, timeout=10)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise InputError(
            f"model.name: no '{repository}' on the hub, or it needs a login (hf auth login); {HINT}"
        ) from error
    except Exception as error:  # of the hub's HTTP library, which has not always been the same
        try:
            snapshot_download(repository, local_files_only=True)
        except LocalEntryNotFoundError:
            raise InputError(
                f"model.name: the hub cannot be reached for '{name}' and it is not in the cache; fetch it "
                "once where there is a network, or give a folder: model.name=FOLDER"
            ) from error
