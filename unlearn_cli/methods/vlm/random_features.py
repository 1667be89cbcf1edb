"""Random features: SAUCE with any features in place of the concept's, moved as far as those are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from unlearn_cli.data.splits import Sets
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import RunError
from unlearn_cli.methods.vlm.intervention import InterventionTask
from unlearn_cli.methods.vlm.sauce import Sauce
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.training.trainer import Trainer


class RandomFeatures(Sauce):
    """z'_i = γ'·z_i for k random features that fire on the concept, γ' such that E‖x' − x‖ is SAUCE's.

    The control of SAUCE's claim: that it is these features, not any change of that size.
    """

    def trials(
        self,
        task: InterventionTask,
        model: VisionLanguage,
        concept: Substitution,
        layer: str,
        sets: Sets,
        trainer: Trainer,
    ) -> Iterator[tuple[dict[str, Any], nn.Module]]:
        sae = self.autoencoder(model, layer, sets, trainer)
        rows = self.example_rows(concept, sets, trainer)["on"]
        tally = self.tally(sae, self.activations(model, layer, rows, trainer))
        trainer.seeded("random features", concept.concept)
        for settings, module in super().trials(task, model, concept, layer, sets, trainer):
            alive = tally.active[0].nonzero().squeeze(1)
            others = alive[torch.randperm(len(alive))[: settings["k"]].to(alive.device)]
            plain = self.edited(sae, others, 0.0, tally.mean[0])
            wanted, given = (self.length(model, layer, one, rows, trainer) for one in (module, plain))
            if not given:
                raise RunError(
                    f"random_features: no feature fires on '{concept.concept}'; see method.dictionary"
                )
            plain.edit.factor.fill_(1 - wanted / given)
            yield settings, plain

    @torch.no_grad()
    def length(
        self, model: VisionLanguage, layer: str, module: nn.Module, rows: Any, trainer: Trainer
    ) -> float:
        """E‖x' − x‖ over the tokens of the rows' images."""
        parts = [module(x).norm(dim=-1).flatten() for x in self.activations(model, layer, rows, trainer)]
        return float(torch.cat(parts).mean())
