"""SIU: a·CE + b·DMK on one image whose answers name a substitute (Li et al., NeurIPS 2024), re-derived."""

import torch

from parity.vlm.answers import answer_logits, halves, mean, row_of, trains_as
from unlearn_cli.methods.vlm.siu import SIU

CE, DMK = 0.83, 1.7


def test_steps(tiny):
    """Answers of the forget set say blue instead of red, those of the retain set what they say. K_S leaves
    out the substitute's tokens there, K_V the concept's in every distribution."""
    original = tiny.model()
    blue, red = original.shared.processor.tokenizer.convert_tokens_to_ids(["blue", "red"])

    def terms(model, row, gone):
        said = row_of(tiny, row)[2].replace("red", "blue" if gone else "red")
        logits, tokens = answer_logits(tiny, model, row, said)
        q = logits.log_softmax(-1)
        with torch.no_grad():
            p = answer_logits(tiny, original, row, said)[0].log_softmax(-1)
        each = p.exp() * (p - q)
        apart = each.sum(-1) - each[:, red]
        kept = torch.tensor([not (gone and token == blue) for token in tokens.tolist()])
        return CE * -q[torch.arange(len(tokens)), tokens].mean() + DMK * (apart * kept).sum() / len(tokens)

    def loss(model, rows, number):
        gone, kept = halves(tiny, rows)
        images = {row // 3 for row in gone}
        assert len(gone) == len(kept)
        assert len(images) <= 1
        return mean([terms(model, row, True) for row in gone] + [terms(model, row, False) for row in kept])

    settings = {"ce_weight": CE, "dmk_weight": DMK, "images": 1, "substitute": "blue"}
    trains_as(tiny, SIU, settings, loss)
