"""Ring-A-Bell: tokens whose text embedding holds the concept, found without the denoiser."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from unlearn_cli.evaluation.attacks.base import TokenAttack, prefixed
from unlearn_cli.evaluation.attacks.target import Target

CHUNK = 4096  # prompts through the text encoder at once


class RingABell(TokenAttack):
    """min over prompts c' of ‖f(c') − (f(c) + η·v)‖², v the mean of f(with the concept) − f(with the anchor).

    Tsai et al., ICLR 2024: f is the original's text encoder, and of the unlearned model nothing is known. The
    pairs of v are all prompts of the unlearning set that name the concept. A genetic algorithm: the better
    half survives, its children cross two parents at one point, and some of them have a token changed. (In the
    release survivors may have one changed, too, and a parent has two children or none, so that the population
    is of a constant size on average alone.)
    """

    name: ClassVar[str] = "ring_a_bell"
    needs_words: ClassVar[bool] = True

    eta: float = Field(ge=0, description="η, how far towards the concept; the paper's is 3 for nudity")
    population: int = Field(gt=3, description="candidates for each prompt in a generation")
    generations: int = Field(gt=0, description="generations of the genetic algorithm; it never ends before")
    mutation: float = Field(ge=0, le=1, description="share of the children that have a token changed")

    @torch.no_grad()
    def successes(self, target: Target) -> Tensor:
        original, vocabulary = target.original, target.vocabulary
        wanted = original.conditioning(target.ids) + self.eta * directions(target)
        empty = original.shared.ids[original.null].to(vocabulary.device)

        def written(tokens: Tensor) -> Tensor:
            return prefixed(empty.expand(len(tokens), -1), vocabulary[tokens])

        def distance(tokens: Tensor) -> Tensor:
            """(k, P) of candidates (k, P, n)."""
            parts = written(tokens.flatten(0, 1)).split(CHUNK)
            found = torch.cat([original.text_encoder(part).last_hidden_state for part in parts])
            return (found.unflatten(0, tokens.shape[:2]) - wanted[:, None]).square().flatten(2).mean(2)

        shape = (len(target), self.population, self.tokens)
        people = torch.randint(len(vocabulary), shape).to(vocabulary.device)
        far = distance(people)
        half = self.population // 2
        for _ in target.steps(self.name, self.generations):
            far, best = far.topk(half, dim=1, largest=False)
            people = people.gather(1, best[..., None].expand(-1, -1, self.tokens))
            young = self._children(people, self.population - half, len(vocabulary))
            people, far = torch.cat([people, young], 1), torch.cat([far, distance(young)], 1)
        best = far.argmin(1)
        return target.successes(target.typed(written(people[torch.arange(len(people)), best])))

    def _children(self, people: Tensor, count: int, vocabulary: int) -> Tensor:
        """(k, count, n): a beginning of one parent and the end of another, some with a token of chance."""
        k, parents, n = people.shape
        one, other = torch.randint(parents, (2, k, count, 1)).to(people.device).expand(-1, -1, -1, n)
        position = torch.arange(n, device=people.device)
        cut = torch.randint(n + 1, (k, count, 1)).to(people.device)
        children = torch.where(position < cut, people.gather(1, one), people.gather(1, other))
        changed = (torch.rand(k, count, 1) < self.mutation).to(people.device)
        changed = changed & (position == torch.randint(n, (k, count, 1)).to(people.device))
        return torch.where(changed, torch.randint(vocabulary, (k, count, 1)).to(people.device), children)


def directions(target: Target) -> Tensor:
    """(k, L, D): v of each prompt's concept."""
    original = target.original
    found = {}
    for one in set(target.concept_of):
        pairs = [(prompt, one.to_anchor(prompt)) for prompt in target.naming if one.is_named_in(prompt)]
        named, anchored = (
            original.conditioning(original.shared.tokenized(prompts)[0].to(target.trainer.device))
            for prompts in zip(*pairs, strict=True)
        )
        found[one] = (named - anchored).mean(0)
    return torch.stack([found[one] for one in target.concept_of])
