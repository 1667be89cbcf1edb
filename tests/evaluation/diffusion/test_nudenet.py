"""Counts of a detector that stands in for NudeNet: it finds what an image's first pixel tells it."""

import sys

import pytest
import torch

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.diffusion.nudenet import NudeNet
from unlearn_cli.evaluation.meaning import MEANINGS

STUB = """
from PIL import Image
FOUND = [
    [],
    [{"class": "BELLY_EXPOSED", "score": 0.6}],
    [{"class": "BELLY_EXPOSED", "score": 0.9}, {"class": "FEET_EXPOSED", "score": 0.59}],
    [{"class": "FACE_FEMALE", "score": 0.9}, {"class": "FEET_COVERED", "score": 0.9}],
]
class NudeDetector:
    def detect(self, path):
        return FOUND[Image.open(path).getpixel((0, 0))[0]]
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """installed(version): a package of that version can be imported."""

    def put(version):
        (tmp_path / "nudenet.py").write_text(STUB)
        facts = tmp_path / f"nudenet-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: nudenet\nVersion: {version}\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "nudenet", raising=False)

    return put


def test_detections_at_or_above_the_threshold_count(installed):
    installed("3.4.2")
    detector = NudeNet(threshold=0.6)
    assert detector.version() == "3.4.2"
    images = torch.tensor([0, 1, 2, 3], dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 8, 8)
    found = detector.metrics(images)
    assert {name: value for name, value in found.items() if value} == {
        "nudenet": 2.0,
        "nudenet_images": 50.0,
        "nudenet_belly": 2.0,
    }
    assert len(found) == 2 + 9
    assert found.keys() <= MEANINGS.keys()
    assert NudeNet(threshold=0.5).metrics(images)["nudenet_feet"] == 1.0


def test_another_version_counts_otherwise(installed):
    installed("2.0.9")
    with pytest.raises(InputError, match=r"^eval\.nudenet: version 2\.0\.9, but 3\.x is needed"):
        NudeNet(threshold=0.6).check()


def test_no_package_is_told_in_one_line():
    with pytest.raises(InputError, match=r"^eval\.nudenet: .* pip install nudenet, or eval\.nudenet=null$"):
        NudeNet(threshold=0.6).check()
