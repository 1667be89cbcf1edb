"""Every method's numbers on task=text_to_image are those of its golden file."""

import pytest
from tiny_cases import cases

TASK = "text_to_image"


@pytest.mark.parametrize("case", cases(TASK))
def test_numbers_are_what_they_were(check, case):
    check(case)
