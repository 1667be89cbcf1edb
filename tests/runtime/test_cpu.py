"""What the processor is called, and how many of its cores are ours."""

import os

import pytest

from unlearn_cli.runtime import cpu

CPUINFO = """processor\t: 0
model name\t: Some Processor @ 2 GHz
flags\t\t: fpu avx512_bf16 amx_tile amx_bf16

processor\t: 1
model name\t: Another
"""


@pytest.fixture(autouse=True)
def _fresh():
    cpu.cpu_name.cache_clear()
    yield
    cpu.cpu_name.cache_clear()


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """groups(path, quotas): this process is in the control group of that path; quotas by folder."""

    def of(path: str, quotas: dict[str, str]) -> None:
        (tmp_path / "own").write_text(f"1:cpu:/old\n0::/{path}\n")
        for folder, text in quotas.items():
            place = tmp_path / "cgroup" / folder
            place.mkdir(parents=True, exist_ok=True)
            (place / "cpu.max").write_text(text)
        monkeypatch.setattr(cpu, "OWN_CGROUP", tmp_path / "own")
        monkeypatch.setattr(cpu, "CGROUPS", tmp_path / "cgroup")
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)

    return of


def test_its_name_tells_what_it_has_for_bf16(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    assert cpu.cpu_name() == "Some Processor @ 2 GHz, avx512_bf16, amx_bf16"


@pytest.mark.parametrize(
    ("told", "may"),
    [
        ("flags: fpu amx_bf16", True),
        ("Features : fp asimd bf16", True),
        ("flags: fpu avx2", False),
        ("Features: fp asimd", False),
        ("processor: 0", True),
    ],
)
def test_bf16_is_ruled_out_where_linux_lists_what_there_is(tmp_path, monkeypatch, told, may):
    (tmp_path / "cpuinfo").write_text(told)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    assert cpu.may_have_bf16() == may


def test_a_system_that_tells_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "none")
    assert cpu.cpu_name()
    assert cpu.may_have_bf16()


@pytest.mark.parametrize(
    ("path", "quotas", "cores"),
    [
        ("", {"": "max 100000\n"}, 64),
        ("", {"": "400000 100000\n"}, 4),
        ("a/b", {"a": "150000 100000\n", "a/b": "max 100000\n"}, 2),
        ("a/b", {"a/b": "1000 100000\n"}, 1),
        ("a", {}, 64),
    ],
    ids=["all", "a container", "its parent", "less than one", "unknown"],
)
def test_cores_that_are_granted(groups, path, quotas, cores):
    groups(path, quotas)
    assert cpu.granted_cores() == cores


def test_without_control_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(cpu, "OWN_CGROUP", tmp_path / "none")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert cpu.granted_cores() == 2


@pytest.mark.parametrize(
    ("given", "spins"), [({}, "1000"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None), ({"GOMP_SPINCOUNT": "0"}, "0")]
)
def test_threads_wait_briefly_unless_told_otherwise(monkeypatch, given, spins):
    monkeypatch.setattr(os, "environ", dict(given))
    cpu.wait_briefly()
    assert os.environ == {"OMP_WAIT_POLICY": "PASSIVE"} | given | ({"GOMP_SPINCOUNT": spins} if spins else {})
