"""MANU: MLP neurons that matter more to what is forgotten than to the rest are silenced."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.rows import spread
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.methods.edited import write
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.tasks.verbs.vlm import HasLikelihoods
from unlearn_cli.training.trainer import Trainer

EPSILON = 1e-6


class MANU(Unlearning):
    """The ⌈α·N⌉ neurons with the largest S = I(D_f)/(I(D_r) + ε) are zeroed (Liu et al., ACL 2025).

    Of a neuron's activation a over all tokens, in passes with the image (m) and with the text alone (t):

        I = |Z_m − Z_t|/(Z_m + Z_t + ε) + |F_m − F_t|/(F_m + F_t + ε)
            + √(V_m + V_t) + √(|Q_m − Q_t|/(Q_m + Q_t + ε))

    Z = E|a|, F = P(|a| > τ), V = Var|a|, Q = E[a²]. The N neurons are the hidden ones of all MLPs of language
    model and vision tower; the latter's rest without an image. A neuron's weights on its way in and out
    become 0; nothing is trained. Re-derived from descriptions of the paper: its code has not been seen.
    """

    needs: ClassVar[type] = HasLikelihoods

    fraction: float = Field(gt=0, lt=1, description="α; the paper's best is 0.03")
    threshold: float = Field(ge=0, description="τ, above which a neuron counts as active")
    samples: int = Field(gt=0, description="rows of each set that are looked at, evenly spread")

    def unlearn(self, task: HasLikelihoods, model: VisionLanguage, sets: Sets, trainer: Trainer) -> nn.Module:
        layers = mlps(model)
        forget, retain = (
            self.importance(task, model, layers, spread(rows, self.samples), trainer)
            for rows in (sets.forget, sets.retain)
        )
        scores = forget / (retain + EPSILON)
        silent = torch.zeros_like(scores, dtype=torch.bool)
        silent[scores.topk(math.ceil(self.fraction * len(scores))).indices] = True
        widths = [mlp.last.in_features for mlp in layers.values()]
        for (name, mlp), part in zip(layers.items(), silent.split(widths), strict=True):
            write(model, mlp.without(name, part), trainer.mask)
        return model

    def importance(
        self,
        task: HasLikelihoods,
        model: VisionLanguage,
        layers: dict[str, MLP],
        rows: np.ndarray,
        trainer: Trainer,
    ) -> Tensor:
        """I of every neuron (N,) float64, in the order of the layers."""
        m, t = (
            self.activity(verb, model, layers, rows, trainer)
            for verb in (task.likelihoods, task.likelihoods_unseen)
        )
        apart = (m - t).abs() / (m + t + EPSILON)
        z, f, _, q = apart
        variance = (m + t)[2]
        return z + f + variance.sqrt() + q.sqrt()

    @torch.no_grad()
    def activity(
        self,
        verb: Callable[[nn.Module, Batch], object],
        model: VisionLanguage,
        layers: dict[str, MLP],
        rows: np.ndarray,
        trainer: Trainer,
    ) -> Tensor:
        """Z, F, V and Q of every neuron (4, N), float64, padding left out; of a layer that is not run 0."""
        model.eval()
        words = set(model.net.get_decoder().modules())
        sums = {name: torch.zeros(3, mlp.last.in_features).double() for name, mlp in layers.items()}
        counts = dict.fromkeys(layers, 0)
        attention: list[Tensor] = []

        def look(name: str, a: Tensor) -> None:
            if layers[name].last in words:
                a = a[attention[-1].bool()]
            a = a.flatten(0, -2).abs().double()
            sums[name] += torch.stack([a.sum(0), (a > self.threshold).double().sum(0), (a * a).sum(0)]).cpu()
            counts[name] += len(a)

        with ExitStack() as hooks:
            hooks.enter_context(
                model.net.register_forward_pre_hook(
                    lambda module, args, kwargs: attention.append(kwargs["attention_mask"]), with_kwargs=True
                )
            )
            for name, mlp in layers.items():
                hooks.enter_context(
                    mlp.last.register_forward_pre_hook(lambda module, args, name=name: look(name, args[0]))
                )
            for batch in trainer.batches(rows, 32):
                with trainer.autocast():
                    verb(model, batch)
        trainer.count_passes(len(rows), 0)
        means = torch.cat([sums[name] / max(1, counts[name]) for name in layers], dim=1)
        z, f, q = means
        return torch.stack([z, f, (q - z * z).clamp(min=0), q])


@dataclass(frozen=True)
class MLP:
    """Linear layers with what a neuron reads, and the one with what it writes."""

    entries: dict[str, Any]
    last: Any
    last_name: str

    def without(self, name: str, silent: Tensor) -> dict[str, Tensor]:
        """The weights by parameter name, in the model, with silent neurons (n,) bool at 0."""
        kept = (~silent).to(self.last.weight.device)
        weights = {f"{name}.{self.last_name}.weight": self.last.weight * kept}
        for entry, layer in self.entries.items():
            weights[f"{name}.{entry}.weight"] = layer.weight * kept[:, None]
            if layer.bias is not None:
                weights[f"{name}.{entry}.bias"] = layer.bias * kept
        return weights


def mlps(model: nn.Module) -> dict[str, MLP]:
    """The MLPs of a model of transformers by name: those of CLIP (fc1, fc2) and of Llama (gate, up, down)."""
    found = {}
    for name, module in model.named_modules():
        for entries, last in ((("fc1",), "fc2"), (("gate_proj", "up_proj"), "down_proj")):
            if all(isinstance(getattr(module, part, None), nn.Linear) for part in (*entries, last)):
                layers = {part: getattr(module, part) for part in entries}
                found[name] = MLP(layers, getattr(module, last), last)
    return found
