"""What a request leaves in the run's folder, and what is refused once a file of it is another."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_run import unlearn

from unlearn_cli.certificate.limits import not_shown
from unlearn_cli.certificate.record import recognised
from unlearn_cli.certificate.sealed_record import digest_of
from unlearn_cli.cli import main

REASON = "a reason that names Ada Lovelace"
GA = ("method=ga", "method.epochs=1")


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """A folder with the outputs of a run that answers a request."""
    place = tmp_path_factory.mktemp("certified")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        asked = {"id": "2026-0117", "date": "2026-11-30", "reason": REASON, "query": "label == '3'"}
        Path("request.json").write_text(json.dumps(asked))
        unlearn("forget=request", "forget.file=request.json", "oracle.count=2", *GA)
    return place


@pytest.fixture
def run(certified, tmp_path, monkeypatch):
    """A copy of the run's folder, to be changed; the store is where it was."""
    monkeypatch.chdir(certified)
    (folder,) = (file.parent for file in Path("outputs").rglob("certificate.json"))
    return Path(shutil.copytree(folder, tmp_path / "run"))


@pytest.fixture
def verify(monkeypatch, capsys):
    def call(folder):
        monkeypatch.setattr(sys, "argv", ["unlearn", "verify", str(folder)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def test_what_it_says(run):
    record = json.loads((run / "certificate.json").read_text())
    manifest = json.loads((run / "forget.json").read_text())
    found = json.loads((run / "metrics.json").read_text())
    assert record["request"].keys() == {"id", "date", "sha256", "rows_asked_for"}
    assert list(record["forgotten"]["rows"]) == [str(row) for row in manifest["indices"]]
    assert record["forgotten"]["fingerprint"] == manifest["fingerprint"]
    assert record["data"]["fingerprint"] == manifest["data_fingerprint"]
    assert record["splits"]["fingerprint"] == manifest["split_fingerprint"]
    assert record["evidence"]["metrics"] == found["metrics"]
    assert record["evidence"]["oracle"] == found["oracle"]
    count, original = len(record["forgotten"]["rows"]), found["original"]["UA"]
    recognised = record["evidence"]["sentences"][0]
    assert recognised.startswith(f"Of the {count} forgotten rows this model still classifies ")
    assert f"; the original {count - round(count * original / 100)}; the oracle " in recognised
    assert record["choices"]["method"] == "ga"
    assert record["values"]["method"]["epochs"] == 1
    assert record["inputs"].keys() == {"forget.file"}
    assert record["models"].keys() == {"original", "oracle", "oracle of seed 1"}
    assert {"model.safetensors", "metrics.json", "config.yaml", "forget.json"} <= record["files"].keys()
    assert record["versions"]["packages"]["torch"]
    assert any("no training rows" in sentence for sentence in record["not_shown"])
    assert not any("oracle.count=3" in sentence for sentence in record["not_shown"])
    assert record["digest"] == digest_of(record)


@pytest.mark.parametrize(
    ("oracle", "floor", "said"),
    [(None, None, "no model retrained"), ({"UA": 9}, None, "oracle.count=3"), ({"UA": 9}, {"UA": 1}, "")],
)
def test_what_a_gap_does_not_show(oracle, floor, said):
    experiment = SimpleNamespace(method=None, config={})
    sentences = not_shown(experiment, {"oracle": oracle, "floor": floor}, asked=3, forgotten=3, copies=0)
    about_oracles = [one for one in sentences if "no model retrained" in one or "oracle.count=3" in one]
    assert [said in one for one in about_oracles] == [True] * bool(said)


def test_an_evaluation_of_one_s_own_that_counts_no_forgotten_rows():
    counted = {"choices": {"task": "classification"}, "original": {"UA": 0.0}, "oracle": None}
    assert recognised(counted | {"metrics": {"UA": 75.0}}, 4) == [
        "Of the 4 forgotten rows this model still classifies 1 right; the original 4."
    ]
    assert recognised(counted | {"metrics": {"mine": 1.0}}, 4) == []


def test_the_page_needs_nothing_and_names_nobody(run):
    page, record = (run / "certificate.html").read_text(), json.loads((run / "certificate.json").read_text())
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page
    assert record["digest"] in page
    assert f"{record['files']['model.safetensors']}</code> (model.safetensors)" in page
    hashes = [*record["files"].values(), *record["forgotten"]["rows"].values()]
    assert all(sha256 in page for sha256 in hashes)
    for file in run.rglob("*"):
        if file.suffix in (".json", ".html", ".yaml", ".txt", ".md"):
            assert "Ada Lovelace" not in file.read_text(), file.name
            assert "label ==" not in file.read_text(), file.name


def test_an_unchanged_run(run, verify):
    code, said = verify(run)
    assert code == 0
    assert said.startswith(f"{run}: unchanged\nrequest 2026-0117 of 2026-11-30, ")
    assert "not checked" not in said
    assert "Nobody has signed them" in said


@pytest.mark.parametrize(
    "name", ["certificate.json", "certificate.html", "model.safetensors", "metrics.json", "forget.json"]
)
@pytest.mark.parametrize("change", ["changed", "missing"])
def test_a_file_that_is_another(run, verify, name, change):
    if change == "changed":
        (run / name).write_bytes((run / name).read_bytes().replace(b"1", b"2", 1))
    else:
        (run / name).unlink()
    code, said = verify(run)
    if (name, change) == ("certificate.json", "missing"):
        assert (code, said.count("\n")) == (2, 1)
        assert f"{run} has no certificate.json" in said
    else:
        assert (code, said.count("\n")) == (1, 1)
        assert f"verify: {run}: {name} {'is missing' if change == 'missing' else 'has changed'} since" in said


def test_a_model_of_the_store_that_is_another(certified, run, verify, monkeypatch):
    record = json.loads((run / "certificate.json").read_text())
    entry = Path("outputs/store/model", record["models"]["original"]["entry"])
    whole = (entry / "model.safetensors").read_bytes()
    try:
        (entry / "model.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert verify(run)[0] == 1
    finally:
        (entry / "model.safetensors").write_bytes(whole)
    monkeypatch.chdir(run.parent)  # where there is no store
    code, said = verify(run)
    assert code == 0
    assert "not checked: the original model, for outputs/store/model/" in said


@pytest.mark.parametrize("record", ["{}", "[]", "nothing", '{"digest": "0"}'])
def test_what_is_no_certificate(run, verify, record):
    (run / "certificate.json").write_text(record)
    assert verify(run)[0] == 1


def test_no_run(tmp_path, verify):
    assert verify(tmp_path / "nowhere")[0] == 2


def test_the_original_forgets_nothing(certified, monkeypatch):
    monkeypatch.chdir(certified)
    before = len([*Path("outputs").rglob("certificate.json")])
    unlearn("forget=request", "forget.file=request.json", "method=original")
    assert len([*Path("outputs").rglob("certificate.json")]) == before
