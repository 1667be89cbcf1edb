"""A LLaVA small enough to be trained from nothing on a CPU, of transformers' own classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.questions import SEPARATOR
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import AnyModel
from unlearn_cli.models.patches import check_patches
from unlearn_cli.models.vlm.vision_language import VisionLanguage

PAD, END, UNKNOWN, IMAGE = "<pad>", "<end>", "<unknown>", "<image>"
TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{{ '<image> ' if part['type'] == 'image' else part['text'] }}{% endfor %}{% endfor %} :"
)


class TinyVlm(AnyModel):
    """A CLIP vision tower, a projector and a Llama, trained together on the questions (task=vlm)."""

    tasks: ClassVar[tuple[str, ...]] = ("vlm",)
    takes_colour: ClassVar[bool] = True

    patch_size: int = Field(gt=0, description="pixels of a patch's side; divides that of the images")
    width: int = Field(gt=0, description="width of vision tower and language model")
    heads: int = Field(gt=0, description="attention heads of both; divides `width`")
    layers: int = Field(gt=1, description="blocks of the vision tower, the last of which is not read")
    text_layers: int = Field(gt=0, description="blocks of the language model")
    tokens: int = Field(gt=2, description="longest image, question and answer together, in tokens")
    words: tuple[str, ...] = Field(description="texts whose words it knows beside the data's")

    def build(self, images: ImageSpec) -> VisionLanguage:
        """As `ModelSettings.build`. InputError: patches, heads or texts that do not fit."""
        check_patches(images.channels, images.size, self.patch_size, "LLaVA")
        if self.width % self.heads:
            raise InputError(
                f"model.heads: {self.heads} does not divide model.width={self.width}; give a divisor"
            )
        texts = [part for name in images.classes for part in name.split(SEPARATOR)]
        height, width = images.size
        longest = max(len(name.split()) for name in images.classes) + (height // self.patch_size) ** 2 + 2
        if longest > self.tokens:
            raise InputError(
                f"model.tokens: {self.tokens}, but image, question and answer take {longest}; give as many"
            )
        tokenizer = word_tokenizer([*texts, *self.words])
        sizes: Any = {
            "hidden_size": self.width,
            "intermediate_size": 2 * self.width,
            "num_attention_heads": self.heads,
        }
        vision = CLIPVisionConfig(
            **sizes, num_hidden_layers=self.layers, image_size=height, patch_size=self.patch_size
        )
        ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
        text = LlamaConfig(
            **sizes,
            **ends,
            bos_token_id=None,
            num_hidden_layers=self.text_layers,
            vocab_size=len(tokenizer),
            max_position_embeddings=self.tokens,
        )
        image_token: Any = {"image_token_id": tokenizer.convert_tokens_to_ids(IMAGE)}
        config = LlavaConfig(
            vision_config=vision, text_config=text, vision_feature_layer=-2, **image_token, **ends
        )
        side: Any = {"height": height, "width": width}
        image_processor = CLIPImageProcessor(
            do_resize=False,
            do_center_crop=False,
            size=side,
            crop_size=side,
            image_mean=list(images.mean),
            image_std=list(images.std),
        )
        processor = LlavaProcessor(
            image_processor,
            tokenizer,
            patch_size=self.patch_size,
            vision_feature_select_strategy="default",
            num_additional_image_tokens=1,
            chat_template=TEMPLATE,
        )
        return VisionLanguage(LlavaForConditionalGeneration(config), processor, images.classes)


def word_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """One token for each word, in the order of the alphabet."""
    words = sorted({word for text in texts for word in [*text.split(), ":"]})
    vocabulary = {word: number for number, word in enumerate([PAD, END, UNKNOWN, IMAGE, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special: Any = {"image_token": IMAGE}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        padding_side="left",
        extra_special_tokens=special,
    )
