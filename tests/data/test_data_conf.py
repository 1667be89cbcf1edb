"""Every YAML of the groups data and forget names a settings class and gives just its fields."""

from pathlib import Path

import pytest
import yaml

from unlearn_cli.experiment import build

CONF = Path(__file__).parents[2] / "conf"
FILES = sorted([*CONF.glob("data/*.yaml"), *CONF.glob("forget/*.yaml")])
FILES.remove(CONF / "forget/worst_case.yaml")  # a lower level stands in another file; whole runs build it
PIPELINE = yaml.safe_load((CONF / "model/sd15.yaml").read_text())
GIVEN = {"seed": 0, "file": "rows.txt", "column": "Male", "values": [True], "query": "Male == 1"}
GIVEN |= {"pipeline": PIPELINE, "concept": "parachute", "anchor": "airplane", "kind": "object"}
SAMPLER = yaml.safe_load((CONF / "sampler/ddim.yaml").read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_yaml_fits_its_class(file):
    command, description, *_ = file.read_text().splitlines()
    assert command.startswith("# unlearn ")
    assert f"{file.parent.name}={file.stem}" in command
    assert description.startswith("# ")
    node = yaml.safe_load(file.read_text())
    if "/sampler@sampler: ddim" in file.read_text():
        node["sampler"] = SAMPLER | node["sampler"]
    node.pop("defaults", None)
    left_open = {key for key, value in node.items() if value == "???" or str(value).startswith("${")}
    if file.stem == "indices":  # one of two is given
        node["file"] = GIVEN["file"]
    settings = build(node | {key: GIVEN[key] for key in left_open}, file.parent.name)
    if file.parent.name == "data":
        assert settings.name == file.stem
