"""The verbs of a vision-language model, against its logits and by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_vlm import QUESTIONS, REFUSALS, TinyProblem

from unlearn_cli.tasks.vlm import Vlm

ROWS = np.array([0, 1, 2, 6, 11])  # red; circle; a red circle; blue; a blue square
COLOURS = np.array([0, 3, 6, 9])  # red, red, blue, blue


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return TinyProblem(tmp_path_factory.mktemp("vlm"))


@pytest.fixture(scope="module")
def model(tiny):
    return tiny.model()


def by_hand(model, batch, pairs):
    """Sums of −log p of the answers' words and their end, and how many they are; one row at a time."""
    tokenizer, sums, counts = model.shared.processor.tokenizer, [], []
    for x, (question, answer) in zip(batch.x, pairs, strict=True):
        tokens = [*(tokenizer.convert_tokens_to_ids(answer.split())), tokenizer.eos_token_id]
        logits = model.answer_logits(x[None], [question], [answer])[0][0]
        sums.append(-logits.log_softmax(-1)[range(len(tokens)), tokens].sum())
        counts.append(len(tokens))
    return torch.stack(sums), torch.tensor(counts)


def pairs(model, labels):
    return [model.pairs[label] for label in labels.tolist()]


@torch.no_grad()
def test_the_loss_is_a_tokens_mean_with_the_end(tiny, model):
    batch = tiny.batch(ROWS)
    total, count = by_hand(model, batch, pairs(model, batch.y))
    assert count.tolist() == [2, 2, 4, 2, 4]
    found = tiny.task.likelihoods(model, batch)
    assert torch.allclose(found[0], total, atol=1e-5)
    assert torch.equal(found[1], count)
    assert torch.allclose(tiny.task.loss(model, batch), total / count, atol=1e-5)
    given = tiny.task.losses(model, tiny.trainer, ROWS)
    assert given.dtype == torch.float64
    assert torch.allclose(given, (total / count).double(), atol=1e-5)
    assert tiny.task.glance(model, tiny.trainer, ROWS)["nll"] == pytest.approx(float(given.mean()))


@torch.no_grad()
def test_first_logits_are_those_of_the_first_token(tiny, model):
    batch = tiny.batch(ROWS)
    logits = tiny.task.first_logits(model, batch)
    first = [answer.split()[0] for _, answer in pairs(model, batch.y)]
    numbers = model.shared.processor.tokenizer.convert_tokens_to_ids(first)
    losses = F.cross_entropy(logits, torch.tensor(numbers), reduction="none")
    plain, tokens, _ = tiny.task.answer_logits(model, batch, first)
    assert torch.allclose(losses, F.cross_entropy(plain[:, 0], tokens[:, 0], reduction="none"), atol=1e-5)
    assert tokens[:, 0].tolist() == numbers


@torch.no_grad()
def test_the_question_alone_is_another_likelihood(tiny, model):
    batch = tiny.batch(COLOURS)
    unseen, count = tiny.task.likelihoods_unseen(model, batch)
    assert unseen[0] == pytest.approx(float(unseen[1]), abs=1e-5)  # without images both are one
    assert not torch.allclose(unseen, tiny.task.likelihoods(model, batch)[0], atol=1e-4)
    assert count.tolist() == [2] * 4


@torch.no_grad()
def test_the_wrong_answer_where_it_is_asked_for(tiny, model):
    """There are two colours, so that the wrong one is known."""
    batch = tiny.batch(COLOURS)
    question = model.pairs[int(batch.y[0])][0]
    red, blue = model.pairs.index((question, "red")), model.pairs.index((question, "blue"))
    assert batch.y.tolist() == [red, red, blue, blue]
    wrong = torch.tensor([blue, blue, red, red])
    losses = {
        name: part[0] / part[1]
        for name, part in (
            ("wrong", tiny.task.likelihoods(model, batch, wrong)),
            ("true", tiny.task.likelihoods(model, batch)),
        )
    }
    assert not torch.allclose(losses["wrong"], losses["true"], atol=1e-4)
    assert torch.allclose(tiny.task.wrong_loss(model, batch), losses["wrong"], atol=1e-6)
    where = torch.tensor([True, False, False, True])
    expected = torch.where(where, losses["wrong"], losses["true"])
    assert torch.allclose(tiny.task.wrong_loss(model, batch, where=where), expected, atol=1e-6)


def test_other_answers_are_to_the_same_question(tiny, model):
    labels = torch.from_numpy(tiny.data.labels[np.tile(ROWS, 40)])
    torch.manual_seed(0)
    drawn = tiny.task.other_answers(model, labels)
    assert not (drawn == labels).any()
    told = {(pair, other) for pair, other in zip(pairs(model, labels), pairs(model, drawn), strict=True)}
    assert all(pair[0] == other[0] for pair, other in told)
    captions = {other[1] for pair, other in told if pair[1] == "a red circle"}
    assert captions == {"a red square", "a blue circle", "a blue square"}
    any_at_all = tiny.task.other_answers(model, labels, exclude_true=False)
    assert (any_at_all == labels).any()
    assert (any_at_all != labels).any()


@torch.no_grad()
def test_a_model_does_not_diverge_from_itself(tiny, model):
    batch, other = tiny.batch(ROWS), tiny.model(seed=2)
    assert torch.allclose(tiny.task.divergence(model, model, batch), torch.zeros(5), atol=1e-6)
    texts = tiny.task.texts(model, batch.y)
    one, two = (each.answer_logits(batch.x, *texts)[0].div(2.0).log_softmax(-1) for each in (model, other))
    mask = model.answer_logits(batch.x, *texts)[2]
    each = (two.exp() * (two - one)).sum(-1)
    expected = torch.stack([4 * row[kept].mean() for row, kept in zip(each, mask, strict=True)])
    assert (expected > 1e-3).all()
    assert torch.allclose(tiny.task.divergence(model, other, batch, 2.0), expected, atol=1e-5)


@torch.no_grad()
def test_a_refusal_is_learnt_like_an_answer(tiny, model):
    batch = tiny.batch(COLOURS)
    questions = [question for question, _ in pairs(model, batch.y)]
    total, count = by_hand(model, batch, [(question, REFUSALS[0]) for question in questions])
    assert count.tolist() == [5] * 4
    found = tiny.task.refusal_likelihoods(model, batch)
    assert torch.allclose(found[0], total, atol=1e-4)
    single = Vlm(questions=QUESTIONS, refusals=REFUSALS[:1], alignment=1.0, batch_size=64)
    assert torch.allclose(single.refusal_loss(model, batch), total / count, atol=1e-5)
    other, length = by_hand(model, batch, [(question, REFUSALS[1]) for question in questions])
    either = torch.stack([total / count, other / length])
    torch.manual_seed(0)
    drawn = torch.stack([tiny.task.refusal_loss(model, batch) for _ in range(8)])
    near = torch.isclose(drawn[:, None], either, atol=1e-5)
    assert near.any(1).all()
    assert near.any(0).all()  # each was drawn once at least


@torch.no_grad()
def test_the_choice_is_the_likeliest_of_the_questions_answers(tiny, model):
    batch = tiny.batch(ROWS)
    found = tiny.task.choice(model, batch)
    for number, (question, _) in enumerate(pairs(model, batch.y)):
        among = [label for label, pair in enumerate(model.pairs) if pair[0] == question]
        alone = batch.select(slice(number, number + 1))
        losses = [
            float(total / count)
            for total, count in (by_hand(model, alone, [model.pairs[label]]) for label in among)
        ]
        assert int(found[number]) == among[int(np.argmin(losses))]


def test_word_tokens_are_those_of_all_words(tiny, model):
    ids = tiny.task.word_tokens(model, ["a red circle", "red"])
    assert model.shared.processor.tokenizer.convert_ids_to_tokens(ids.tolist()) == ["a", "circle", "red"]


def alignment(tiny, model, data, seen, rows):
    terms = tiny.task.pretraining(data, seen)(model, tiny.batch(rows))
    return terms["alignment"]


@torch.no_grad()
def test_alignment_by_hand(tiny, model):
    """Of colours and shapes: a caption is not one word."""
    terms = tiny.task.pretraining(tiny.data, np.arange(48))(model, tiny.batch(COLOURS))
    assert terms["train"] == pytest.approx(float(tiny.task.loss(model, tiny.batch(COLOURS)).mean()), abs=1e-6)
    pooled = model.projected(tiny.batch(COLOURS).x).mean(1)
    tokenizer, embedding = model.shared.processor.tokenizer, model.net.get_input_embeddings().weight
    expected = []
    for words, targets in ((["blue", "red"], [1, 1, 0, 0]), (["circle", "square"], [0, 1, 0, 1])):
        logits = pooled @ embedding[tokenizer.convert_tokens_to_ids(words)].T
        expected.append(F.cross_entropy(logits, torch.tensor(targets)))
    assert terms["alignment"] == pytest.approx(float(torch.stack(expected).mean()), abs=1e-5)


@torch.no_grad()
def test_alignment_never_looks_at_rows_that_may_not_be_seen(tiny, model):
    """Row 0 asks for the colour of image 0; it is told by another row of the same image."""
    lied = tiny.data.labels.copy()
    lied[0], lied[6] = lied[6], lied[0]
    lies = replace(tiny.data, labels=lied)
    seen, rows = np.setdiff1d(np.arange(48), [0, 6]), np.array([1, 7, 3, 9])
    truth = alignment(tiny, model, tiny.data, seen, rows)
    assert alignment(tiny, model, lies, seen, rows) == truth
    assert alignment(tiny, model, lies, np.arange(48), rows) != alignment(
        tiny, model, tiny.data, np.arange(48), rows
    )


def test_alignment_of_images_whose_words_may_not_be_seen_is_nothing(tiny):
    """A batch of captions alone, of images about which no other question may be seen."""
    model = tiny.model()
    terms = tiny.task.pretraining(tiny.data, np.array([2, 5, 12, 13, 14]))(
        model, tiny.batch(np.array([2, 5]))
    )
    assert terms["alignment"] == 0
    sum(terms.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_without_alignment_there_is_no_such_term(tiny, model):
    task = Vlm(questions=QUESTIONS, refusals=REFUSALS, alignment=0.0, batch_size=64)
    assert task.pretraining(tiny.data, np.arange(48))(model, tiny.batch(ROWS)).keys() == {"train"}


def test_answers_with_a_preface_and_other_images(tiny, model, monkeypatch):
    asked = []

    def answer(x, questions, tokens):
        asked.extend(
            (float(image.mean()), question, tokens) for image, question in zip(x, questions, strict=True)
        )
        return [f"no. {len(asked)}"] * len(x)

    monkeypatch.setattr(model, "answer", answer)
    model.train()
    said = tiny.task.answers(model, tiny.trainer, np.array([0, 4]), 3)
    assert said == ["no. 2", "no. 2"]
    assert not model.training
    tiny.task.answers(
        model, tiny.trainer, np.array([0]), 3, preface="now :", change=lambda model, batch: 0 * batch.x
    )
    batch = tiny.batch(np.array([0, 4]))
    assert asked == [
        (pytest.approx(float(batch.x[0].mean())), "what colour is it ?", 3),
        (pytest.approx(float(batch.x[1].mean())), "what shape is it ?", 3),
        (0.0, "now : what colour is it ?", 3),
    ]


def test_an_originals_facts_hold_what_moves_its_training(tiny):
    assert tiny.task.facts() == {"name": "vlm", "alignment": 1.0}
