"""How answers are judged: those of models made by hand, which see a colour in the pixels or pretend."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from seeing_models import CAPTION, COLOUR, SHAPE, Seer, evaluation, judged

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.vlm.answers_by_row import as_bytes, as_texts
from unlearn_cli.evaluation.vlm.questioner import percent


def test_texts_come_back_from_bytes():
    texts = ["red", "", "kräftig 红 🔴", "a red circle"]
    rows = as_bytes(texts)
    assert rows.dtype == torch.uint8
    assert rows.shape == (4, 17)
    assert as_texts(rows) == texts
    assert as_texts(as_bytes(["", ""])) == ["", ""]


def test_share_in_percent():
    assert percent(np.array([True, False, False, False])) == 25
    assert percent(np.array([], dtype=bool)) == 0


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
