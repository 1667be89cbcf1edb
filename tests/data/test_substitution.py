"""Concepts are found as words and replaced as words."""

import pytest

from unlearn_cli.data.substitution import Substitution

CAT = Substitution("cat", "dog", "object")
GOGH = Substitution("Van Gogh", "a painting", "style")


@pytest.mark.parametrize(
    ("prompt", "replaced"),
    [
        ("a cat on a mat", "a dog on a mat"),
        ("Cat, cat and cat-like", "dog, dog and dog-like"),
        ("a category of cats", "a category of cats"),
    ],
)
def test_words_are_replaced_and_parts_of_words_are_not(prompt, replaced):
    assert CAT.to_anchor(prompt) == replaced
    assert CAT.is_named_in(prompt) == (prompt != replaced)


def test_the_concept_takes_the_anchors_place():
    assert CAT.to_concept("a dog in a doghouse") == "a cat in a doghouse"


def test_a_concept_of_several_words_and_signs():
    one = Substitution("R2-D2 (droid)", "a robot", "object")
    assert one.to_anchor("R2-D2 (droid) in the desert") == "a robot in the desert"


def test_a_style_is_appended_and_taken_away():
    prompt = "a painting of trees"
    styled = GOGH.to_concept(prompt)
    assert styled == "a painting of trees in the style of Van Gogh"
    assert GOGH.is_named_in(styled)
    assert GOGH.to_anchor(styled) == prompt
    assert not GOGH.is_named_in(prompt)
