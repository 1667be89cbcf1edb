"""A CLIP of open_clip as a classifier: an image belongs to the class whose text is nearest to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import WithAdapter
from unlearn_cli.models.clip.tokenizer import Shared
from unlearn_cli.models.memory import Memory
from unlearn_cli.storage.files import write_json
from unlearn_cli.storage.tensors import write_tensors

log = logging.getLogger("unlearn")

LARGEST_SCALE = 100.0  # of the logits: CLIP's own limit
CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
"""The files of open_clip's local-directory format."""


class Adapter(nn.Module):
    """What a method attaches to a CLIP beside its weights; this one changes nothing.

    Its tensors are the model's under `adapter.`; a method that trains nothing else keeps nothing else.
    """

    def on_images(self, visual: nn.Module) -> AbstractContextManager[object]:
        """Hooks on the vision tower, there for as long as the context lasts."""
        return nullcontext()

    def texts(self, model: ZeroShotClip, images: Tensor) -> Tensor:
        """Normalised class embeddings: (C, E), or (B, C, E) where they depend on the images' own (B, E)."""
        return model.class_features()

    def logits(self, model: ZeroShotClip, images: Tensor) -> Tensor:
        """(B, C) of normalised image embeddings (B, E)."""
        return model.scaled(images, self.texts(model, images))


class ZeroShotClip(nn.Module):
    """Images (B, 3, H, W) in [0, 1] to logits s·f(x)·t_c (B, C), f(x) and t_c embeddings of length 1.

    `clip` is open_clip's model: images are brought to its size and normalised here. t_c is the embedding of
    `template` with the class for {}, s = exp(logit_scale). `adapter` is what a method has attached.
    """

    trained_by_default: ClassVar[str] = r"^clip\.visual\."
    """What methods train unless `method.parameters` says otherwise: the vision tower."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        clip: Any,
        tokenizer: Any,
        classes: Sequence[str],
        template: str,
        preprocessing: Mapping[str, Any],
        architecture: dict[str, Any],
    ):
        super().__init__()
        self.clip = clip
        self.shared = Shared(tokenizer)
        self.classes = list(classes)
        self.template = template
        self.architecture = architecture
        self.preprocessing = dict(preprocessing)
        """Both as in open_clip's configuration files."""
        self.adapter = Adapter()
        self.departed: frozenset[str] = frozenset()  # see models/delta.py: nothing has been changed before
        for name in ("mean", "std"):
            tensor = torch.tensor(preprocessing[name], dtype=torch.float32).view(1, -1, 1, 1)
            self.register_buffer(name, tensor, persistent=False)
        self.remembered = Memory()
        """Embeddings of texts, by the text tower's weights."""

    @property
    def tokenizer(self) -> Any:
        """open_clip's, for the text tower."""
        return self.shared.tokenizer

    @property
    def visual(self) -> Any:
        """The vision tower."""
        return self.clip.visual

    @property
    def text(self) -> Any:
        """What holds the text tower's parts: the model itself, or its `text`."""
        return self.clip if hasattr(self.clip, "token_embedding") else self.clip.text

    @property
    def prompts(self) -> list[str]:
        """The text of each class."""
        return [self.prompt(name) for name in self.classes]

    def prompt(self, name: str, template: str | None = None) -> str:
        """The template with a class' name, whose underscores are spaces."""
        return (template or self.template).replace("{}", name.replace("_", " "))

    def forward(self, x: Tensor) -> Tensor:
        return self.adapter.logits(self, self.image_features(x))

    def image_features(self, x: Tensor) -> Tensor:
        """(B, E), normalised."""
        with self.adapter.on_images(self.visual):
            return F.normalize(self.clip.encode_image(self.prepared(x)).float(), dim=-1)

    def patch_features(self, x: Tensor) -> Tensor:
        """(B, patches, E), normalised: each patch's last token, projected as that of the image is."""
        seen: list[Tensor] = []
        # the adapter's hooks come first: they take its tokens away
        with (
            self.adapter.on_images(self.visual),
            self.visual.transformer.register_forward_hook(lambda _, __, out: seen.append(out)),
        ):
            self.clip.encode_image(self.prepared(x))
        tokens = self.visual.ln_post(seen[0][:, 1:])
        return F.normalize((tokens @ self.visual.proj).float(), dim=-1)

    def prepared(self, x: Tensor) -> Tensor:
        """Images as the vision tower takes them; those of a run have its size (`OpenClip.preprocessing`)."""
        size = self.visual.image_size
        size = (size, size) if isinstance(size, int) else tuple(size)
        if tuple(x.shape[-2:]) != size:
            x = F.interpolate(x, size, mode="bicubic", antialias=True).clamp(0, 1)
        return (x - self.mean) / self.std

    def class_features(self) -> Tensor:
        """(C, E), normalised: t_c as the text tower has it, without any adapter."""
        return self.text_features(self.prompts)

    def text_features(self, texts: Sequence[str]) -> Tensor:
        """(n, E), normalised; computed once for all while the text tower rests."""
        weights = self.text_weights()
        if torch.is_grad_enabled() and any(p.requires_grad for p in weights):
            return self.encode_tokens(self.tokens(texts))
        known, key = self.remembered.of(weights), tuple(texts)
        if key not in known:
            with self.reading():
                known[key] = self.encode_tokens(self.tokens(texts))
        return known[key]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is encoded in here has always the same bits, so that a resumed run remembers the same.

        No gradient, eval mode; and no weight of the text tower asks for one: PyTorch takes other paths then.
        """
        training, asking = self.clip.training, [p for p in self.text_weights() if p.requires_grad]
        for weight in asking:
            weight.requires_grad_(False)
        self.clip.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.clip.train(training)
            for weight in asking:
                weight.requires_grad_(True)

    def text_weights(self) -> list[nn.Parameter]:
        """The parameters of everything but the vision tower, the adapter and the logits' scale."""
        skipped = ("visual.", "logit_scale", "logit_bias")
        return [p for name, p in self.clip.named_parameters() if not name.startswith(skipped)]

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """(n, L) int64; what is longer is cut off."""
        return self.tokenizer(list(texts)).to(self.mean.device)

    def token_counts(self, texts: Sequence[str], context: int | None = None) -> Tensor:
        """(n,): tokens of the texts up to the last that does not fill up; CLIPA's put no end there.

        context: length that they are filled up to, or cut to; None: the text tower's.
        """
        tokens = self.tokenizer([*texts, ""], context_length=context)
        places = torch.arange(1, tokens.shape[1] + 1)
        return ((tokens != tokens[-1, -1]) * places).amax(1)[:-1]

    def are_cut(self, texts: Sequence[str]) -> Tensor:
        """(n,) bool: the text tower does not see their end."""
        length = self.tokenizer([""]).shape[1]
        return self.token_counts(texts, 2 * length) > self.token_counts(texts, length)

    def tell_texts(self) -> None:
        """Say, once in a process, which classes' texts are cut or the same to the text tower."""
        cut = [name for name, is_cut in zip(self.classes, self.are_cut(self.prompts), strict=True) if is_cut]
        by_tokens: dict[tuple[int, ...], list[str]] = {}
        for name, row in zip(self.classes, self.tokens(self.prompts).tolist(), strict=True):
            by_tokens.setdefault(tuple(row), []).append(name)
        _tell_texts(tuple(cut), tuple(tuple(names) for names in by_tokens.values() if len(names) > 1))

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """(n, E), normalised."""
        return F.normalize(self.clip.encode_text(tokens).float(), dim=-1)

    def scaled(self, images: Tensor, texts: Tensor) -> Tensor:
        """s·f·t (+ b, where the model has one): (B, C) of (B, E) and (C, E) or (B, C, E)."""
        scale = self.clip.logit_scale.exp().clamp(max=LARGEST_SCALE)
        found = scale * torch.einsum("be,bce->bc" if texts.ndim == 3 else "be,ce->bc", images, texts)
        return found if self.clip.logit_bias is None else found + self.clip.logit_bias

    def export(self, folder: Path) -> None:
        """Write open_clip/ for open_clip's `create_model("local-dir:…")` and `model=clip model.name=…`."""
        folder = folder / "open_clip"
        write_tensors(folder / WEIGHTS, {k: v.contiguous() for k, v in self.clip.state_dict().items()})
        write_json(folder / CONFIG, {"model_cfg": self.architecture, "preprocess_cfg": self.preprocessing})


@lru_cache
def _tell_texts(cut: tuple[str, ...], same: tuple[tuple[str, ...], ...]) -> None:
    if cut:
        log.warning(
            "model: the texts of %d classes are longer than the text tower reads; their end has no effect "
            "(first: '%s')",
            *(len(cut), cut[0]),
        )
    for names in same:
        log.warning("model: the classes %s are one text to the text tower", " and ".join(map(repr, names)))


def check_template(template: str) -> str:
    """The template. InputError if it has not one place for the class."""
    if template.count("{}") != 1:
        raise InputError(
            f"model.template: '{template}' has not one {{}} for the class, as 'a photo of a {{}}.' has"
        )
    return template


_: type[WithAdapter] = ZeroShotClip  # what it claims, mypy verifies
