"""Damaged files of every form: read as they are, or refused in a line; no other exception."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fuzz.examples import always_the_same
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from safetensors.torch import save_file

from unlearn_cli.data.prompt_files import read_prompts
from unlearn_cli.errors import UnlearnError
from unlearn_cli.forget.index_file import read_index_file
from unlearn_cli.models.delta import facts_of
from unlearn_cli.models.state_dict import read_state_dict
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.run_config import read_yaml
from unlearn_cli.storage.sealed import read_sealed, write_sealed
from unlearn_cli.storage.status import read_status, write_status
from unlearn_cli.storage.tensors import read_tensors, write_tensors

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.zeros(2)}
PROMPTS = [{"prompt": "a photo of a cat", "seed": 3, "guidance_scale": 7.5}, {"prompt": "größer, “so”"}]


def prompts(file: Path) -> None:
    read_prompts(file, "data.prompts")


def of_folder(read: Callable[[Path], Any]) -> Callable[[Path], None]:
    return lambda file: read(file.parent)


FILES: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "rows.txt": (lambda file: file.write_text("3\n5\n8\n"), read_index_file),
    "rows.csv": (lambda file: file.write_text("index,why\n3,a\n5,b\n"), read_index_file),
    "rows.json": (lambda file: file.write_text('{"rows": [3, 5], "seed": 1}'), read_index_file),
    "rows.jsonl": (lambda file: file.write_text('{"index": 3}\n{"index": 5}\n'), read_index_file),
    "rows.npy": (lambda file: np.save(file, np.arange(9)), read_index_file),
    "rows.npz": (lambda file: np.savez(file, rows=np.arange(9)), read_index_file),
    "rows.pt": (lambda file: torch.save(torch.arange(9), file), read_index_file),
    "prompts.txt": (lambda file: file.write_text("a cat\na dog\n"), prompts),
    "prompts.csv": (lambda file: file.write_text('prompt,seed\n"a, cat",3\na dog,4\n'), prompts),
    "prompts.json": (lambda file: file.write_text(json.dumps(PROMPTS)), prompts),
    "weights.pt": (lambda file: torch.save({"state_dict": TENSORS}, file), read_state_dict),
    "weights.safetensors": (lambda file: save_file(TENSORS, file, {"format": "pt"}), read_state_dict),
    "delta.safetensors": (lambda file: write_tensors(file, TENSORS, {"facts": '{"seed": 1}'}), facts_of),
    "scores.safetensors": (lambda file: write_tensors(file, TENSORS), read_tensors),
    "config.yaml": (lambda file: file.write_text("seed: 0\nmethod:\n  lr: 0.1\n  k: [1, 2]\n"), read_yaml),
    "metrics.json": (lambda file: write_sealed(file, {"metrics": {"UA": 12.5}}), read_sealed),
    "status.json": (lambda file: write_status(file.parent, "finished", None, {}), of_folder(read_status)),
}
"""By name: what writes a good one, what reads it."""


@st.composite
def harm(draw: DrawFn, content: bytes) -> bytes:
    """Cut, flipped, overwritten, doubled in part, with foreign bytes within, or something else altogether."""
    for _ in range(draw(st.integers(1, 3))):
        begin, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
        part = content[begin:end]
        foreign = draw(st.one_of(st.binary(max_size=40), st.sampled_from(FOREIGN)))
        content = draw(
            st.sampled_from(
                [
                    *(content[:begin], content[begin:], content[:begin] + content[end:]),
                    *(content[:begin] + foreign + content[begin:], content[:begin] + foreign + content[end:]),
                    content[:begin] + bytes(byte ^ 1 for byte in part[:1]) + content[begin + 1 :],
                    *(
                        content[:end] + part + content[end:],
                        content[:begin] + bytes(len(part)) + content[end:],
                    ),
                    foreign,
                ]
            )
        )
    return content


FOREIGN = [
    *(
        b"null",
        b"{}",
        b"[]",
        b"[" * 5000,
        b'{"a":' * 3000,
        b"9" * 5000,
        b"-1",
        b"NaN",
        b"1e999",
        b'"',
        b"\n",
        b",",
    ),
    *(
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\x00",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
        b"\x93NUMPY\x01\x00",
        b"\x80\x04",
    ),
    *(b"&a [*a, *a]", b"!!python/object:os.system", b"${oc.env:HOME}", b"\x1b[31m"),
]


def broken(name: str, count: int, folder: Path) -> list[str]:
    """Of so many damaged files of that name: what ended otherwise than it should."""
    write, read = FILES[name]
    file, faults = folder / name, []
    write(file)
    whole = file.read_bytes()
    read(file)

    @always_the_same(count)
    @given(harm(whole))
    def each(content: bytes) -> None:
        file.write_bytes(content)
        try:
            read(file)
        except (UnlearnError, Damaged, ValueError) as error:
            if len(str(error).splitlines()) > 1 or len(str(error)) > 600:
                faults.append(f"{len(str(error))} letters: {error!s:.200} of {content[:80]!r}")
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error!s:.200} of {content[:80]!r}")

    each()
    return faults


@pytest.mark.parametrize("name", FILES)
def test_some_damaged_files(name, tmp_path):
    found = broken(name, 25, tmp_path)
    assert not found, "\n".join(found)


@pytest.mark.thorough
@pytest.mark.parametrize("name", FILES)
def test_a_thousand_damaged_files(name, tmp_path):
    found = broken(name, 1000, tmp_path)
    assert not found, "\n".join(found)
