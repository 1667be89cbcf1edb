"""Writes a file of docs/results/ from the runs that a sweep has left; `scripts.result_tables` draws it.

Run: python -m scripts.result_files OUTPUTS --title … --command … --machine … --metrics UA IRA CRA > FILE
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.compare.records import Run, find
from unlearn_cli.config.nested import flat
from unlearn_cli.storage.files import read_json


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("outputs", nargs="+", type=Path, help="folders in which the runs lie")
    for name in ("title", "command", "machine", "date"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--metrics", nargs="+", required=True, help="keys of metrics.json")
    given = parser.parse_args(arguments)
    runs = find(given.outputs).runs
    commits = {read_json(run.folder / "environment.json")["commit"] for run in runs}
    if len(commits) != 1:
        parser.error(f"the runs are of {len(commits)} commits; make them with one")
    found = {name: getattr(given, name) for name in ("title", "command", "date", "machine", "metrics")}
    found |= {"commit": commits.pop(), "runs": list(records(runs, given.metrics))}
    print(json.dumps(found, indent=1, ensure_ascii=False))


def records(runs: list[Run], metrics: list[str]) -> list[dict[str, Any]]:
    """What the tables need of each run: its settings are those in which runs of its method differ."""
    every: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        every[run.result["method"]].append(dict(flat(run.config["method"], ".")))
    found = [
        {
            "method": (method := run.result["method"]),
            "seed": run.result["seed"],
            "settings": {
                key: value
                for key, value in flat(run.config["method"], ".")
                if any(other.get(key) != value for other in every[method])
            },
            "metrics": chosen(run.values, metrics),
            "original": chosen(run.result["original"], metrics),
        }
        for run in runs
    ]
    return sorted(found, key=lambda one: (one["method"], str(one["settings"]), one["seed"]))


def chosen(values: Mapping[str, float], metrics: list[str]) -> dict[str, float]:
    return {metric: round(values[metric], 2) for metric in metrics if metric in values}


if __name__ == "__main__":
    main(sys.argv[1:])
