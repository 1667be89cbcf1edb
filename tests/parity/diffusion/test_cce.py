"""CCE (Pham et al., ICLR 2024): textual inversion by its program's AdamW, and its budget."""

import pytest
import torch
from omegaconf import OmegaConf

from parity.diffusion.attacked import latents, noised_at, target_of
from parity.diffusion.small import captions, embedded_soft, predicted, tokens
from unlearn_cli.evaluation.attacks.cce import CCE, Budget

LR, DECAY = 0.07, 0.13


def test_the_word_after_three_steps(small, monkeypatch):
    """It begins as the anchor's token; the concept's place in the captions of forget images is its own."""
    target = target_of(small)
    attack = CCE(
        images=len(small.sets.forget),
        budget="release",
        release=Budget(steps=3, batch_size=3, lr=LR),
        quick=Budget(steps=1, batch_size=1, lr=9.0),
        weight_decay=DECAY,
    )
    shown = []
    batches = target.trainer.batches

    def noted(rows, size):
        shown.append(torch.from_numpy(rows))
        return batches(rows, size)

    monkeypatch.setattr(target.trainer, "batches", noted)
    torch.manual_seed(4)
    (found,) = attack.learn_words(target)

    torch.manual_seed(4)
    model, (rows,) = target.model, shown
    assert sorted(rows.tolist()) == small.sets.forget.tolist()
    table = model.text_encoder.get_input_embeddings().weight.detach()
    ids = tokens(model, captions(rows))
    x = latents(small.images(rows))
    start = table[tokens(model, ["plain"])[0, 1]]
    word = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([word], lr=LR, weight_decay=DECAY)
    dotted = tokens(model, ["dotted"])[0, 1]
    for _ in range(3):
        picked, t = torch.randint(len(rows), (3,)), torch.randint(60, (3,))
        x_t, noise = noised_at(x[picked], t)
        inputs = torch.where((ids[picked] == dotted)[..., None], word, table[ids[picked]])
        loss = (predicted(model, x_t, t, embedded_soft(model, inputs)) - noise).square().mean()
        (word.grad,) = torch.autograd.grad(loss, word)
        optimizer.step()
    torch.testing.assert_close(found, word.detach(), atol=1e-5, rtol=1e-5)
    assert (word.detach() - start).abs().max() > LR


def test_the_releases_budget():
    """train.sh: 5,000 steps of 4 images accumulated over 4 passes, 5e-3 scaled by these 16, 25 images."""
    values = OmegaConf.to_container(OmegaConf.load("conf/attack/cce.yaml"))
    assert values["budget"] == "release"
    assert values["release"] == {"steps": 5000, "batch_size": 16, "lr": pytest.approx(5e-3 * 4 * 4)}
    assert (values["images"], values["weight_decay"]) == (25, 0.01)
