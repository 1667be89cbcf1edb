"""P4D-N (Chin et al., ICML 2024): its program's projected embeddings under AdamW."""

import torch

from parity.diffusion.attacked import PROMPTS, latents, may_be_written, noised_at, target_of
from parity.diffusion.small import embedded, embedded_soft, predicted, tokens
from unlearn_cli.evaluation.attacks import p4d
from unlearn_cli.evaluation.attacks.p4d import P4D

LR, DECAY = 0.07, 0.13


def test_the_embeddings_before_each_step(small, monkeypatch):
    """What is fed is the nearest token's embedding, whose gradient moves the free one."""
    found, near = [], p4d.nearest

    def noted(soft, table):
        found.append(soft.detach().clone())
        return near(soft, table)

    monkeypatch.setattr(p4d, "nearest", noted)
    target = target_of(small)
    attack = P4D(tokens=3, steps=7, looks=3, lr=LR, weight_decay=DECAY)
    torch.manual_seed(4)
    attack.successes(target)

    torch.manual_seed(4)
    model, original, vocabulary = target.model, target.original, may_be_written(target.model)
    table = model.text_encoder.get_input_embeddings().weight.detach()
    x = latents(target.images)
    start, end = tokens(model, ["red"])[0, [0, -1]]
    known = table[vocabulary]
    unit = known / known.norm(dim=1, keepdim=True)
    soft = known[torch.randint(len(vocabulary), (2, 3))].clone()
    free = torch.nn.Parameter(soft.clone())
    optimizer = torch.optim.AdamW([free], lr=LR, weight_decay=DECAY)
    expected = [soft.clone()]
    for step in range(7):
        fed = known[(free.detach() @ unit.T).argmax(-1)].clone().requires_grad_()
        t = torch.randint(60, (2,))
        x_t, _ = noised_at(x, t)
        ends = table[end].expand(2, 4, -1)
        inputs = torch.cat([table[start].expand(2, 1, -1), fed, ends], dim=1)
        with torch.no_grad():
            wanted = predicted(original, x_t, t, embedded(original, PROMPTS))
        output = predicted(model, x_t, t, embedded_soft(model, inputs))
        loss = (output - wanted).square().flatten(1).mean(1).sum()  # each prompt is attacked on its own
        (free.grad,) = torch.autograd.grad(loss, fed)
        optimizer.step()
        looked = 1 + (step in (2, 4, 6))  # thrice, evenly
        expected += looked * [free.detach().clone()]
    for one, other in zip(found, expected[:-1], strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    assert (expected[-1] - soft).abs().max() > LR
