"""What other programs leave in the environment is told, and never makes a run wait or stay silent."""

import pytest
from only_run import FT

import unlearn_cli as unlearn
from unlearn_cli.errors import InputError
from unlearn_cli.runtime import compute, process

TORCHRUN = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in process.OF_LAUNCHERS:
        monkeypatch.delenv(name, raising=False)


LEFT = [
    (
        {"RANK": "3"},
        "RANK=3: in the environment, but LOCAL_RANK and WORLD_SIZE and MASTER_ADDR and MASTER_PORT",
    ),
    ({"LOCAL_RANK": "0"}, "unset LOCAL_RANK, or start with torchrun"),
    ({"RANK": "1", "WORLD_SIZE": "4"}, "unset RANK WORLD_SIZE"),
    ({"RANK": "0", "WORLD_SIZE": "2"}, "LOCAL_RANK and MASTER_ADDR and MASTER_PORT are not set"),
    (TORCHRUN | {"RANK": "5"}, "of that many processes none has that number"),
    (TORCHRUN | {"RANK": "x"}, "of that many processes none has that number"),
]


@pytest.mark.parametrize(("left", "said"), LEFT)
def test_of_a_launcher(refused, monkeypatch, left, said):
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    assert said in refused(*FT)
    assert said in refused("-m", *FT)
    with pytest.raises(InputError, match=r"left over from another launcher\?"):
        unlearn.run(*FT)


@pytest.mark.parametrize(
    "left", [{}, {"RANK": "0"}, {"RANK": "0", "WORLD_SIZE": "1"}, {"WORLD_SIZE": "8"}, TORCHRUN]
)
def test_what_makes_a_run(monkeypatch, left):
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    process.check_launcher()


def test_who_waits_for_processes_that_never_come_is_told(monkeypatch, capsys):
    said = []
    monkeypatch.setattr(compute, "TOLD_AFTER", 0.0)
    monkeypatch.setattr(compute.log, "warning", lambda line, *values: said.append(line % values))
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with compute._telling_of_a_wait():
        compute.threading.Event().wait(0.2)
    assert said == [
        "process 0 of 2 (RANK, WORLD_SIZE) waits for the others; if there are none, unset these variables"
    ]
