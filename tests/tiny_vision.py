"""Small networks with random weights, saved as OpenCLIP and transformers save theirs."""

import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file
from transformers import ResNetConfig, ResNetForImageClassification, ViTImageProcessor

SIZE = 16
CLIP = {
    "embed_dim": 8,
    "vision_cfg": {"image_size": SIZE, "patch_size": 8, "layers": 1, "width": 8, "head_width": 4},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}


def saved_clip(folder: Path, sign: int = 1) -> Path:
    """The folder of an OpenCLIP model, its weights in open_clip_model.safetensors.

    sign: −1 = the same model but for the sign of every cosine.
    """
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    states = open_clip.CLIP(**CLIP).state_dict()
    states["text_projection"] *= sign
    save_file(states, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CLIP, "preprocess_cfg": {}}))
    return folder


def saved_classifier(folder: Path, labels: list[str]) -> Path:
    """The folder of an image classifier with these labels, and of its processor."""
    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 12],
        depths=[1, 1],
        layer_type="basic",
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    ResNetForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": SIZE, "width": SIZE}).save_pretrained(folder)
    return folder
