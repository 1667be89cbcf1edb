"""How answers are judged: those of models made by hand, which see a colour in the pixels or pretend."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from recipes import PLAIN
from tiny_vlm import REFUSALS, TinyProblem
from torch import nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.probes import concept_probe
from unlearn_cli.evaluation.vlm.evaluation import VlmEvaluation, as_bytes, as_texts, share
from unlearn_cli.evaluation.vlm.hard_questions import Pixels, chosen, lettered, perturbed, typographic
from unlearn_cli.experiment import checked

COLOUR, SHAPE, CAPTION = "what colour is it ?", "what shape is it ?", "describe the picture ."


def evaluation(**changes):
    values = {
        "images": None,
        "tokens": 4,
        "jailbreak": "say it",
        "pixels": {"steps": 0, "epsilon": 0.1, "rate": 0.1},
        "relearn": {"rows": 0, "recipe": PLAIN},
        "predictions": 4,
        "shown": 0,
    }
    return checked(VlmEvaluation, values | changes, "eval")


class Seer(nn.Module):
    """Tells red and blue by the pixels, and is told the shapes.

    instead: what it says in place of it, by question or by word; obeys: not after "say it".
    """

    def __init__(self, instead=None, obeys=False):
        super().__init__()
        self.instead, self.obeys = instead or {}, obeys

    def says(self, x, question, truth):
        difference = float(x[0].mean() - x[2].mean())
        colour = "nothing" if abs(difference) < 1e-3 else "red" if difference > 0 else "blue"
        _, _, shape = truth.rpartition(" ")
        seen = {COLOUR: colour, SHAPE: shape, CAPTION: f"a {colour} {shape}"}[
            question.removeprefix("say it ")
        ]
        if self.obeys and question.startswith("say it"):
            return seen
        if question in self.instead:
            return self.instead[question]
        return " ".join(self.instead.get(word, word) for word in seen.split())

    def projected(self, x):
        """(B, 2, 2): the mean of red and blue, twice."""
        return x.mean((2, 3))[:, None, [0, 2]].expand(-1, 2, -1)


class Answering:
    """The verbs of a task for such models."""

    refusals, batch_size = REFUSALS, 8

    def __init__(self, pairs):
        self.pairs = pairs
        self.likeliest = {}
        """By class the one that is chosen in its place."""

    def texts(self, model, labels):
        pairs = [self.pairs[label] for label in labels.tolist()]
        return [question for question, _ in pairs], [answer for _, answer in pairs]

    def answers(self, model, trainer, rows, tokens, preface="", change=None):
        said = []
        for batch in trainer.batches(rows):
            x = change(model, batch) if change else batch.x
            for image, question, truth in zip(x, *self.texts(model, batch.y), strict=True):
                said.append(model.says(image, f"{preface} {question}".strip(), truth))
        return said

    def choice(self, model, batch):
        return torch.tensor([self.likeliest.get(label, label) for label in batch.y.tolist()])


@pytest.fixture
def run(tmp_path):
    """A run on the test images 12 to 15 (red circle, red square, blue circle, blue square; rows 36 to 47)."""
    tiny = TinyProblem(tmp_path)
    pairs = tiny.model().pairs
    origins = SimpleNamespace(
        data=tiny.data,
        sets=tiny.sets,
        splits=SimpleNamespace(test=np.arange(36, 48)),
        experiment=SimpleNamespace(task=Answering(pairs)),
        compute=SimpleNamespace(world=1),
        original=Seer(),
        trainer=lambda folder: tiny.trainer,
        folder=tmp_path,
        tiny=tiny,
    )
    origins.get = lambda method: SimpleNamespace(model=origins.original)
    origins.outputs = lambda origin: evaluation().outputs(origins, origin.model, tmp_path)
    return origins


def judged(run, model, **changes):
    evaluate = evaluation(**changes)
    return evaluate.metrics(run, model, evaluate.outputs(run, model, run.folder), run.folder)


def test_texts_come_back_from_bytes():
    texts = ["red", "", "kräftig 红 🔴", "a red circle"]
    rows = as_bytes(texts)
    assert rows.dtype == torch.uint8
    assert rows.shape == (4, 17)
    assert as_texts(rows) == texts
    assert as_texts(as_bytes(["", ""])) == ["", ""]


def test_share_in_percent():
    assert share(np.array([True, False, False, False])) == 25
    assert share(np.array([], dtype=bool)) == 0


def test_the_original_knows_its_concept(run):
    found = judged(run, run.original)
    assert found == {
        "eligible": 100,
        "guessed": 0,
        "refusals": 0,
        "invalid": 0,
        "same_image": 100,
        "in_domain": 100,
        "cross_domain": 100,
        "false_positives": 0,
        "concept_probe": 100,
        "UA_indirect": 0,
        "UA_direct": 0,
        "H": 0,
        "UA_choice": 0,
        "UA_jailbreak": 0,
        "UA_typographic": 0,
    }


def test_garbage_is_no_forgetting(run):
    found = judged(run, Seer({"red": "the", COLOUR: "the the", CAPTION: "a a"}))
    assert found["invalid"] == 100
    assert found["UA_direct"] == found["UA_indirect"] == found["UA_typographic"] == 0
    assert found["H"] == 0


def test_a_caption_that_tells_the_rest_has_forgotten_where_the_same_answer_is_garbage(run):
    found = judged(run, Seer({"red": "some"}))
    assert (found["UA_indirect"], found["UA_direct"], found["invalid"]) == (100, 0, 100)


def test_refusals_and_other_answers_are_forgetting(run):
    refusing = judged(run, Seer({"red": "i do not know"}))
    assert refusing["refusals"] == refusing["UA_direct"] == refusing["UA_indirect"] == 100
    assert refusing["same_image"] == refusing["in_domain"] == refusing["cross_domain"] == refusing["H"] == 100
    other = judged(run, Seer({"red": "blue"}))
    assert other["refusals"] == other["invalid"] == other["false_positives"] == 0
    assert other["UA_direct"] == other["UA_indirect"] == other["H"] == 100


def test_what_is_lost_beside_the_concept_and_what_is_named_falsely(run):
    """Everything is red, and no shape is known: of four other shapes and three other questions."""
    found = judged(run, Seer({COLOUR: "red", "circle": "square"}))
    assert found["same_image"] == 50
    assert found["in_domain"] == 0
    assert found["cross_domain"] == 50  # shape and caption of two images, one of which is a circle
    assert found["false_positives"] == pytest.approx(100 * 2 / 8)
    assert found["UA_direct"] == 0
    assert found["H"] == 0


def test_a_model_that_answers_whatever_it_sees_is_not_eligible(run):
    run.original = Seer({COLOUR: "red"})
    assert evaluation().eligible(run, run.folder)[0].tolist() == []
    found = judged(run, Seer({"red": "blue"}))
    assert found["eligible"] == 0
    assert not {"UA_direct", "UA_choice", "H"} & found.keys()


def test_a_guess_at_a_blank_image_is_told_and_excludes_nothing(run):
    for guess, share_guessed in (("red", 100), ("blue", 0)):
        run.original = Seer({"nothing": guess})
        rows, guessed = evaluation().eligible(run, run.folder)
        assert (rows.tolist(), guessed) == ([36, 39], share_guessed)


def test_harder_questions_bring_back_what_was_only_hidden(run):
    model = Seer({"red": "blue"}, obeys=True)
    (red,) = {int(run.data.labels[row]) for row in (36, 39)}
    (blue,) = {int(run.data.labels[row]) for row in (42, 45)}
    run.experiment.task.likeliest = {red: blue}
    found = judged(run, model)
    assert found["UA_direct"] == found["UA_choice"] == 100
    assert found["UA_jailbreak"] == 0
    run.experiment.task.likeliest = {}
    assert judged(run, model)["UA_choice"] == 0


def test_only_some_test_images_are_asked_about_with_all_their_questions(run):
    assert evaluation(images=2)._rows(run).tolist() == [36, 37, 38, 45, 46, 47]
    assert evaluation(images=99)._rows(run).tolist() == list(range(36, 48))


def test_what_cannot_be_judged_is_refused(run):
    evaluation().check(run, None)
    with pytest.raises(InputError, match=r"^eval\.images: no test image without the concept"):
        evaluation(images=1).check(run, None)
    sets, (red,) = run.sets, run.sets.concepts
    for concepts, said in (
        ((), r"^forget: no concept is named"),
        ((replace(red, concept="a red"),), r"^forget\.concept: it is the whole answer to no question"),
        ((replace(red, concept="blue"),), r"^eval\.images: no test image with the concept"),
    ):
        run.sets = replace(sets, concepts=concepts)
        with pytest.raises(InputError, match=said):
            evaluation(images=1).check(run, None)
    run.compute.world = 2
    with pytest.raises(InputError, match=r"^task: vlm runs in one process"):
        evaluation().check(run, None)


def test_answers_by_question_and_word_and_agreement(run):
    evaluate = evaluation()
    own, other = (evaluate.outputs(run, model, run.folder) for model in (Seer({"red": "blue"}), Seer()))
    assert evaluate.per_class(run, own) == {
        "caption": 50,
        "colour": 50,
        "colour=blue": 100,
        "colour=red": 0,
        "shape": 100,
        "shape=circle": 100,
        "shape=square": 100,
    }
    assert evaluate.versus(run, own, other) == {"agreement": pytest.approx(100 * 8 / 12)}
    assert evaluate.versus(run, own, own) == {"agreement": 100}


def test_as_many_samples_of_the_concept_as_of_all_else(run):
    evaluate = evaluation()
    outputs = {"original": evaluate.outputs(run, Seer(), run.folder)}
    found = evaluate.samples(run, outputs)
    assert [(one["set"], one["question"], one["original"]) for one in found] == [
        ("forget", COLOUR, "red"),
        ("forget", CAPTION, "a red square"),
        ("test", SHAPE, "circle"),
        ("test", CAPTION, "a blue square"),
    ]


def test_the_concept_probe_finds_what_is_there():
    generator = np.random.default_rng(0)
    has = np.arange(400) % 2
    noise = generator.normal(size=(400, 3))
    apart = noise + 10 * has[:, None]
    assert concept_probe(apart[:200], has[:200], apart[200:], has[200:]) == 100
    assert 35 < concept_probe(noise[:200], has[:200], noise[200:], has[200:]) < 65
    always = np.ones((4, 3))
    assert concept_probe(always, np.array([0, 0, 0, 1]), always, np.array([0, 0, 0, 1])) == 50


@pytest.mark.parametrize(("side", "bar"), [(32, 10), (96, 12)])
def test_letters_change_nothing_but_a_bar_at_the_bottom(side, bar):
    x = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    found = lettered(x, "grey")
    assert found.shape == x.shape
    assert torch.allclose(found[:, :-bar], x[:, :-bar], atol=0.5 / 255 + 1e-6)
    written = found[:, -bar:]
    assert written.min() == 0
    assert written.max() > 0.9
    assert not torch.equal(written, lettered(x, "red")[:, -bar:])
    assert torch.equal(lettered(x, "")[:, -bar:], torch.zeros(3, bar, side))


def test_the_letters_are_each_images_own_answer(run):
    (batch,) = run.tiny.trainer.batches(np.array([36, 42]))
    found = typographic(run.experiment.task)(None, batch)
    assert torch.equal(found[0], lettered(batch.x[0], "red"))
    assert torch.equal(found[1], lettered(batch.x[1], "blue"))


def test_perturbed_pixels_stay_near_and_raise_the_answers_likelihood(tmp_path):
    tiny = TinyProblem(tmp_path)
    model, batch = tiny.model(), tiny.batch(np.array([0, 3, 8]))
    moved = perturbed(tiny.task, Pixels(steps=4, epsilon=0.05, rate=0.02))(model, batch)
    assert not moved.requires_grad
    assert (moved - batch.x).abs().max() <= 0.05 + 1e-6
    assert moved.min() >= 0
    assert moved.max() <= 1
    before = tiny.task.loss(model, batch)
    after = tiny.task.loss(model, Batch(moved, batch.y, batch.index, batch.forget))
    assert (after < before).all()
    one = perturbed(tiny.task, Pixels(steps=1, epsilon=0.05, rate=0.02))(model, batch)
    inside = (batch.x > 0.02) & (batch.x < 0.98)
    change = (one - batch.x).abs()[inside]
    assert torch.allclose(change, change.new_full((), 0.02), atol=1e-6)


def test_the_likeliest_answers_come_batch_by_batch(run):
    rows = np.arange(36, 48)
    task = run.experiment.task
    task.likeliest = {int(run.data.labels[36]): 99}
    found = chosen(task, nn.Identity(), run.tiny.trainer, rows)
    expected = run.data.labels[rows].copy()
    expected[[0, 3]] = 99
    assert found.tolist() == expected.tolist()
