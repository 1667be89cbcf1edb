"""A classifier in the formats of other libraries."""

import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from math import floor, nextafter
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import save_for_hf
from torch import Tensor, nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.transformers_models import PixelLogits
from unlearn_cli.models.exported import Formats, write_state
from unlearn_cli.storage.files import replacing

BATCH = {0: "batch"}


def _torch(model: nn.Module, place: Path, images: ImageSpec) -> None:
    write_state(_network(model), place, _told(model, images))


def _timm(model: nn.Module, place: Path, images: ImageSpec) -> None:
    net: Any = _network(model)
    if not hasattr(net, "pretrained_cfg"):
        raise InputError("export: --to timm is for models of timm, and this is none; --to torch takes any")
    if not _is_timms(net, images):
        raise InputError(
            f"export: --to timm: by the name {net.pretrained_cfg['architecture']} timm builds another "
            "network than this form of it (model.stem=cifar, model.options); use --to torch"
        )
    told = _told(model, images)
    given = {"mean": told["mean"], "std": told["std"], "input_size": [images.channels, *images.size]}
    shaped = _shaping(images.preprocessing or {"resize": images.size[0], "interpolation": "bilinear"})
    net.pretrained_cfg = {**net.pretrained_cfg, **given, **shaped, "num_classes": len(images.classes)}
    net.num_classes = len(images.classes)
    save_for_hf(net, str(place), {"label_names": [*images.classes]}, safe_serialization=True)


def _shaping(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """What timm's transform for evaluation is to be told for the same pixels. InputError: it cannot be."""
    if "timm" in recorded:
        return {name: recorded["timm"][name] for name in ("crop_pct", "crop_mode", "interpolation")}
    resize, crop = recorded.get("resize"), recorded.get("crop")
    if resize is None or (isinstance(resize, Sequence) and crop is not None):
        raise InputError(
            "export: --to timm: timm cuts a part out of a picture that it has scaled, keeping its shape, and "
            "model.input says otherwise; use --to torch"
        )
    share = 1.0 if crop is None else crop / resize
    if crop is not None and floor(crop / share) < resize:  # by the last bit
        share = nextafter(share, 0.0)
    mode = "squash" if isinstance(resize, Sequence) else "center"
    return {"crop_pct": share, "crop_mode": mode, "interpolation": recorded["interpolation"]}


def _is_timms(net: Any, images: ImageSpec) -> bool:
    """Whether timm would build the same network by its name, whatever its weights."""
    fixed: dict[str, Any] = {"img_size": images.size} if net.pretrained_cfg.get("fixed_input_size") else {}
    with torch.device("meta"):
        again = timm.create_model(
            net.pretrained_cfg["architecture"],
            num_classes=len(images.classes),
            in_chans=images.channels,
            **fixed,
        )
    own, theirs = ({k: v.shape for k, v in one.state_dict().items()} for one in (net, again))
    return own == theirs


def _transformers(model: nn.Module, place: Path, images: ImageSpec) -> None:
    net = getattr(model, "net", None)
    if not isinstance(net, PixelLogits):
        raise InputError(
            "export: --to transformers is for models of transformers, and this is none; --to torch takes any"
        )
    net.save(place)


def _onnx(model: nn.Module, place: Path, images: ImageSpec) -> None:
    """From pixels in [0, 1] to logits, normalisation included; any number of images at once."""
    if find_spec("onnx") is None:
        raise InputError("export: --to onnx needs the package onnx, which is not installed: pip install onnx")
    pixels = torch.zeros(1, images.channels, *images.size, device=next(model.parameters()).device)
    try:
        with replacing(place) as temporary, warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", torch.jit.TracerWarning
            )  # but for the batch, sizes are to be fixed
            torch.onnx.export(
                model,
                (pixels,),
                temporary,
                input_names=["pixels"],
                output_names=["logits"],
                dynamic_axes={"pixels": BATCH, "logits": BATCH},
                dynamo=False,
            )
    except (RuntimeError, torch.onnx.OnnxExporterError) as error:
        raise InputError(f"export: --to onnx: {in_a_line(error)}; use --to torch") from error


def _network(model: nn.Module) -> nn.Module:
    """Without our normalisation, and without what makes another library's outputs logits."""
    net = model.net if isinstance(model, Normalised) else model
    return net.inner if isinstance(net, PixelLogits) else net


def _told(model: nn.Module, images: ImageSpec) -> Mapping[str, Any]:
    """How the network is to be fed: (pixels in [0, 1] - mean) / std, and what its outputs are."""
    own = model if isinstance(model, Normalised) else None
    return {
        "classes": [*images.classes],
        "channels": images.channels,
        "size": [*images.size],
        "mean": _numbers(own.mean) if own else None,
        "std": _numbers(own.std) if own else None,
        "preprocessing": images.preprocessing,
        "resize_inside": [*own.resize] if own and own.resize else None,
    }


def _numbers(values: Tensor) -> list[float]:
    """As they were given: of the numbers that are these in fp32 the shortest."""
    return [float(str(value)) for value in values.flatten().cpu().numpy()]


FORMATS: Formats = {
    "torch": (_torch, ".pt"),
    "timm": (_timm, ""),
    "transformers": (_transformers, ""),
    "onnx": (_onnx, ".onnx"),
}
