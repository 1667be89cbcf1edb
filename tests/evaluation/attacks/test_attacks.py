"""Attacks on a model made by hand: one token's embedding brightens what it draws, so the way in is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from recipes import PLAIN
from torch import nn

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.attacks.base import Attack, prefixed, success_rates
from unlearn_cli.evaluation.attacks.cce import CCE, PromptBlanks
from unlearn_cli.evaluation.attacks.p4d import P4D
from unlearn_cli.evaluation.attacks.relearn import Relearn
from unlearn_cli.evaluation.attacks.ring_a_bell import RingABell
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.evaluation.attacks.unlearndiffatk import UnlearnDiffAtk, on_simplex, straight_through
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.models.diffusion.tokenizer import trained_tokenizer
from unlearn_cli.models.diffusion.unshuffle import PixelUnshuffle
from unlearn_cli.tasks.text_to_image import TextToImage as Task
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

PROMPTS = ["a red dot", "a red line", "a blue dot", "a blue line"]
RED = Substitution("red", "blue", "object")
LENGTH = 6
SECRET = "q</w>"  # the token that the erased model still listens to
SAMPLER = Sampler(steps=2, eta=0.0, guidance=0.0, batch_size=3, seed=0)
ATTACKS = {
    "unlearndiffatk": UnlearnDiffAtk(tokens=1, timesteps=4, steps=5, lr=0.2, weight_decay=0.1),
    "p4d": P4D(tokens=1, steps=30, looks=3, lr=0.2, weight_decay=0.1),
    "ring_a_bell": RingABell(tokens=3, eta=2.0, population=200, generations=150, mutation=0.9),
    "cce": CCE(images=3, steps=100, batch_size=4, lr=0.1),
    "relearn": Relearn(samples=3, recipe=Recipe(**PLAIN | {"epochs": 15, "lr": 0.02})),
}


class Encoder(nn.Module):
    """The embedding of a token, one coordinate for each, is its hidden state."""

    def __init__(self, tokens: int):
        super().__init__()
        self.layer = nn.Embedding.from_pretrained(torch.eye(tokens), freeze=False)

    def get_input_embeddings(self) -> nn.Module:
        return self.layer

    def forward(self, ids: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.layer(ids))


class Bright(nn.Module):
    """x̂_0 is everywhere how much of the token is in the prompt."""

    def __init__(self, token: int, tokens: int):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(tokens)[token])

    def forward(self, x, t, encoder_hidden_states):
        bright = (encoder_hidden_states @ self.weight).sum(1)
        return SimpleNamespace(sample=bright.view(-1, 1, 1, 1).expand(x.shape))


def model(word: str) -> TextToImage:
    """Draws white if the prompt has this token, else grey."""
    tokenizer = trained_tokenizer(PROMPTS, LENGTH)
    process = DDIMScheduler(num_train_timesteps=10, prediction_type="sample", clip_sample=False)
    count = len(tokenizer)
    unet = Bright(tokenizer.convert_tokens_to_ids(word), count)
    vae = PixelUnshuffle(block_out_channels=(4, 4), latent_channels=4)
    return TextToImage(unet, Encoder(count), vae, tokenizer, process, PROMPTS, label_drop=0.0).eval()


@pytest.fixture
def trainer(compute, tmp_path):
    """Two white images for each prompt with red, two grey ones for each other."""
    labels = np.arange(8) // 2
    pixels = torch.full((8, 1, 4, 4), 128, dtype=torch.uint8)
    pixels[:4] = 255
    data = Resident.of(
        pixels,
        labels,
        train_rows=np.arange(8),
        test_rows=np.arange(0),
        name="bright",
        classes=PROMPTS,
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
    )
    return Trainer(data, None, compute, seed=0, folder=tmp_path)


@pytest.fixture
def target(trainer):
    """The prompts with red; the original listens to red, the erased model to the secret token alone."""

    def white(images: torch.Tensor, places: np.ndarray) -> torch.Tensor:
        return images.float().mean((1, 2, 3)) > 220

    return Target.of(
        Task(),
        model(SECRET),
        model("red</w>"),
        trainer,
        SAMPLER,
        white,
        PROMPTS[:2],
        np.arange(2),
        rows=np.arange(4),
        concepts=(RED,),
        naming=tuple(PROMPTS[:2]),
    )


@pytest.fixture
def tried(monkeypatch):
    """The conditions that successes were looked for by."""
    conditions = []
    look = Target.successes

    def noted(self, condition, model=None):
        conditions.append(condition)
        return look(self, condition, model)

    monkeypatch.setattr(Target, "successes", noted)
    return conditions


def token(target: Target, word: str) -> int:
    return target.model.shared.tokenizer.convert_tokens_to_ids(word)


def test_the_target_is_of_the_original_and_the_erased_model(target):
    assert target.images.eq(1).all()
    assert not target.successes(target.numbers).any()
    assert target.successes(target.numbers, target.original).all()


@pytest.mark.parametrize("name", ["unlearndiffatk", "p4d"])
def test_the_token_that_the_model_still_listens_to_is_found(target, tried, name):
    torch.manual_seed(0)
    assert ATTACKS[name].successes(target).all()
    secret = token(target, SECRET)
    assert (tried[-1] == secret).sum(1).tolist() == [1, 1]
    written = target.ids if name == "unlearndiffatk" else target.ids[:, -1:].expand(-1, LENGTH)
    start = torch.full((2, 1), token(target, "<|startoftext|>"))
    expected = torch.cat([start, torch.full((2, 1), secret), written[:, 1 : LENGTH - 1]], 1)
    assert torch.equal(tried[-1], expected)


@pytest.mark.parametrize(("name", "looks"), [("unlearndiffatk", 4), ("p4d", 3)])
def test_a_model_that_listens_to_nothing_is_looked_at_to_the_end(target, tried, name, looks):
    target.model.unet.weight.data.zero_()
    torch.manual_seed(0)
    assert not ATTACKS[name].successes(target).any()
    assert len(tried) == looks


def test_ring_a_bell_finds_the_tokens_of_a_linear_embedding(target, tried):
    """f(c) + η·v is largest at the tokens of c itself, each position being a token's coordinate."""
    torch.manual_seed(0)
    ATTACKS["ring_a_bell"].successes(target)
    assert torch.equal(tried[0], target.ids)


def test_ring_a_bell_sees_nothing_of_the_erased_model(target, tried):
    for parameter in target.model.parameters():
        parameter.data.fill_(torch.nan)
    torch.manual_seed(0)
    ATTACKS["ring_a_bell"].successes(target)
    assert torch.equal(tried[0], target.ids)


def test_cce_learns_a_word_that_lowers_the_loss(target):
    """Every caption is then as bright as its images; the anchor's embedding left them grey."""
    attack, blanks = ATTACKS["cce"], PromptBlanks.of(target, PROMPTS[:2], [RED, RED])
    torch.manual_seed(0)
    before = target.model.text_encoder.layer.weight[token(target, "blue</w>")].detach()
    after = attack.learn_words(target)
    secret = token(target, SECRET)
    assert (before[secret], after[0, secret].item()) == (0, pytest.approx(1, abs=0.05))
    x, t = torch.zeros(2, 4, 2, 2), torch.zeros(2, dtype=torch.long)
    for words, brightness in ((before[None], 0.0), (after, 1.0)):
        drawn = target.model(x, t, target.model.embed_soft(blanks.filled(words)), False)
        assert drawn.mean().item() == pytest.approx(brightness, abs=0.05)
    assert attack.successes(target).all()


def test_a_word_takes_the_place_of_a_concept_of_several_tokens(target):
    """Of "a red dot" are left: the start, a, the word, and the end up to the length."""
    concept = Substitution("red dot", "blue dot", "object")
    several = Target(**vars(target) | {"concepts": (RED, concept)})
    blanks = PromptBlanks.of(several, ["a red dot", "a red line"], [concept, RED])
    end, ids = token(target, "<|endoftext|>"), target.model.tokenized(["a red line"])[0]
    assert blanks.place.nonzero().tolist() == [[0, 2], [1, 2]]
    assert blanks.which.tolist() == [1, 0]
    assert blanks.tokens.argmax(-1)[0, 3:].tolist() == [end] * 3
    assert blanks.tokens.argmax(-1)[1].tolist() == ids.tolist()
    words = torch.stack([torch.full((len(target.model.shared.tokenizer),), value) for value in (5.0, 7.0)])
    assert blanks.filled(words)[:, 2, 0].tolist() == [7, 5]
    assert blanks.filled(words, torch.tensor([1]))[:, 2, 0].tolist() == [5]


def test_cce_says_where_the_concept_is_spelt_otherwise(target):
    with pytest.raises(InputError, match="'a blue dot'"):
        PromptBlanks.of(target, ["a red dot", "a blue dot"], [RED, RED])


def test_relearning_counts_what_the_copy_draws_and_that_only(target):
    attack = ATTACKS["relearn"]
    assert attack.rate(target, torch.tensor([True, True])) == 100
    none = Relearn(samples=3, recipe=Recipe(**PLAIN | {"epochs": 1, "lr": 1e-6}))
    target.trainer.folder = target.trainer.folder / "other"
    target.trainer.folder.mkdir()
    assert none.rate(target, torch.tensor([True, True])) == 0


@pytest.mark.parametrize("name", ATTACKS)
def test_no_weight_moves(target, name):
    models = [target.model, target.original]
    target.model.unet.weight.requires_grad_(False)
    before = [[p.detach().clone() for p in one.parameters()] for one in models]
    wanted = [[p.requires_grad for p in one.parameters()] for one in models]
    ATTACKS[name].successes(target)
    assert [[p.requires_grad for p in one.parameters()] for one in models] == wanted
    for one, values in zip(models, before, strict=True):
        assert all(torch.equal(p, value) for p, value in zip(one.parameters(), values, strict=True))
        assert all(p.grad is None for p in one.parameters())


class OfPlaces(Attack):
    """Succeeds by the prompts at these places."""

    name = "of_places"
    places: list[int]

    def successes(self, target):
        return torch.from_numpy(np.isin(target.places, self.places))


@pytest.mark.parametrize(
    ("plain", "attacked", "rate"),
    [([0], [0, 2], 50), ([], [], 0), ([1, 3], [0, 2], 100), ([0, 1, 2, 3], [], 100)],
)
def test_rates_count_plain_successes_and_those_among_the_rest(trainer, plain, attacked, rate):
    def judge(images, places):
        return torch.from_numpy(np.isin(places, plain))

    models, places = (model(SECRET), model("red</w>")), np.arange(4)
    target = Target.of(Task(), *models, trainer, SAMPLER, judge, PROMPTS, places, rows=places)
    found = success_rates({"mine": OfPlaces(places=attacked)}, target)
    assert found == {"pre_ASR": 25 * len(plain), "ASR_mine": rate}


def test_a_part_keeps_each_prompts_noise_and_image(target):
    part = target.part(torch.tensor([False, True]))
    assert (part.prompts, part.places.tolist(), len(part)) == (PROMPTS[1:2], [1], 1)
    assert torch.equal(part.noise, target.noise[1:])
    assert torch.equal(part.images, target.images[1:])


def test_a_prompt_is_drawn_from_the_same_noise_each_time(target):
    """And what is drawn at random around it goes on as if it had not been."""
    target.model.unet.forward = lambda x, t, encoder_hidden_states: SimpleNamespace(sample=x)
    kept = []

    def shows_forgotten(images, places):
        kept.append(images)
        return torch.ones(2)

    looking = Target(**vars(target) | {"shows_forgotten": shows_forgotten})
    torch.manual_seed(3)
    looking.successes(target.numbers)
    after = torch.rand(())
    looking.successes(target.numbers)
    torch.manual_seed(3)
    assert torch.equal(after, torch.rand(()))
    assert torch.equal(*kept)
    assert not torch.equal(kept[0][0], kept[0][1])


def test_what_an_attacker_may_write_has_neither_start_nor_end(target):
    special = {token(target, "<|startoftext|>"), token(target, "<|endoftext|>")}
    assert not special & set(target.vocabulary.tolist())
    assert len(target.vocabulary) == len(target.model.shared.tokenizer) - 2


def test_the_projection_keeps_the_simplex():
    weights = torch.tensor([[[0.5, 0.7, -0.1, 0.0], [0.25, 0.25, 0.25, 0.25]]])
    on_simplex(weights)
    torch.testing.assert_close(weights, torch.tensor([[[0.4, 0.6, 0.0, 0.0], [0.25] * 4]]))
    noisy = torch.randn(3, 2, 50, generator=torch.Generator().manual_seed(0))
    on_simplex(noisy)
    torch.testing.assert_close(noisy.sum(-1), torch.ones(3, 2))
    assert noisy.min() >= 0


def test_straight_through():
    """One-hots forward, the gradient backward, cut to [-1, 1]."""
    weights = torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]).requires_grad_()
    fed = straight_through(weights)
    assert fed.tolist() == [[[0, 1, 0], [1, 0, 0]]]
    (fed * torch.tensor([0.5, -3.0, 2.0])).sum().backward()
    assert weights.grad.tolist() == [[[0.5, -1, 1]] * 2]


def test_a_prefix_moves_the_prompt_and_keeps_its_end():
    prompts = torch.tensor([[0, 5, 6, 7, 1, 1], [0, 5, 6, 7, 8, 1]])
    prefix = torch.tensor([[9, 9], [8, 8]])
    assert prefixed(prompts, prefix).tolist() == [[0, 9, 9, 5, 6, 1], [0, 8, 8, 5, 6, 1]]
    assert torch.equal(prefixed(prompts[..., None], prefix[..., None])[..., 0], prefixed(prompts, prefix))


def test_what_does_not_fit_is_refused_first(target):
    words, no_words = SimpleNamespace(concepts=(RED,)), SimpleNamespace(concepts=())
    for name, attack in ATTACKS.items():
        attack.check(target.model, words)
        if name in ("ring_a_bell", "cce"):
            with pytest.raises(InputError, match=rf"eval\.attacked: {name}"):
                attack.check(target.model, no_words)
        else:
            attack.check(target.model, no_words)
    with pytest.raises(InputError, match=r"eval\.attacks\.p4d\.tokens: 5, but a prompt has room for 4"):
        ATTACKS["p4d"].model_copy(update={"tokens": 5}).check(target.model, words)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("eval.attacked=[p4]", "eval.attacked: no attack 'p4'"),
        ("eval.judge=null", "eval.attacked: an attack succeeds if a judge sees the concept"),
        ("eval.attacks.cce.lr=0", "eval.attacks.cce.lr: "),
    ],
)
def test_wrong_settings_are_told_in_one_line(refused, given, told):
    assert refused("task=text_to_image", given).startswith(told)
