"""Prompts of files as people have them."""

import codecs
import json
import logging

import pytest

from unlearn_cli.data.prompt_files import Prompt, read_prompts
from unlearn_cli.errors import InputError

I2P = """case_number,prompt,categories,evaluation_seed,evaluation_guidance
0,"a dog, asleep","['shocking']",2557388,7.5
3,a car,,,
"""
ASLEEP, CAR = Prompt("a dog, asleep", 2557388, 6.5), Prompt("a car")


@pytest.fixture
def read(tmp_path):
    """read(name, content): the prompts of a file of that name and content."""

    def of(name: str, content: str | bytes) -> tuple[Prompt, ...]:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_prompts(file, "data.retain")

    return of


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("i2p.csv", I2P),
        ("i2p.CSV", codecs.BOM_UTF8 + I2P.encode()),
        ("windows.csv", I2P.replace("\n", "\r\n")),
        ("excel.csv", I2P.replace(",", ";").replace("dog;", "dog,").encode("utf-16")),
        ("tabs.tsv", I2P.replace(",", "\t").replace("dog\t", "dog,")),
        ("original.csv", I2P.replace("evaluation_seed,evaluation_guidance", "sd_seed, SD_guidance_scale")),
        (
            "list.json",
            json.dumps(
                [{"prompt": "a dog, asleep", "seed": 2557388, "guidance_scale": 7.5}, {"prompt": " a car "}]
            ),
        ),
        (
            "lines.jsonl",
            '{"prompt": "a dog, asleep", "seed": "2557388", "guidance_scale": 7.5}\n\n{"prompt": "a car"}\n',
        ),
    ],
)
def test_columns_are_read_by_name(read, name, content):
    assert read(name, content) == (ASLEEP, CAR)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.txt", "a dog, asleep\na car\n"),
        ("none", "a dog, asleep\r\n\r\n a car"),
        ("mark.txt", codecs.BOM_UTF8 + b"a dog, asleep\na car"),
        ("wide.txt", "a dog, asleep\na car".encode("utf-16")),
        ("strings.json", '["a dog, asleep", "a car"]'),
        ("named.json", '{"prompts": ["a dog, asleep", "a car"], "author": "nobody"}'),
        ("one.json", '{"captions": ["a dog, asleep", "a car"]}'),
        ("column.csv", 'prompt\n"a dog, asleep"\na car\n'),
    ],
)
def test_texts_alone(read, name, content):
    assert read(name, content) == (Prompt("a dog, asleep"), CAR)


def test_what_is_skipped_is_told_once(read, caplog):
    with caplog.at_level(logging.INFO, "unlearn"):
        for _ in range(2):
            assert read("twice.csv", "prompt,seed\na,1\n,5\na,2\nb,3\n") == (Prompt("a", 1), Prompt("b", 3))
    told = [record.getMessage().split(" of ")[0] for record in caplog.records]
    assert told == ["data.retain: 1 empty lines", "data.retain: 1 repetitions"]


def test_a_file_that_was_edited_is_read_again(read):
    assert read("prompts.txt", "a") == (Prompt("a"),)
    assert read("prompts.txt", "b") == (Prompt("b"),)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("other.csv", "index,words\n1,a dog\n", r"no column 'prompt'; there is index, words"),
        (
            "commas.csv",
            "prompt\na dog, asleep\n",
            r"'a dog…' has more columns than the header; quote its text",
        ),
        ("quote.csv", 'prompt\n"a dog\n', r"unexpected end of data"),
        ("seed.csv", "prompt,seed\na dog,first\n", r"seed is 'first', which is no number"),
        ("minus.csv", "prompt,seed\na dog,-1\n", r"a seed is a whole number from 0 on, not -1"),
        (
            "scale.csv",
            "prompt,evaluation_guidance\na dog,0.5\n",
            r"guidance is a scale of 1 or more, not 0\.5",
        ),
        (
            "scale.json",
            '[{"prompt": "a", "guidance_scale": Infinity}]',
            r"guidance_scale is inf, which is no number",
        ),
        ("cut.json", '["a dog"', r"Expecting ',' delimiter"),
        ("text.json", '"a dog"', r"no list of prompts"),
        ("mixed.json", '["a dog", 3]', r"neither strings nor objects with a 'prompt'"),
        ("latin.txt", "été".encode("latin-1"), r"'utf-8' codec can't decode"),
        ("empty.csv", "prompt\n", r"is empty"),
        ("empty.json", "[]", r"is empty"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(read, name, content, told):
    with pytest.raises(
        InputError, match=rf"^data\.retain: '.*{name}' .*{told}.*; give a list, or a file"
    ) as error:
        read(name, content)
    assert "\n" not in str(error.value)
