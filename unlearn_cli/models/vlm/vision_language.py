"""A vision-language model of transformers (LLaVA, Mllama): images and questions to answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from unlearn_cli.data.questions import SEPARATOR
from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import WithActivations
from unlearn_cli.models.layer_output import main_output, with_main_output
from unlearn_cli.models.vlm.preprocessing import NUMBERS_ALONE, one_size


class VisionLanguage(nn.Module):
    """`net` is what a method may change and what is saved; the processor is shared with every copy.

    A class of the data, known by number, is a question with its answer; `pairs` holds them.

    Attributes:
        preamble: text before every question; empty but for prompt suppression.
        trained_by_default: regular expression of the parameters that methods train, if not told which.
    """

    def __init__(self, net: Any, processor: Any, classes: Sequence[str], trained_by_default: str = ""):
        super().__init__()
        self.net = net
        self.shared = Shared(processor, classes)
        self.trained_by_default = trained_by_default
        self.departed: frozenset[str] = frozenset()
        """Parameters in which it is no longer its folder (a delta)."""
        self.preamble = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(question, answer) of each class."""
        return self.shared.pairs

    @property
    def device(self) -> torch.device:
        return self.net.device

    def to(self, *args: Any, **kwargs: Any) -> VisionLanguage:
        """As torch's; but weights that accelerate has spread, or that are quantised, stay where they are."""
        stays = getattr(self.net, "hf_device_map", None) or getattr(self.net, "quantization_method", None)
        return self if stays else super().to(*args, **kwargs)

    @property
    def projector(self) -> str:
        """Name, in `net`, of what every image goes through on its way to the language model."""
        return next(n for n, _ in self.net.named_modules() if n.endswith("multi_modal_projector"))

    @property
    def vision_layer(self) -> str:
        """Name, in `net`, of the one vision layer whose output the projector reads; else the projector's.

        LLaVA reads hidden state −2, the output of the last layer but one; what comes after it is not read.
        Mllama joins six states, so that an edit of one of them leaves the others as they are.
        """
        layer = getattr(self.net.config, "vision_feature_layer", None)
        if not isinstance(layer, int):
            return self.projector
        depth = self.net.config.vision_config.num_hidden_layers
        place = layer - 1 if layer >= 0 else depth + layer
        ends = f"vision_tower.encoder.layers.{place}", f"vision_model.encoder.layers.{place}"
        return next(n for n, _ in self.net.named_modules() if n.endswith(ends))

    def leading(self, layer: str) -> int:
        """Tokens at the front of the layer's output that stand for no patch, and that no edit touches."""
        is_cut = getattr(self.net.config, "vision_feature_select_strategy", "") == "default"
        return 1 if is_cut and "encoder.layers" in layer else 0

    def inputs(self, x: Tensor | None, questions: Sequence[str]) -> dict[str, Tensor]:
        """What `net` takes, of B images (B, 3, H, W) in [0, 1] and B questions; padded on the left.

        x: None leaves the images out of the prompts.
        """
        prompts = [self.shared.prompt(f"{self.preamble} {q}".strip(), x is not None) for q in questions]
        found = self.shared.processor(
            images=None
            if x is None
            else [[image] for image in 255 * x.float()],  # as from 8 bits: padding is in these units
            text=prompts,
            padding=True,
            add_special_tokens=not self.shared.starts(prompts[0]),
            return_tensors="pt",
            **(NUMBERS_ALONE if x is not None and x.shape[-2:] == self.shared.size else {}),
        )
        dtype = self.net.dtype
        return {
            name: value.to(self.device, dtype if value.is_floating_point() else None)
            for name, value in found.items()
        }

    def longest(self, size: tuple[int, int]) -> int:
        """Tokens of an image of (height, width) with the longest of the questions and answers."""
        tokenizer = self.shared.processor.tokenizer

        def words(text: str) -> int:
            return len(tokenizer(text, add_special_tokens=False).input_ids)

        first = self.pairs[0][0]
        more = self.inputs(torch.zeros(1, 3, *size), [first])["input_ids"].shape[1]
        more += 1 - words(self.shared.prompt(first))  # the image, a start, the answer's end
        return more + max(words(self.shared.prompt(q)) + words(a) for q, a in self.pairs)

    def forward(
        self, x: Tensor | None, questions: Sequence[str], answers: Sequence[str]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `answer_logits`."""
        return self.answer_logits(x, questions, answers)

    def answer_logits(
        self, x: Tensor | None, questions: Sequence[str], answers: Sequence[str]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, A, V) float32 of the answers' tokens (B, A), their end included; mask (B, A) bool."""
        inputs = self.inputs(x, questions)
        tokens, mask = (part.to(self.device) for part in self.shared.tokens(answers))
        length = tokens.shape[1]
        attention = torch.cat([inputs["attention_mask"], mask.to(inputs["attention_mask"].dtype)], dim=1)
        inputs |= {
            "input_ids": torch.cat([inputs["input_ids"], tokens], dim=1),
            "attention_mask": attention,
            "position_ids": (attention.cumsum(1) - 1).clamp_min(0),
        }
        inputs.pop("token_type_ids", None)
        if "cross_attention_mask" in inputs:  # Mllama: an answer looks where the question's end does
            looks = inputs["cross_attention_mask"]
            inputs["cross_attention_mask"] = torch.cat([looks, looks[:, -1:].expand(-1, length, -1, -1)], 1)
        logits = self.net(**inputs, use_cache=False, logits_to_keep=length + 1).logits[:, :-1]
        return logits.float(), tokens, mask

    @torch.no_grad()
    def answer(self, x: Tensor, questions: Sequence[str], tokens: int) -> list[str]:
        """Greedy answers of so many tokens at most."""
        inputs = self.inputs(x, questions)
        inputs.pop("token_type_ids", None)
        tokenizer = self.shared.processor.tokenizer
        made = self.net.generate(
            **inputs,
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
        said = tokenizer.batch_decode(made[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [text.strip() for text in said]

    def projected(self, x: Tensor) -> Tensor:
        """(B, T, D) float32: what the language model reads of images, after the projector."""
        return self.activations(self.projector, x)

    def activations(self, layer: str, x: Tensor) -> Tensor:
        """(B, T, d) float32: what a layer of `net` puts out for the patches of images (B, 3, H, W).

        What comes after the layer is not run, so that the language model costs nothing here.

        Raises:
            InputError: the model does not run the layer.
        """
        inputs = self.inputs(x, [self.pairs[0][0]] * len(x))
        try:
            with self.net.get_submodule(layer).register_forward_hook(_enough, prepend=True):
                self.net(**inputs, use_cache=False, logits_to_keep=1)
        except _Enough as reached:
            found = reached.output.float()
        else:
            raise InputError(f"method.layers: '{layer}' is not run by the model; leave it null")
        tiles, width = inputs.get("aspect_ratio_mask"), found.shape[-1]
        if tiles is not None and layer == self.projector:  # Mllama fills up to its number of tiles
            whole = found.reshape(len(x), tiles[0].numel(), -1, width)
            return whole[:, tiles[0].flatten().bool()].flatten(1, 2)
        return found.reshape(len(x), -1, width)[:, self.leading(layer) :]

    @torch.no_grad()
    def read_image(self, size: tuple[int, int]) -> None:
        """Go with an image of (height, width) as far as the language model's first layer.

        Raises what transformers does where the processor's tokens are not those that the model puts in.
        """
        inputs = self.inputs(torch.zeros(1, 3, *size), [self.pairs[0][0]])
        first = next(
            module for name, module in self.net.named_modules() if name.endswith("language_model.layers.0")
        )

        def stop(module: nn.Module, arguments: Any) -> None:
            raise _Enough(arguments[0])

        with suppress(_Enough), first.register_forward_pre_hook(stop, prepend=True):
            self.net(**inputs, use_cache=False, logits_to_keep=1)

    def sample(self) -> Tensor:
        """(1, 3, H, W): an image of noise, of the size that the model looks at; always the same."""
        side = self.net.config.vision_config.image_size
        return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(self.device)

    @torch.no_grad()
    def reads(self, layer: str) -> bool:
        """Whether what the layer puts out for an image moves the model's answers."""
        x = self.sample()
        question, answer = self.pairs[0]

        def silence(module: nn.Module, arguments: Any, output: Any) -> Any:
            return with_main_output(output, torch.zeros_like(main_output(output)))

        plain = self.answer_logits(x, [question], [answer])[0]
        with self.net.get_submodule(layer).register_forward_hook(silence, prepend=True):
            return not torch.equal(self.answer_logits(x, [question], [answer])[0], plain)

    def export(self, folder: Path) -> None:
        """Write model/ as transformers does, for `from_pretrained`."""
        transformers_logging.disable_progress_bar()
        self.net.save_pretrained(folder / "model")
        if self.shared.processor.tokenizer.is_fast:  # its file would hold how it was last used
            self.shared.processor.tokenizer.backend_tokenizer.no_padding()
        self.shared.processor.save_pretrained(folder / "model")


class _Enough(Exception):
    def __init__(self, output: Tensor):
        self.output = output


def _enough(module: nn.Module, arguments: Any, output: Any) -> None:
    raise _Enough(main_output(output))


class Shared:
    """What no method changes, so that copies of a model hold it together."""

    def __init__(self, processor: Any, classes: Sequence[str]):
        self.processor = processor
        processor.tokenizer.padding_side = "left"
        if not processor.chat_template:
            raise InputError(
                "model.chat_template: the model's processor brings none, which says where question and image "
                "stand; give one (Jinja), or a folder with chat_template.jinja"
            )
        self.size = one_size(processor.image_processor)
        """Images of it are not scaled and cropped again."""
        self.pairs = [(one, other) for one, other in (name.split(SEPARATOR) for name in classes)]
        self.prompts: dict[tuple[str, bool], str] = {}
        self.numbers: dict[str, list[int]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Shared:
        return self

    def prompt(self, question: str, shows: bool = True) -> str:
        """The question in the model's own format, up to where an answer starts; `shows`: after an image."""
        if (question, shows) not in self.prompts:
            content = [{"type": "image"}] * shows + [{"type": "text", "text": question}]
            self.prompts[question, shows] = self.processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True
            )
        return self.prompts[question, shows]

    def starts(self, prompt: str) -> bool:
        """Whether the template has put the tokenizer's first token there itself, as Llama 3.2's does."""
        start = self.processor.tokenizer.bos_token
        return start is not None and start in prompt

    def tokens(self, answers: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Tokens (B, A) of the answers and their end, filled up on the right; mask (B, A) bool."""
        tokenizer = self.processor.tokenizer
        for answer in dict.fromkeys(answers):
            if answer not in self.numbers:
                numbers = tokenizer(answer, add_special_tokens=False).input_ids
                self.numbers[answer] = [*numbers, tokenizer.eos_token_id]
        rows = [self.numbers[answer] for answer in answers]
        parts = [torch.tensor(row) for row in rows]
        tokens = nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=tokenizer.pad_token_id)
        mask = torch.arange(tokens.shape[1]) < torch.tensor([len(row) for row in rows])[:, None]
        return tokens, mask


def likelihood(logits: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """−log p of the tokens under mask, summed, and their number; both (B,)."""
    each = F.cross_entropy(logits.transpose(1, 2), tokens, reduction="none")
    return (each * mask).sum(1), mask.sum(1)


_: type[WithActivations] = VisionLanguage  # what it claims, mypy verifies
