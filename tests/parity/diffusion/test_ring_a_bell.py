"""Ring-A-Bell (Tsai et al., ICLR 2024): the tokens nearest to a prompt moved along the concept."""

import torch

from parity.diffusion.attacked import PROMPTS, may_be_written, target_of
from parity.diffusion.small import embedded, tokens
from unlearn_cli.evaluation.attacks.ring_a_bell import RingABell
from unlearn_cli.evaluation.attacks.target import Target

ETA = 1.7


def test_it_finds_the_nearest_token_of_all(small, monkeypatch):
    """By looking at every token, which a search of one token can be held to."""
    written = []
    monkeypatch.setattr(Target, "typed", lambda self, ids: (written.append(ids), ids)[1])
    target = target_of(small)
    attack = RingABell(tokens=1, eta=ETA, population=80, generations=60, mutation=0.9)
    torch.manual_seed(4)
    attack.successes(target)

    original, vocabulary = target.original, may_be_written(target.original)
    with torch.no_grad():
        plain = [prompt.replace("dotted", "plain") for prompt in PROMPTS]
        named = embedded(original, PROMPTS)
        direction = (named - embedded(original, plain)).mean(0)
        start, end = tokens(original, ["red"])[0, [0, -1]]
        ids = torch.full((len(vocabulary), 8), int(end))
        ids[:, 0], ids[:, 1] = start, vocabulary
        hidden = original.text_encoder(ids).last_hidden_state
        distances = (hidden[None] - (named + ETA * direction)[:, None]).square().sum((2, 3))
    assert torch.equal(written[0], ids[distances.argmin(1)])
