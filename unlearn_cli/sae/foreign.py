"""Sparse autoencoders trained with other libraries, read as plain tensors.

They know no mean and scale of the activations (0 and 1 here). The decoder's columns are brought to length 1,
and z to longer values, where that changes nothing else: relu and jumprelu, whose latents do not compete. The
others keep their columns (both libraries that have them train with length 1).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from unlearn_cli.errors import InputError, did_you_mean, in_a_line
from unlearn_cli.models.state_dict import read_state_dict
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder
from unlearn_cli.storage.files import read_json

CHECKPOINTS = "checkpoints"
DEAD_AFTER = 10_000_000  # tokens; the libraries' own


@dataclass
class Read:
    """x̂ = W_d activation(W_e (x − b) + b_e) + b; `centred`: whether b is subtracted from x at all."""

    activation: Literal["topk", "batchtopk", "matryoshka", "relu", "jumprelu"]
    encoder: Tensor
    """W_e (m, d)."""
    encoder_bias: Tensor
    decoder: Tensor
    """W_d (d, m)."""
    bias: Tensor
    threshold: Tensor
    """() or, for jumprelu, (m,)."""
    k: int = 1
    centred: bool = True

    def autoencoder(self) -> SparseAutoencoder:
        """RuntimeError if the shapes do not fit one another; InputError for k beyond m."""
        norm = self.decoder.norm(dim=0)
        norm = torch.where(norm > 0, norm, 1.0) if self.activation in ("relu", "jumprelu") else torch.ones(())
        offset = 0 if self.centred else self.encoder @ self.bias
        latents, dimension = self.encoder.shape
        state = {
            "encoder.weight": self.encoder * norm.unsqueeze(-1),
            "encoder.bias": (self.encoder_bias + offset) * norm,
            "decoder.weight": self.decoder / norm,
            "bias": self.bias,
            "threshold": (self.threshold * norm if self.threshold.ndim else self.threshold).clamp(min=0),
            "mean": torch.zeros(dimension),
            "scale": torch.ones(()),
            "silent": torch.zeros(latents, dtype=torch.long),
        }
        dictionary = Dictionary(
            expansion=max(1, round(latents / dimension)),
            activation=self.activation,
            k=self.k,
            l1=0.0,
            dead_after=DEAD_AFTER,
        )
        return SparseAutoencoder.of(dictionary, state)


class Tensors(dict[str, Tensor]):
    """A file's, in single precision; each is to be taken, so that what is not understood is found."""

    def take(self, *names: str) -> list[Tensor]:
        return [self.pop(name).float() for name in names]


def load_foreign(path: Path) -> SparseAutoencoder:
    """From a folder, or its file of weights, of another library.

    dictionary_learning: `ae.pt`, or the last `ae_N.pt` there or in `checkpoints/`, and `config.json` there
    or one folder up. EleutherAI's sparsify: `sae.safetensors`, `cfg.json`. sae-lens:
    `sae_weights.safetensors`, `cfg.json`.

    On the CPU, in eval mode; nothing in the files is executed.

    Raises:
        InputError: none of these, a kind of autoencoder that is not known, or a damaged file.
    """
    folder = path if path.is_dir() else path.parent
    names = [path.name] if path.is_file() else ["ae.pt", "sae.safetensors", "sae_weights.safetensors"]
    file = next((folder / name for name in names if (folder / name).is_file()), _last_checkpoint(folder))
    if file is None:
        raise InputError(f"{path}: no sparse autoencoder there; one of {', '.join(names)} is looked for")
    if file.suffix != ".safetensors":
        read, record = dictionary_learning, "config.json"
    else:
        read, record = (sae_lens if file.name == "sae_weights.safetensors" else sparsify), "cfg.json"
    tensors = Tensors(read_state_dict(file))
    try:
        above = file.parent.parent if file.parent.name == CHECKPOINTS else file.parent
        beside = file.with_name(record)
        found = read(dict(read_json(beside if beside.is_file() else above / record)), tensors)
        if tensors:
            raise ValueError(f"tensors that are not understood: {', '.join(tensors)}")
        return found.autoencoder()
    except KeyError as error:
        raise InputError(f"{path}: as of {read.__name__}, it lacks {error}") from error
    except (OSError, ValueError, TypeError, RuntimeError, InputError) as error:
        told = in_a_line(error)
        raise InputError(f"{path}: not understood as of {read.__name__} ({told})") from error


def _last_checkpoint(folder: Path) -> Path | None:
    """The `ae_N.pt` of the largest N, in the folder or in its `checkpoints/`."""
    files = [file for place in (folder, folder / CHECKPOINTS) for file in place.glob("ae_*.pt")]
    return max(files, key=lambda file: int(re.sub(r"\D", "", file.stem) or 0), default=None)


def dictionary_learning(config: Mapping[str, Any], tensors: Tensors) -> Read:
    """`config.json` names the class, under "trainer"; only topk's k has no tensor in old files."""
    kind = config["trainer"]["dict_class"]
    if kind not in CLASSES:
        raise ValueError(f"dict_class '{kind}'; {did_you_mean(kind, CLASSES)}")
    return CLASSES[kind](config["trainer"], tensors)


def _relu(config: Mapping[str, Any], tensors: Tensors) -> Read:
    encoder, encoder_bias, decoder, bias = tensors.take(
        "encoder.weight", "encoder.bias", "decoder.weight", "bias"
    )
    return Read("relu", encoder, encoder_bias, decoder, bias, torch.zeros(()))


def _relu_uncentred(config: Mapping[str, Any], tensors: Tensors) -> Read:
    encoder, encoder_bias, decoder, bias = tensors.take(
        "encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"
    )
    return Read("relu", encoder, encoder_bias, decoder, bias, torch.zeros(()), centred=False)


def _topk(config: Mapping[str, Any], tensors: Tensors) -> Read:
    encoder, encoder_bias, decoder, bias = tensors.take(
        "encoder.weight", "encoder.bias", "decoder.weight", "b_dec"
    )
    tensors.pop("threshold", None)  # an alternative to k, which its own encoder leaves unused
    k = int(tensors.pop("k", config["k"]))
    return Read("topk", encoder, encoder_bias, decoder, bias, torch.zeros(()), k)


def _batchtopk(config: Mapping[str, Any], tensors: Tensors) -> Read:
    encoder, encoder_bias, decoder, bias, threshold, k = tensors.take(
        "encoder.weight", "encoder.bias", "decoder.weight", "b_dec", "threshold", "k"
    )
    return Read("batchtopk", encoder, encoder_bias, decoder, bias, threshold, int(k))


def _matryoshka(config: Mapping[str, Any], tensors: Tensors) -> Read:
    encoder, encoder_bias, decoder, bias, threshold, k, _ = tensors.take(
        "W_enc", "b_enc", "W_dec", "b_dec", "threshold", "k", "group_sizes"
    )  # the groups matter in training alone
    return Read("matryoshka", encoder.T, encoder_bias, decoder.T, bias, threshold, int(k))


def _jumprelu(config: Mapping[str, Any], tensors: Tensors) -> Read:
    encoder, encoder_bias, decoder, bias, threshold = tensors.take(
        "W_enc", "b_enc", "W_dec", "b_dec", "threshold"
    )
    return Read("jumprelu", encoder.T, encoder_bias, decoder.T, bias, threshold, centred=False)


CLASSES: dict[str, Callable[[Mapping[str, Any], Tensors], Read]] = {
    "AutoEncoder": _relu,
    "AutoEncoderNew": _relu_uncentred,
    "AutoEncoderTopK": _topk,
    "BatchTopKSAE": _batchtopk,
    "MatryoshkaBatchTopKSAE": _matryoshka,
    "JumpReluAutoEncoder": _jumprelu,
}
"""Of dictionary_learning."""


def sparsify(config: Mapping[str, Any], tensors: Tensors) -> Read:
    """TopK of the positive part; W_dec has the latents first."""
    if config.get("activation", "topk") != "topk":
        raise ValueError("only autoencoders with activation topk")
    _refuse(config, transcode=False, skip_connection=False, signed=False)
    encoder, encoder_bias, decoder, bias = tensors.take("encoder.weight", "encoder.bias", "W_dec", "b_dec")
    return Read("topk", encoder, encoder_bias, decoder.T, bias, torch.zeros(()), int(config["k"]))


def sae_lens(config: Mapping[str, Any], tensors: Tensors) -> Read:
    """Architectures standard, topk and jumprelu, as which it saves all that a threshold keeps sparse.

    Before version 6 the activation function stands beside the architecture, so that a `standard` one may be
    topk, and each latent may have a factor from fine-tuning. Heads that it flattens are flat here anyway.
    """
    kind = _sae_lens_activation(config)
    _refuse(config, normalize_activations="none")
    encoder, encoder_bias, decoder, bias = tensors.take("W_enc", "b_enc", "W_dec", "b_dec")
    threshold = tensors.take("threshold")[0] if kind == "jumprelu" else torch.zeros(())
    if config.get("rescale_acts_by_decoder_norm"):
        norm = decoder.norm(dim=1)
        encoder, encoder_bias, decoder = encoder * norm, encoder_bias * norm, decoder / norm.unsqueeze(1)
    if config.get("finetuning_scaling_factor"):
        decoder = decoder * tensors.take("finetuning_scaling_factor")[0].unsqueeze(1)
    return Read(
        kind,
        encoder.T,
        encoder_bias,
        decoder.T,
        bias,
        threshold,
        _sae_lens_k(config) if kind == "topk" else 1,
        centred=config["apply_b_dec_to_input"],
    )


def _sae_lens_activation(config: Mapping[str, Any]) -> Literal["relu", "topk", "jumprelu"]:
    """ValueError: an architecture, an activation function or a pair of both that is not known."""
    kind = config.get("architecture", "standard")
    known: dict[tuple[str, str], Literal["relu", "topk", "jumprelu"]] = {
        ("standard", "relu"): "relu",
        ("standard", "topk"): "topk",
        ("topk", "topk"): "topk",
        ("jumprelu", "relu"): "jumprelu",
    }
    if kind not in (names := {architecture for architecture, _ in known}):
        raise ValueError(f"architecture '{kind}'; there are: {', '.join(sorted(names))}")
    named = config.get("activation_fn_str", config.get("activation_fn"))
    function = named or ("topk" if kind == "topk" else "relu")
    if (kind, function) not in known:
        raise ValueError(f"activation_fn_str '{function}' of architecture '{kind}'")
    return known[kind, function]


def _sae_lens_k(config: Mapping[str, Any]) -> int:
    more = dict(config.get("activation_fn_kwargs") or {})
    k = more.pop("k", config.get("k"))
    if more:
        raise ValueError(f"activation_fn_kwargs '{', '.join(more)}'; only k")
    if k is None:
        raise KeyError("k")
    return int(k)


def _refuse(config: Mapping[str, Any], **plain: Any) -> None:
    """ValueError: a key that changes what the autoencoder computes is not as here, or absent or null."""
    for key, value in plain.items():
        if (given := config.get(key)) not in (None, value):
            raise ValueError(f"{key} is {given!r}; only {value!r}")
