"""Folders of LLaVA's and Llama-3.2-Vision's own layouts with small random weights."""

from pathlib import Path

import torch
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    MllamaConfig,
    MllamaForConditionalGeneration,
    MllamaImageProcessor,
    MllamaProcessor,
    PreTrainedTokenizerFast,
)

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.questions import SEPARATOR
from unlearn_cli.models.vlm.pretrained_vlm import PretrainedVlm
from unlearn_cli.models.vlm.tiny_vlm import END, IMAGE, PAD, word_tokenizer
from unlearn_cli.models.vlm.vision_language import VisionLanguage, likelihood

PAIRS = [
    ("what colour is it ?", "red"),
    ("what colour is it ?", "blue"),
    ("describe the picture .", "a red circle on a plain background"),
    ("describe the picture .", "a blue square"),
]
CLASSES = [SEPARATOR.join(pair) for pair in PAIRS]
START, TILED_IMAGE = "<start>", "<|image|>"
SIDE, PATCH, WIDTH, LENGTH = 16, 8, 16, 48
"""Pixels of the side of LLaVA's image and of Mllama's tile; ...; longest text, images included."""
TURN = (
    "{{% for message in messages %}}{{{{ '{before}' }}}}{{% for part in message['content'] %}}"
    "{{{{ '{image} ' if part['type'] == 'image' else part['text'] }}}}{{% endfor %}}{{% endfor %}} :"
)
LLAVA_TURN = TURN.format(before="user ", image=IMAGE)
MLLAMA_TURN = TURN.format(before=f"{START} user ", image=TILED_IMAGE)
"""Llama-3.2-Vision's template starts the text itself, LLaVA's leaves that to the tokenizer."""
VALUES = {
    "revision": None,
    "dtype": "fp32",
    "device_map": None,
    "quantise": None,
    "chat_template": None,
    "gradient_checkpointing": False,
    "delta": None,
}
SIZES = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_attention_heads": 2}


def llava_folder(path: Path, seed: int = 0) -> Path:
    """The folder, with a LLaVA in it: 16 x 16 pixels, 4 patches, the vision tower's layer 2 of 3 is read."""
    torch.manual_seed(seed)
    tokenizer = _tokenizer(IMAGE)
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**SIZES, num_hidden_layers=3, image_size=SIDE, patch_size=PATCH),
        text_config=LlamaConfig(
            **SIZES,
            **ends,
            num_hidden_layers=2,
            vocab_size=len(tokenizer),
            max_position_embeddings=LENGTH,
        ),
        image_token_id=tokenizer.image_token_id,
        vision_feature_layer=-2,
    )
    images = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    processor = LlavaProcessor(
        images,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TURN,
    )
    return _saved(path, LlavaForConditionalGeneration(config), processor)


def mllama_folder(path: Path, seed: int = 0) -> Path:
    """The folder, with a Mllama in it: up to 4 tiles of 16 x 16 pixels, cross-attention in layer 1 of 3.

    Its gates are open, which are closed (0) in a fresh one, so that text can see images.
    """
    torch.manual_seed(seed)
    tokenizer = _tokenizer(TILED_IMAGE)
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = MllamaConfig(
        vision_config={
            "hidden_size": WIDTH,
            "intermediate_size": 2 * WIDTH,
            "attention_heads": 2,
            "num_hidden_layers": 3,
            "num_global_layers": 1,
            "intermediate_layers_indices": [0, 1],
            "vision_output_dim": 3 * WIDTH,
            "image_size": SIDE,
            "patch_size": PATCH,
            "max_num_tiles": 4,
        },
        text_config={
            **SIZES,
            **ends,
            "num_hidden_layers": 3,
            "num_key_value_heads": 1,
            "cross_attention_layers": [1],
            "vocab_size": len(tokenizer),
            "max_position_embeddings": LENGTH,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        },
        image_token_index=tokenizer.image_token_id,
    )
    net = MllamaForConditionalGeneration(config)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if "gate" in name.rpartition(".")[2]:
                parameter.fill_(0.5)
    images = MllamaImageProcessor(size={"height": SIDE, "width": SIDE}, max_image_tiles=4)
    return _saved(path, net, MllamaProcessor(images, tokenizer, chat_template=MLLAMA_TURN))


def settings(folder: Path | str, **changes) -> PretrainedVlm:
    return PretrainedVlm(**VALUES | {"path": str(folder)} | changes)


def built(folder: Path | str, size: tuple[int, int] = (SIDE, SIDE), **changes) -> VisionLanguage:
    """The model of a folder for PAIRS, for images of that height and width."""
    return settings(folder, **changes).build(ImageSpec(CLASSES, 3, size, [0.5] * 3, [0.5] * 3)).eval()


def nll(model: VisionLanguage, *texts) -> tuple[torch.Tensor, torch.Tensor]:
    """−log p of the answers, and their numbers of tokens; both (B,)."""
    return likelihood(*model.answer_logits(*texts))


def _tokenizer(image: str) -> PreTrainedTokenizerFast:
    """Words, and a start that the tokenizer itself puts in front, as Llama's do."""
    texts = [text for pair in PAIRS for text in pair]
    words = word_tokenizer([*texts, "user", "please", START, TILED_IMAGE])
    raw = words.backend_tokenizer
    start = raw.token_to_id(START)
    raw.post_processor = TemplateProcessing(single=f"{START} $A", special_tokens=[(START, start)])
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens={"image_token": image},
    )


def _saved(path: Path, net, processor) -> Path:
    net.save_pretrained(path)
    processor.save_pretrained(path)
    return path
