"""P4D: a prompt for which the unlearned model predicts what the original does for the forgotten one."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize

from unlearn_cli.evaluation.attacks.base import TokenAttack, prefixed
from unlearn_cli.evaluation.attacks.target import Target, frozen_weights
from unlearn_cli.tasks.diffusion import error


class P4D(TokenAttack):
    """min over prompts c' of ‖ε*(x_t, t, c) − ε_θ(x_t, t, c')‖², * the original, both at the same x_t.

    Chin et al., ICML 2024, P4D-N: all of c' is sought, from random tokens on. Token embeddings are learnt
    by AdamW; fed are the nearest tokens' (cosine), whose gradient is taken for theirs (PEZ, Wen et al.,
    NeurIPS 2023). x_t is a noised image of the original's, t random. (The release chooses among its looks by
    the likeness of images to the target's, here each look is judged.)
    """

    name: ClassVar[str] = "p4d"

    steps: int = Field(gt=0, description="optimiser's steps at most; it ends once every prompt has succeeded")
    looks: int = Field(gt=0, description="how often on the way success is checked, evenly spaced")
    lr: float = Field(gt=0, description="learning rate of AdamW, which moves the token embeddings")
    weight_decay: float = Field(ge=0, description="of AdamW, on the token embeddings")

    def successes(self, target: Target) -> Tensor:
        model, vocabulary = target.model, target.vocabulary
        layer = model.text_encoder.get_input_embeddings()
        table, x = layer(vocabulary).detach(), target.states()
        end = target.model.shared.ids[model.null].to(x.device).expand(len(target), -1)  # of the empty prompt
        empty, last = layer(end).detach(), model.process.config.num_train_timesteps
        at = torch.randint(len(vocabulary), (len(target), self.tokens)).to(x.device)
        soft = table[at].clone().requires_grad_()
        optimizer = torch.optim.AdamW([soft], self.lr, weight_decay=self.weight_decay)
        found = torch.zeros(len(target), dtype=torch.bool)
        for step in target.steps(self.name, self.steps):
            optimizer.zero_grad()
            with frozen_weights(model):
                for part in torch.arange(len(target)).split(target.sampler.batch_size):
                    t = torch.randint(last, (len(part),)).to(x.device)
                    x_t, _ = target.task.noised_at(model, x[part], t)
                    with torch.no_grad():
                        wanted = target.original(x_t, t, target.ids[part], False)
                    hard = table[nearest(soft[part], table)] + (soft[part] - soft[part].detach())
                    prompts = prefixed(empty[part], hard)
                    output = model(x_t, t, model.embed_soft(prompts), False)
                    error(output, wanted).sum().backward()
            optimizer.step()
            if (step + 1) * self.looks // self.steps > step * self.looks // self.steps:
                tokens = vocabulary[nearest(soft, table)]
                found |= target.successes(target.typed(prefixed(end, tokens)))
                if found.all():
                    break
        return found


@torch.no_grad()
def nearest(soft: Tensor, table: Tensor) -> Tensor:
    """(…): the row of the table (V, D) at the smallest angle to each embedding (…, D)."""
    return (normalize(soft, dim=-1) @ normalize(table, dim=-1).T).argmax(-1)
