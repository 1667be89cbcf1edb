"""What LLaVA's processor has to know of its model: how many tokens stand for an image."""

from pathlib import Path
from typing import Any

from transformers import LlavaProcessor

from unlearn_cli.storage.files import read_json

RECORD = "processor_config.json"
ADDITIONAL = "num_additional_image_tokens"
TOWERS_WITH_A_CLASS_TOKEN = ("clip_vision_model",)


def complete_processor(processor: Any, config: Any, folder: Path) -> None:
    """Values that the folder's processor does not bring (those of 2023 to 2025) are taken from the model's.

    Of the number of additional tokens, 0 is what transformers takes if a folder says nothing.
    """
    if not isinstance(processor, LlavaProcessor):
        return
    if processor.patch_size is None:
        processor.patch_size = config.vision_config.patch_size
    if processor.vision_feature_select_strategy is None:
        processor.vision_feature_select_strategy = config.vision_feature_select_strategy
    record = read_json(folder / RECORD) if (folder / RECORD).is_file() else {}
    if record.get(ADDITIONAL) is None:
        has_class_token = config.vision_config.model_type in TOWERS_WITH_A_CLASS_TOKEN
        processor.num_additional_image_tokens = int(has_class_token)
