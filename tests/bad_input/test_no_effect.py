"""Choices that would change nothing: refused before anything is trained, with what composes."""

import pytest

REFUSED = [
    ("mask=saliency method=original", "mask: 'saliency' would change nothing", "be, bs, cf_k"),
    ("mask=saliency method=retrain", "mask: 'saliency' would change nothing", "set mask=none"),
    ("mask=saliency method=checkpoint method.path=m.pt", "mask: 'saliency' would change nothing", "ga"),
    ("task=clip method=adu mask=saliency", "mask: 'saliency' would change nothing", "cliperase, clipfit"),
    ("task=clip method=coop mask=saliency", "mask: 'saliency' would change nothing", "null_space"),
    ("task=clip method=bbf mask=saliency", "mask: 'saliency' would change nothing", "task_vector"),
    ("task=clip method=lp_plus_plus mask=saliency", "mask: 'saliency' would change nothing", "subgroup"),
    ("task=vlm method=sauce mask=saliency", "mask: 'saliency' would change nothing", "manu"),
    ("task=text_to_image method=saeuron mask=saliency", "mask: 'saliency' would change nothing", "uce"),
    ("method=ga mask=saliency mask.fraction=1e-9", "mask.fraction: 1e-09 of", "or more"),
    ("method=ga mask=saliency mask.fraction=1", "mask.fraction: 1 of", "set mask=none"),
    (
        "task=clip method=ft method.parameters=text mask=saliency",
        "mask: it ranks weights like",
        "method.parameters=null",
    ),
    ("method=ga surgery=concept_preserving", "surgery: 'concept_preserving' needs", "neggrad_plus, rl"),
    ("method=retrain surgery=concept_preserving", "surgery: 'concept_preserving' needs", "erasediff"),
    ("method=scrub surgery=concept_preserving", "surgery: 'concept_preserving' needs", "surgery=none"),
    (
        "method=rl method.order=sequential surgery=concept_preserving",
        "method=rl has not both with these values",
        "surgery=none",
    ),
    (
        "method=neggrad_plus method.beta=0 surgery=concept_preserving",
        "method=neggrad_plus has not both with these values",
        "surgery=none",
    ),
    ("task=vlm method=npo method.retain=none surgery=concept_preserving", "method=npo has not", "simnpo"),
    ("task=clip method=task_vector method.scales=[0]", "method.scales: ", "one above 0"),
    ("task=clip method=subgroup method.shares=[1,1.0]", "method.shares: ", "one below 1"),
    ("task=clip method=null_space method.beta=0", "method.beta: input should be greater than 0", "got 0"),
    (
        "task=clip method=cliperase method.forget_weight=0 method.retain_weight=0 "
        "method.consistency_weight=0",
        "method.forget_weight, method.retain_weight, method.consistency_weight: all are 0",
        "one above 0",
    ),
    (
        "task=vlm method=siu method.ce_weight=0 method.dmk_weight=0",
        "method.ce_weight, method.dmk_weight: all are 0",
        "one above 0",
    ),
    (
        "method=scrub method.msteps=0 method.alpha=0 method.gamma=0",
        "method.msteps, method.alpha, method.gamma: all are 0",
        "one above 0",
    ),
    (
        "task=text_to_image method=doco method.warm_up=5 method.max_steps=5",
        "method.warm_up: of 5 steps in all the first 5 leave the model as it is",
        "give fewer",
    ),
    (
        "method=rl surgery=concept_preserving surgery.strength=0",
        "surgery.strength: input should be greater than 0",
        "got 0",
    ),
    ("task=text_to_image method=esd surgery=concept_preserving", "method=esd has not both;", "ca, doco"),
]


@pytest.mark.parametrize(("wrong", "said", "remedy"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_choice_without_effect(refused, wrong, said, remedy):
    message = refused(*wrong.split())
    assert said in message
    assert remedy in message


def test_of_several_values_of_a_key_it_is_said_which_counts(unlearn):
    end = unlearn("seed=1", "method=ft", "seed=2", "--cfg", "job")
    assert end.code == 0
    assert "seed: given more than once; the last, seed=2, is taken" in end.err
    assert "seed: 2" in end.out
    assert "given more" not in unlearn("seed=1", "method=ft", "seed=1", "--cfg", "job").err
