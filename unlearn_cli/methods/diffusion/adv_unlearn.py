"""AdvUnlearn: ESD for the text encoder, against the worst prefix of each step."""

from copy import deepcopy
from dataclasses import replace
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.unconditional import check_unconditional, turned_away
from unlearn_cli.methods.diffusion.words import Erased, check_erased, erased
from unlearn_cli.models.capabilities import WithGuidedPrompts
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tasks.verbs.diffusion import HasPrompts, Noises, Underway
from unlearn_cli.training.trainer import Trainer


class AdvUnlearnTask(Noises, Underway, HasPrompts, Protocol):
    """What AdvUnlearn asks of a task."""


class AdvUnlearn(GradientMethod):
    """min_θ ‖ε_θ(x_t, t, c') − [ε*(∅) − η·(ε*(c) − ε*(∅))]‖² + w·‖ε_θ(z_t, t, c_r) − ε*(z_t, t, c_r)‖².

    Zhang et al., NeurIPS 2024, with c' = argmin E ‖ε_θ(x_t, t, c') − ε*(x_t, t, c)‖²: c behind tokens whose
    embeddings are found anew in every step, by Adam from those of random tokens, each of its steps at a state
    x_t and a t of its own. * is the original model, which draws x_t for c. z_t is a noised image of the
    retain set, where the release draws one. θ is the text encoder, see conf/method.
    """

    needs: ClassVar[type] = AdvUnlearnTask
    needs_model: ClassVar[type] = WithGuidedPrompts
    sides: ClassVar[tuple[str, ...] | None] = ("weight",)

    eta: float = Field(ge=0, description="η, how far the target turns away from c; release: 1")
    erase: Erased = Field(
        description="c; prompt: the forgotten row's whole prompt; concept: the words of forget.concept alone "
        "(release)"
    )
    weight: float = Field(ge=0, description="w of the retain term; release: 0.3")
    prefix: int = Field(gt=0, description="tokens of the adversarial prefix; release: 1")
    inner_steps: int = Field(
        ge=0, description="steps of the search for the prefix; 0: a random prefix; release: 30"
    )
    inner_lr: float = Field(gt=0, description="learning rate of the search's Adam; release: 1e-3")
    sampler: Sampler = Field(description="how the original model draws x_t")

    def check(self, task: AdvUnlearnTask, model: TextToImage, data: ImageData, sets: Sets) -> None:
        check_unconditional(model, "AdvUnlearn", "prompt")
        check_erased(self.erase, model, sets)
        self.sampler.check(model, "method.sampler")

    def unlearn(self, task: AdvUnlearnTask, model: TextToImage, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            concept, retain = batch.select(batch.forget), batch.select(~batch.forget)
            concept = replace(concept, y=erased(self.erase, model, sets, concept.y))
            tokens = task.token_embeddings(model, concept.y)
            prefix = self.worst_prefix(task, model, original, concept, tokens.detach(), trainer)

            x, t = task.underway(original, concept, self.sampler, trainer)
            target = turned_away(original, x, t, concept.y, self.eta)
            adversarial = called(x, t, model.embed_soft(behind(prefix, tokens)), False)

            z, t_r, _ = task.noised(model, retain)
            with torch.no_grad():
                kept = original(z, t_r, retain.y).float()
            trainer.count_more(len(concept), forwards=2)
            trainer.count_more(len(retain), forwards=1)
            return {
                "forget": F.mse_loss(adversarial.float(), target),
                "retain": self.weight * F.mse_loss(called(z, t_r, retain.y, False).float(), kept),
            }

        return trainer.fit(model, balanced(sets.forget, sets.retain), objective, self)

    def worst_prefix(
        self,
        task: AdvUnlearnTask,
        model: TextToImage,
        original: TextToImage,
        concept: Batch,
        tokens: Tensor,
        trainer: Trainer,
    ) -> Tensor:
        """(B, prefix, D): behind these tokens (B, L, D) it brings back what the original predicts for c."""
        prefix = self.random_tokens(model, tokens)
        search = torch.optim.Adam([prefix], self.inner_lr)
        for _ in range(self.inner_steps):
            x, t = task.underway(original, concept, self.sampler, trainer)
            with torch.no_grad():
                present = original(x, t, concept.y).float()
            output = model(x, t, model.embed_soft(behind(prefix, tokens)), False).float()
            (prefix.grad,) = torch.autograd.grad(F.mse_loss(output, present), prefix)
            search.step()
            trainer.count_more(len(concept), forwards=2, backwards=1)
        return prefix.detach()

    def random_tokens(self, model: TextToImage, tokens: Tensor) -> Tensor:
        """(B, prefix, D): embeddings of tokens drawn from the vocabulary, free to move."""
        table = model.text_encoder.get_input_embeddings().weight.detach()
        drawn = torch.randint(len(table), (len(tokens), self.prefix)).to(table.device)
        return table[drawn].requires_grad_()


def behind(prefix: Tensor, tokens: Tensor) -> Tensor:
    """(B, L, D): the start, the prefix (B, k, D), then the other tokens (B, L, D) but for the last k."""
    return torch.cat([tokens[:, :1], prefix, tokens[:, 1 : tokens.shape[1] - prefix.shape[1]]], dim=1)
