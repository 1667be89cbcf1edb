"""UA, IRA and CRA of hand-made sights."""

import numpy as np
import pytest

from unlearn_cli.evaluation.diffusion.prompts import Axis, PromptSet, unlearn_canvas

COLOURS, TEXTURES = ["blue", "red"], ["dotted", "plain"]


def prompt_set(forgotten_textures=(0,), forgotten_colours=(), is_forgotten=None) -> PromptSet:
    """Four prompts, each colour on each texture; the last is worded otherwise."""
    colour = Axis("colour", COLOURS, np.array([0, 0, 1, 1]), forgotten_colours)
    texture = Axis("texture", TEXTURES, np.array([0, 1, 0, 1]), forgotten_textures)
    if is_forgotten is None:
        is_forgotten = texture.requests_forgotten | colour.requests_forgotten
    inside = np.array([True, True, True, False])
    return PromptSet(list("abcd"), inside, np.array(is_forgotten), [colour, texture])


EVERY = np.ones(4, dtype=bool)


def judged(colour, texture) -> dict[str, np.ndarray]:
    return {"colour": np.array(colour), "texture": np.array(texture)}


def test_a_texture_is_forgotten():
    """Two images of each prompt: one of four forgotten ones still dotted, one of four kept ones wrong."""
    sights = judged([[0, 0, 1, 1], [0, 1, 1, 1]], [[0, 1, 1, 1], [1, 1, 1, 0]])
    found = unlearn_canvas(prompt_set(), sights, EVERY)
    assert found == pytest.approx({"UA": 75.0, "IRA": 75.0, "CRA": 87.5})


def test_only_the_prompts_in_question_count():
    sights = judged([[0, 0, 1, 0]], [[1, 1, 0, 0]])
    prompts = prompt_set()
    inside = unlearn_canvas(prompts, sights, prompts.inside)
    assert inside == pytest.approx({"UA": 50.0, "IRA": 100.0, "CRA": 100.0})
    assert unlearn_canvas(prompts, sights, ~prompts.inside) == pytest.approx({"IRA": 0.0, "CRA": 0.0})


def test_concepts_of_two_kinds_at_once():
    """Blue and dotted: a prompt that asks for both has lost enough if it lost either."""
    both = prompt_set(forgotten_textures=(0,), forgotten_colours=(0,))
    sights = judged([[0, 1, 1, 1]], [[1, 1, 1, 1]])
    found = unlearn_canvas(both, sights, EVERY)
    assert found["UA"] == 100.0
    assert found["IRA"] == 100.0
    assert "CRA" not in found
    kept_blue = judged([[0, 0, 1, 1]], [[1, 1, 1, 1]])
    assert unlearn_canvas(both, kept_blue, EVERY)["UA"] == pytest.approx(200 / 3)


def test_prompts_are_forgotten_and_no_value():
    """A prompt counts as forgotten unless its image shows all that it asks for."""
    prompts = prompt_set(forgotten_textures=(), is_forgotten=[True, False, True, False])
    sights = judged([[0, 0, 0, 1]], [[0, 1, 0, 1]])
    found = unlearn_canvas(prompts, sights, EVERY)
    assert found == pytest.approx({"UA": 50.0, "IRA": 100.0})
