"""Gradient surgery: what would undo keeping is taken out of the forgetting gradient."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError

RETAIN = "retain"
"""The loss term whose gradient is protected."""


class NoSurgery(Settings):
    """The terms' gradients are added."""

    def check(self, precision: str) -> None:
        """As `Surgery.check`; any precision will do."""

    def build(self) -> None:
        """No surgeon."""


class Surgery(Settings):
    """DoCo's concept-preserving gradient (AAAI 2025), a PCGrad (Yu et al., NeurIPS 2020) with one side.

    Of g_f, the gradient of all other terms, and g_r, that of the term "retain": where ⟨g_f, g_r⟩ < 0,

        exact:    g_f ← g_f − ⟨g_f, ĝ_r⟩·ĝ_r           orthogonal to g_r
        release:  g_f ← g_f − λ·cos(g_f, g_r)·ĝ_r       without ‖g_f‖: as that is far below 1 after clipping,
                                                        a step towards keeping is left over

    with ĝ_r = g_r/‖g_r‖. The step is along g_f + `retain_weight`·g_r; the release does not add g_r.
    """

    granularity: Literal["tensor", "layer", "global"] = Field(
        description="what is compared: each parameter tensor (release), each module's, or all as one vector"
    )
    projection: Literal["exact", "release"] = Field(
        description="exact: orthogonal to the retain gradient; release: DoCo's code, which leaves a step "
        "towards keeping over"
    )
    strength: float = Field(gt=0, description="λ of the release's projection")
    retain_weight: float = Field(ge=0, description="how much of the retain gradient is added to the step")
    clip_norm: float | None = Field(
        gt=0, description="each of the two gradients is clipped to this norm first (release: 1); null = not"
    )

    def check(self, precision: str) -> None:
        """Called before anything is written. InputError in fp16, whose gradients need scaling."""
        if precision == "fp16":
            raise InputError("surgery: its two gradients need the range of bf16 or fp32; set precision=bf16")

    def build(self) -> "Surgery":
        """What a trainer is given."""
        return self

    def combined(
        self, terms: Mapping[str, Tensor], named: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The gradient to step along, by parameter, and how much conflict there was.

        Raises:
            InputError: the method has no retain term, or nothing but that.
        """
        forget = [term for name, term in terms.items() if name != RETAIN]
        if RETAIN not in terms or not forget:
            raise InputError(
                "surgery: it needs a method with a term for forgetting and one for retaining; "
                "use surgery=none"
            )
        parameters = list(named.values())
        kept = self._gradient(terms[RETAIN], parameters, more=True)
        gone = self._gradient(torch.stack([term.float() for term in forget]).sum(), parameters, more=False)
        conflicts, cosines = [], []
        for places in self._groups(list(named)):
            f = torch.cat([gone[i].flatten() for i in places])
            r = torch.cat([kept[i].flatten() for i in places])
            # in double: of two long vectors that nearly cancel, float32 leaves no orthogonal rest
            inner = f.double() @ r.double()
            norms = f.double().norm() * r.double().norm()
            cosine = torch.where(norms > 0, inner / norms, 0.0)
            length = f.double().norm() if self.projection == "exact" else self.strength
            scale = torch.where(cosine < 0, length * cosine / r.double().norm().clamp(min=1e-300), 0.0)
            for i in places:
                gone[i] = gone[i] - scale.to(gone[i].dtype) * kept[i]
            conflicts.append((cosine < 0).float())
            cosines.append(cosine.float())
        step = [f + self.retain_weight * r for f, r in zip(gone, kept, strict=True)]
        return step, {"conflict": torch.stack(conflicts).mean(), "cosine": torch.stack(cosines).mean()}

    def _gradient(self, loss: Tensor, parameters: Sequence[Tensor], more: bool) -> list[Tensor]:
        parts = torch.autograd.grad(loss, parameters, retain_graph=more, materialize_grads=True)
        found = [part.float() for part in parts]
        if self.clip_norm:
            norm = torch.stack([part.norm() for part in found]).norm()
            found = [part * (self.clip_norm / norm.clamp(min=self.clip_norm)) for part in found]
        return found

    def _groups(self, names: Sequence[str]) -> list[list[int]]:
        """Positions of the parameters that are compared together."""
        if self.granularity == "global":
            return [list(range(len(names)))]
        if self.granularity == "tensor":
            return [[i] for i in range(len(names))]
        modules: dict[str, list[int]] = {}
        for i, name in enumerate(names):
            modules.setdefault(name.rpartition(".")[0], []).append(i)
        return list(modules.values())
