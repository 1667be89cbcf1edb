"""Every method's numbers on task=text_to_image are those of its golden file."""

import pytest
from tiny_cases import cases

TASK = "text_to_image"


@pytest.mark.parametrize("case", cases(TASK))
def test_numbers_are_what_they_were(check, case):
    check(case)


@pytest.mark.parametrize("case", cases(TASK))
def test_a_model_that_is_read_back_is_the_one_that_was_made(golden, case):
    """Names, values and outputs, bit for bit: what a resumed evaluation goes on with."""
    golden.run(case)
    assert not golden.read_back[case]
