"""A paper's numbers and ours side by side: differences to either's oracle, worked out by hand."""

import json

import pytest

from scripts import beside_table as module
from scripts.beside_table import beside_table
from unlearn_cli.compare import published

EXPECTED = """
expected:
  source: A paper, Table 1
  choices: {data: cifar10, model: resnet18, forget: random}
  values:
    retrain: {UA: [5.0, 0.1], RA: [100.0, null], TA: [94.0, null], MIA: [13.0, null]}
    ft: {UA: [1.0, 0.1], RA: [99.0, null], TA: [94.0, null], MIA: [3.0, null]}
    rl: {UA: [6.0, 0.1], RA: [100.0, null], TA: [94.0, null], MIA: [14.0, null], avg_gap: [0.7, null]}
    unknown_here: {UA: [6.0, 0.1], RA: [100.0, null], TA: [94.0, null], MIA: [14.0, null]}
"""


@pytest.fixture
def results(tmp_path, monkeypatch):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment/paper.yaml").write_text(EXPECTED)
    monkeypatch.setattr(module, "conf_folder", lambda: tmp_path)
    monkeypatch.setattr(published, "results_folder", lambda: tmp_path)

    def write(name: str, **rows: tuple[float, float, float]) -> None:
        facts = {"title": "Ours", "commands": ["unlearn"], "date": "2027-01-15", "machine": "this"}
        lines = [{"method": method, "values": values(*row)} for method, row in rows.items()]
        written = facts | {"columns": [], "parts": [{"rows": lines}]}
        (tmp_path / f"{name}.json").write_text(json.dumps(written))

    def values(ua: float, mia: float, avg_gap: float) -> dict[str, dict[str, float]]:
        return {"UA": {"mean": ua}, "MIA": {"mean": mia}, "avg_gap": {"mean": avg_gap}}

    return write


def test_points_from_each_oracle_in_the_paper_s_order(results):
    results("first", oracle=(20, 30, 0), ft=(18, 31.5, 9), rl=(0, 0, 0))
    results("again", oracle=(20, 30, 0), rl=(21, 26, 4))
    said, _, _, _, *rows = beside_table("paper first again")
    assert rows == [
        "| rl | +1.0 | +1.0 | +1.0 | -4.0 | 0.70 | 4.00 |",  # of the later file; the gap that is printed
        "| ft | -4.0 | -2.0 | -10.0 | +1.5 | 3.75 | 9.00 |",  # (4 + 1 + 0 + 10) / 4
    ]
    assert "A paper, Table 1, resnet18" in said
    assert "`first`, `again`" in said
    assert "Kendall's τ of 1.00" in said


def test_opposite_orders(results):
    results("ours", oracle=(20, 30, 0), ft=(18, 31, 1), rl=(18, 31, 2))
    assert "Kendall's τ of -1.00" in beside_table("paper ours")[0]
