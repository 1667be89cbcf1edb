"""A ready LLaVA or Llama-3.2-Vision as a model: a folder in transformers' layout or a hub name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jinja2 import TemplateError
from pydantic import Field
from safetensors import SafetensorError
from transformers import (
    AutoProcessor,
    BitsAndBytesConfig,
    LlavaForConditionalGeneration,
    MllamaForConditionalGeneration,
    ProcessorMixin,
)
from transformers.utils import is_bitsandbytes_available
from transformers.utils import logging as transformers_logging

from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import AnyModel
from unlearn_cli.models.delta import load_delta, names_in
from unlearn_cli.models.foreign_folder import refuse_code
from unlearn_cli.models.hub_files import fetched_file, fetched_folder
from unlearn_cli.models.loaded import check_tensors, quiet
from unlearn_cli.models.vlm.llava_processor import complete_processor
from unlearn_cli.models.vlm.preprocessing import preprocessing_of
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.storage.files import read_json
from unlearn_cli.storage.identity import content_of

CONFIG = "config.json"
PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")
"""Files that are fetched: weights as plain tensors, no code."""
KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (LlavaForConditionalGeneration, MllamaForConditionalGeneration)
}
WHOLE = ("vision_tower", "vision_model", "multi_modal_projector", "lm_head")
"""Parts that are never quantised: what methods read and edit, and the logits."""
DTYPES = {"auto": "auto", "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FAULTS = (
    *(OSError, ValueError, TypeError, RuntimeError, AttributeError, KeyError, ImportError),
    *(SafetensorError, TemplateError),
)
"""How reading a damaged part ends."""
HINT = "give a LLaVA or Llama-3.2-Vision of transformers: a folder, or a hub name (owner/name)"


class PretrainedVlm(AnyModel):
    """Its weights are kept in `dtype`, and trained in it. Its own processor brings images to its size."""

    tasks: ClassVar[tuple[str, ...]] = ("vlm",)
    ready_made: ClassVar[bool] = True
    takes_colour: ClassVar[bool] = True

    path: str = Field(description="a folder of transformers, or a hub name")
    revision: str | None = Field(description="branch, tag or commit of a hub name; null = the newest")
    dtype: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        description="number format of the weights; auto = as stored. fp16 cannot be trained"
    )
    device_map: Literal["auto"] | None = Field(
        description="auto: spread over all GPUs by accelerate; null = all on the run's device"
    )
    quantise: Literal["4bit"] | None = Field(
        description="4bit: the language model in NF4, by bitsandbytes, on a GPU; it cannot be trained then"
    )
    chat_template: str | None = Field(description="Jinja, for processors that bring none; null = its own")
    gradient_checkpointing: bool = Field(description="less memory in training, a third more time")
    delta: Path | None = Field(
        description="delta.safetensors of an earlier run to go on from, several concepts in sequence"
    )

    def build(self, images: ImageSpec) -> VisionLanguage:
        """As `ModelSettings.build`, but with its weights; the classes are questions with their answers.

        Raises:
            InputError: nothing there, another architecture, damaged or lacking parts, no chat template, texts
                too long for it, images that are not in colour, no bitsandbytes.
        """
        if images.channels != 3:
            raise InputError(f"data: images of {images.channels} channel(s), but '{self.path}' takes 3")
        folder = model_folder(self.path, self.revision)
        processor = self._processor(folder)
        net = self._opened(folder)
        complete_processor(processor, net.config, folder)
        if self.gradient_checkpointing:
            renamed = hasattr(net, "activation_checkpointing_enable")  # by transformers, of late
            enable = net.activation_checkpointing_enable if renamed else net.gradient_checkpointing_enable
            enable({"use_reentrant": False})
        trained = "|".join(WHOLE[:-1]) if self.quantise else ""
        model = VisionLanguage(net, processor, images.classes, trained)
        self._check_texts(model, images.size)
        self._check_processor(model, images.size)
        if self.delta:
            load_delta(model, self.delta)
            model.departed = names_in(self.delta)
        return model

    def preprocessing(self, size: int | None) -> Preprocessing | None:
        """That of the processor. InputError: no such folder, or a processor that cannot be opened."""
        processor = self._processor(model_folder(self.path, self.revision))
        try:
            return preprocessing_of(processor.image_processor, size)
        except FAULTS as error:
            raise self._cannot("its processor makes nothing of a picture", error) from error

    def identity(self) -> str:
        """Tells these weights from others without loading them: commit, or the content of the files."""
        folder = model_folder(self.path, self.revision)
        local = Path(self.path).expanduser().is_dir()
        parts = [content_of(folder)] if local else [self.path, folder.name]
        kept = f"{self.dtype} {self.quantise} {self.chat_template}"
        return digest(*parts, kept, content_of(self.delta) if self.delta else "")

    def facts(self) -> dict[str, Any]:
        return {"vlm": self.identity()}

    def _processor(self, folder: Path) -> Any:
        try:
            processor = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except FAULTS as error:
            raise self._cannot("its processor cannot be opened", error) from error
        if not isinstance(processor, ProcessorMixin):  # transformers makes do with a tokenizer
            raise InputError(f"model.path: '{self.path}' has no processor of images and text; {HINT}")
        if self.chat_template:
            processor.chat_template = self.chat_template
        tokenizer = processor.tokenizer
        if tokenizer.eos_token_id is None:
            raise InputError(f"model.path: the tokenizer of '{self.path}' has no token for an answer's end")
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        return processor

    def _opened(self, folder: Path) -> Any:
        options: dict[str, Any] = {"device_map": self.device_map, "dtype": DTYPES[self.dtype]}
        if self.quantise:
            options["quantization_config"] = self._quantisation()
        kind = KINDS[read_json(folder / CONFIG)["architectures"][0]]
        try:
            with quiet(transformers_logging):
                net, loaded = kind.from_pretrained(
                    folder,
                    use_safetensors=True,
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                    **options,
                )
        except FAULTS as error:
            raise self._cannot("it cannot be opened", error) from error
        check_tensors(loaded, f"'{self.path}'", HINT)
        if {"cpu", "disk"} & set(map(str, getattr(net, "hf_device_map", {}).values())) and (
            torch.cuda.is_available()
        ):
            raise InputError(
                f"model.device_map: the GPUs are too small for '{self.path}', parts of it would lie on the "
                "CPU; take more of them, or model.quantise=4bit"
            )
        return net

    def _quantisation(self) -> BitsAndBytesConfig:
        if not torch.cuda.is_available():
            raise InputError("model.quantise: '4bit' needs a GPU, and there is none; set it to null")
        if not is_bitsandbytes_available():
            raise InputError(
                "model.quantise: '4bit' needs bitsandbytes, which is not installed (pip install bitsandbytes)"
            )
        compute = torch.bfloat16 if self.dtype == "auto" else DTYPES[self.dtype]
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=compute,
            llm_int8_skip_modules=list(WHOLE),  # its name notwithstanding, for 4 bits too
        )

    def _check_texts(self, model: VisionLanguage, size: tuple[int, int]) -> None:
        """InputError: prompts that the processor does not take, or that are too long for the model."""
        image = model.shared.processor.image_token
        try:
            prompt = model.shared.prompt(model.pairs[0][0])
            longest = model.longest(size) if image in prompt else 0
        except FAULTS as error:
            raise InputError(
                f"model.chat_template: the processor of '{self.path}' makes nothing of it ({_told(error)}); "
                f"its text is to hold {image} and the question"
            ) from error
        if not longest:
            raise InputError(f"model.chat_template: a question has no image; the text is to hold {image}")
        known = model.net.config.get_text_config().max_position_embeddings
        if longest > known:
            raise InputError(
                f"task.questions: image, question and answer take up to {longest} tokens, but '{self.path}' "
                f"knows {known} places; ask for less"
            )

    def _check_processor(self, model: VisionLanguage, size: tuple[int, int]) -> None:
        """InputError: what the processor makes of an image is not what the model reads."""
        try:
            model.read_image(size)
        except (*FAULTS, IndexError) as error:
            raise InputError(
                f"model.path: the processor of '{self.path}' does not fit its model ({_told(error)}); "
                "compare its JSON files with config.json: patch_size, num_additional_image_tokens, "
                "vision_feature_select_strategy, the images' size, the tokens"
            ) from error

    def _cannot(self, what: str, error: Exception) -> InputError:
        return InputError(f"model.path: '{self.path}': {what} ({_told(error)}); {HINT}")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(f'{error}'.split())[:200]}"


def model_folder(path: str, revision: str | None) -> Path:
    """The folder of a model that can be used, downloaded if need be.

    Raises:
        InputError: there is none, or one of another architecture.
    """
    local = Path(path).expanduser()
    there = local.is_dir()
    if not there and (path.startswith((".", "/", "~")) or path.count("/") != 1):
        raise InputError(f"model.path: no such folder '{path}'; {HINT}")
    if there:
        _check_kind(local / CONFIG, path)
    folder = local if there else _fetched(path, revision)
    refuse_code(folder, "model.path")
    return folder


@lru_cache
def _fetched(path: str, revision: str | None) -> Path:
    """From the hub, asked once in a process; another architecture is refused before it is fetched."""
    what = "model of transformers"
    _check_kind(fetched_file(path, CONFIG, revision, what, HINT), path)
    return fetched_folder(path, PATTERNS, revision, what, HINT)


def _check_kind(config: Path, path: str) -> None:
    """InputError: no model of transformers, or one of another architecture."""
    if not config.is_file():
        raise InputError(f"model.path: '{path}' has no {CONFIG}, so it is no model of transformers; {HINT}")
    try:
        (kind, *_) = read_json(config).get("architectures") or ["model of no named architecture"]
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"model.path: '{path}': {CONFIG} is damaged ({error}); {HINT}") from error
    if str(kind) not in KINDS:
        raise InputError(f"model.path: '{path}' is a {kind}; what can be used is {' or '.join(KINDS)}")
