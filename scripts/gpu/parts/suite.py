"""The tests that want a GPU."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from scripts.gpu.part import Row, Wanted

WHERE = "tests/runs/test_on_a_gpu.py"
"""Without a CUDA device they are skipped."""


def measure(wanted: Wanted) -> Iterator[Row]:
    """How many passed, failed and were skipped. Raises RuntimeError: some failed, the output names them."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ("-m", "gpu", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}")
        code = subprocess.run([sys.executable, "-m", "pytest", WHERE, *options]).returncode
        cases = [*ElementTree.parse(report).iter("testcase")]
    wrong = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    yield Row(what="tests passed", value=len(cases) - len(wrong) - len(skipped), unit="")
    yield Row(what="tests failed", value=len(wrong), unit="")
    yield Row(what="tests skipped", value=len(skipped), unit="")
    if code:
        raise RuntimeError(f"failed: {', '.join(str(case.get('name')) for case in wrong) or code}")
