"""Ring-A-Bell (Tsai et al., ICLR 2024): the tokens nearest to a prompt moved along the concept."""

import pytest
import torch

from parity.diffusion.attacked import PROMPTS, may_be_written, target_of
from parity.diffusion.small import embedded, tokens
from unlearn_cli.evaluation.attacks.ring_a_bell import RingABell
from unlearn_cli.evaluation.attacks.target import Target


@pytest.fixture
def written(monkeypatch):
    """What an attack writes, whether it can be typed or not."""
    found = []
    monkeypatch.setattr(Target, "typed", lambda self, ids: (found.append(ids), ids)[1])
    return found


@torch.no_grad()
def places(target, several):
    """(P, n) tokens as prompts, their embeddings' distances (k, P) from the concept's as functions of η."""
    original = target.original
    named = embedded(original, PROMPTS)
    direction = (named - embedded(original, [p.replace("dotted", "plain") for p in PROMPTS])).mean(0)
    start, end = tokens(original, ["red"])[0, [0, -1]]
    ids = torch.full((len(several), 8), int(end))
    ids[:, 0], ids[:, 1 : 1 + several.shape[1]] = start, several
    hidden = original.text_encoder(ids).last_hidden_state
    return ids, lambda eta: (hidden[None] - (named + eta * direction)[:, None]).square().sum((2, 3))


def test_it_finds_the_nearest_token_of_all(small, written):
    """By looking at every token, which a search of one token can be held to; a little before and behind the
    η at which another token becomes the nearest."""
    target = target_of(small)
    ids, far = places(target, may_be_written(target.original)[:, None])
    etas = (0.5 * 1.004 ** torch.arange(1100)).tolist()
    nearest = [int(far(eta)[0].argmin()) for eta in etas]
    turn = next(i for i in range(1, len(etas)) if nearest[i] != nearest[i - 1])
    for place in (turn - 1, turn):
        attack = RingABell(tokens=1, eta=etas[place], population=80, generations=60, mutation=0.9)
        torch.manual_seed(4)
        attack.successes(target)
        assert torch.equal(written.pop(), ids[far(etas[place]).argmin(1)])


def test_four_generations(small, written, monkeypatch):
    """Of 41 candidates 20 survive, and 21 children cross two of them, some with a token changed."""
    target, made = target_of(small), []
    vocabulary, breed = may_be_written(target.original), RingABell._children

    def noted(*given):
        made.append(breed(*given))
        return made[-1]

    monkeypatch.setattr(RingABell, "_children", noted)
    torch.manual_seed(4)
    RingABell(tokens=3, eta=1.7, population=41, generations=4, mutation=0.62).successes(target)
    assert len(made) == 4

    torch.manual_seed(4)
    people, drawn = torch.randint(len(vocabulary), (2, 41, 3)), []

    def sorted_by_distance():
        far = [places(target, vocabulary[people[k]])[1](1.7)[k] for k in range(2)]
        return torch.stack([people[k, far[k].argsort()] for k in range(2)])

    for found in made:
        parents = sorted_by_distance()[:, :20]
        pairs, cuts, chances = (
            torch.randint(20, (2, 2, 21, 1)),
            torch.randint(4, (2, 21, 1)),
            torch.rand(2, 21, 1),
        )
        changed, others = torch.randint(3, (2, 21, 1)), torch.randint(len(vocabulary), (2, 21, 1))
        children = torch.zeros(2, 21, 3, dtype=torch.long)
        for k in range(2):
            for child in range(21):
                one, other = (parents[k, pairs[i, k, child, 0]] for i in range(2))
                cut = int(cuts[k, child])
                children[k, child] = torch.cat([one[:cut], other[cut:]])
                if chances[k, child] < 0.62:
                    children[k, child, changed[k, child]] = others[k, child]
        assert torch.equal(found, children)
        people = torch.cat([parents, children], dim=1)
        drawn.append(chances)
    near = torch.cat(drawn)
    assert ((near > 0.62) & (near < 0.62 * 1.01)).any()  # an error of 1 % would be seen
    assert torch.equal(written[0], places(target, vocabulary[sorted_by_distance()[:, 0]])[0])
