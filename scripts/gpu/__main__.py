"""What one GPU says of this project, in eight minutes at most: see scripts/gpu_check."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

from scripts.gpu.part import Wanted
from scripts.gpu.report import Report, begun, table
from scripts.gpu.told import Told, measured

PARTS = {
    "suite": 100.0,
    "throughput": 120.0,
    "salun": 80.0,
    "stable_diffusion": 80.0,
    "llava": 60.0,
    "processes": 30.0,
}
"""Seconds that each has at most."""
WHOLE = 470.0
"""Seconds that all of them have."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("scripts/gpu_check", description="What a GPU says of this project.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; none: all")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="CIFAR-10; without it, digits")
    parser.add_argument("--into", type=Path, metavar="FILE", default=Path("outputs/gpu_check.json"))
    parser.add_argument("--tiny", action="store_true", help="sizes that a CPU does in seconds: only a trial")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.parts if name not in PARTS]:
        parser.error(f"no part '{unknown[0]}'; there is {', '.join(PARTS)}")
    wanted = Wanted(tiny=chosen.tiny, data=chosen.data and chosen.data.resolve())
    limits = {name: limit for name, limit in PARTS.items() if name in (chosen.parts or PARTS)}
    report = checked(begun(arguments), limits, wanted, chosen.into)
    return int(any(part.state in ("failed", "stopped") for part in report.parts))


def checked(report: Report, limits: Mapping[str, float], wanted: Wanted, into: Path) -> Report:
    """The report with these parts; it is written and printed after each of them."""
    folder, start = Path(mkdtemp()), time.perf_counter()
    print(report.machine)
    for name, limit in limits.items():
        limit = min(limit, WHOLE - (time.perf_counter() - start))
        found = measured(name, limit, wanted, folder) if limit > 0 else _late(name)
        print(table(found), flush=True)
        report.parts.append(found)
        into.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(f"\n{into}; what the parts printed: {folder}")
    return report


def _late(name: str) -> Told:
    return Told(part=name, state="stopped", seconds=0, limit=0, rows=[], said=f"all {WHOLE:.0f} s are over")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
