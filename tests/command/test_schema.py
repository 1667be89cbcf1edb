"""`unlearn schema`: what editors are told of the YAML files is what the program takes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from draft7 import valid
from own_process import heavy_imports, in_own_process

from unlearn_cli.command import group_schemas
from unlearn_cli.config.catalogue import PLUGINS, conf_folder
from unlearn_cli.config.describe import Yaml

CONF = conf_folder()
HYDRAS_OWN = CONF / "hydra" / "sweeper" / "grid.yaml"
FILES = sorted({*CONF.rglob("*.yaml")} - {HYDRAS_OWN})


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    return group_schemas.schemas()


@pytest.fixture
def right(schemas):
    """right(schema, text): whether the YAML text is one of that schema."""
    return lambda name, text: valid(yaml.load(text, Loader=Yaml) or {}, schemas[name], schemas, name)


def named(file: Path) -> str:
    first, second, *_ = *file.relative_to(CONF).parts, ""
    return (
        "config"
        if first == "config.yaml"
        else group_schemas.file_name(f"{first}/{second}" if first == "hydra" else first)
    )


def test_every_file_is_valid_and_none_with_a_misspelt_key(right):
    for file in FILES:
        text = file.read_text()
        assert right(named(file), text), file
        assert not right(named(file), f"{text}\nmisspelt: 1\n"), file


def test_every_file_has_one_schema(monkeypatch, tmp_path):
    (tmp_path / "method").mkdir()
    monkeypatch.chdir(CONF.parent)
    monkeypatch.setattr("unlearn_cli.command.group_schemas.PLUGINS", [tmp_path])
    places = group_schemas.places()
    assert f"{tmp_path}/method/**/*.yaml" in places["method"]
    found = [
        (CONF.parent / path, name)
        for name, globs in places.items()
        for glob in globs
        if not Path(glob).is_absolute()
        for path in Path().glob(glob)
    ]
    assert sorted(found) == [(file, named(file)) for file in FILES]


SALUN = "_target_: unlearn_cli.methods.salun.SalUn\n"


@pytest.mark.parametrize(
    ("schema", "text", "good"),
    [
        ("method", f"{SALUN}lr: 1e-3", True),
        ("method", f"{SALUN}lr: ${{train.lr}}", True),
        ("method", f"{SALUN}lr: ???", True),
        ("method", f"{SALUN}lr: fast", False),
        ("method", f"{SALUN}lr: -1", False),
        ("method", f"{SALUN}max_steps: null", True),
        ("method", f"{SALUN}order: [paired]", False),
        ("method", f"{SALUN}order: pared", False),
        ("method", f"{SALUN}order: ${{oc.env:ORDER}}", True),
        ("method", f"{SALUN}beta: 1", False),  # of NegGrad+
        ("method", "beta: 1", True),  # a part of an option
        ("method", "bete: 1", False),
        ("method", "_target_: mine.Own\nanything: 1", True),
        ("config", "method: {beta: 1}\nseed: 3", True),
        ("config", "method: {bete: 1}", False),
        ("config", "forget: {lower: {epochs: 3}}", True),
        ("config", "forget: {lower: {epoch: 3}}", False),
        ("config", "eval: {attacks: {cce: {step: 3}}}", False),
        ("config", "oracle: perhaps", False),
        ("config", "oracle: auto", True),
        ("config", "oracle: {count: 3}", True),
        ("config", "oracle: {count: 0}", False),
        ("config", "train: {seed: 3}\nmethod: {seed: null}", True),
        ("task", "task: {other: next}", True),
        ("task", "other: next", True),
        ("task", "task: {others: next}", False),
        ("hydra_launcher", "where: slurm\nmem_gb: 4", True),
        ("hydra_launcher", "where: processes\nmem_gb: 4", False),
        ("train", "epochs: 1.5", False),
    ],
)
def test_values(right, schema, text, good):
    assert right(schema, text) == good


def test_descriptions_are_there_to_be_shown(schemas):
    salun = schemas["method"]["definitions"]["unlearn_cli.methods.salun.SalUn"]
    assert salun["properties"]["alpha"]["description"].startswith("α, weight of the retain term")


def test_the_command(unlearn, schemas, monkeypatch):
    monkeypatch.setattr(group_schemas, "schemas", lambda: schemas)
    end = unlearn("schema", "of/editor")
    assert end.code == 0, end.err
    assert "of/editor" in end.out
    written = {path.stem: json.loads(path.read_text()) for path in Path("of/editor").iterdir()}
    settings = written.pop("vscode")["yaml.schemas"]
    assert written == schemas
    assert settings["./of/editor/method.json"] == [f"{CONF}/method/**/*.yaml"]
    assert {Path(name).stem for name in settings} == {*schemas} - {"metric"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: FOLDER; unlearn schema --help shows what there is"),
        (["file.txt"], "file.txt: is a file; give a folder"),
    ],
)
def test_where_it_cannot_write(unlearn, schemas, monkeypatch, arguments, message):
    monkeypatch.setattr(group_schemas, "schemas", lambda: schemas)
    Path("file.txt").touch()
    end = unlearn("schema", *arguments)
    assert (end.code, end.out, end.error) == (2, "", message)


def test_a_class_of_ones_own_is_known(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_surgery.py").write_text(
        "from unlearn_cli.training.surgery import NoSurgery\nclass Own(NoSurgery):\n    share: float\n"
    )
    (tmp_path / "surgery").mkdir()
    (tmp_path / "surgery" / "own.yaml").write_text("_target_: own_surgery.Own\nshare: 0.5\n")
    monkeypatch.setattr("unlearn_cli.config.catalogue.PLUGINS", [*PLUGINS, tmp_path])
    made = group_schemas._group("surgery")
    for share, good in (("0.5", True), ("half", False)):
        node = {"_target_": "own_surgery.Own", "share": yaml.safe_load(share)}
        assert valid(node, made, {"surgery": made}, "surgery") == good


def test_its_help_imports_nothing_heavy():
    done = in_own_process("schema", "--help")
    assert heavy_imports(done) == []
