"""Every method's numbers on task=vlm are those of its golden file."""

import pytest
from tiny_cases import cases

TASK = "vlm"


@pytest.mark.parametrize("case", cases(TASK))
def test_numbers_are_what_they_were(check, case):
    check(case)
