"""The problem of a file's task, whose cases share an original, and its numbers as they were written."""

from collections.abc import Callable, Iterator

import pytest
import torch
from golden_files import COMMAND, written
from golden_numbers import differences, nonsense
from golden_runs import Golden


@pytest.fixture(scope="module")
def golden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Golden]:
    """Of the file's TASK, with one thread, as the numbers were written."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Golden(request.module.TASK, tmp_path_factory.mktemp("golden"))
    torch.set_num_threads(threads)


@pytest.fixture
def check(golden: Golden) -> Callable[[str], None]:
    """check(case): its numbers are there, make sense and are what they were."""

    def of(case: str) -> None:
        was = written(golden.task).get(case)
        assert was, f"no golden numbers of {case}: {COMMAND} {golden.task}"
        found = golden.run(case)
        assert not nonsense(found, golden.run("original"), case)
        lines = differences(was, found, exact=False)
        assert not lines, "\n".join([*lines, f"if they are meant to differ: {COMMAND} {golden.task}"])

    return of
