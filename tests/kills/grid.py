"""Kill every case at every stage, a line of JSON for each; what has a line already is left out.

PYTHONPATH=. OMP_NUM_THREADS=1 python tests/kills/grid.py FILE [TASK ...]
"""

import json
import os
import sys
import tempfile
from collections import Counter
from itertools import zip_longest
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
os.environ |= {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline"}

from killed import Problem
from moments import Moment
from tiny_cases import SMALL, judged_cases


def main(file: Path, tasks: list[str]) -> None:
    known = read(file)
    done = {(row["task"], row["case"], row["moment"]) for row in known}
    with tempfile.TemporaryDirectory() as folder, file.open("a") as lines:
        problems = {task: Problem(task, Path(folder) / task) for task in tasks}
        # the tasks in turn, so that whenever it is stopped each has had its part
        turns = zip_longest(*([(task, case) for case in judged_cases(task)] for task in tasks))
        for task, case in [turn for row in turns for turn in row if turn]:
            if (task, case, "all") in done:
                continue

            def left(stages: list[Moment], at: tuple[str, str] = (task, case)) -> list[Moment]:
                return [stage for stage in stages if (*at, stage.name) not in done]

            for moment, wrong in problems[task].killed(case, left):
                row = {"task": task, "case": case, "moment": moment.name, "wrong": wrong}
                print(json.dumps(row), file=lines, flush=True)
            print(json.dumps({"task": task, "case": case, "moment": "all"}), file=lines, flush=True)


def read(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def report(file: Path) -> None:
    """By task: cases done, tried, equal."""
    rows = read(file)
    tried = [row for row in rows if "wrong" in row]
    whole = Counter(row["task"] for row in rows if "wrong" not in row)
    for task in SMALL:
        mine = [row for row in tried if row["task"] == task]
        equal = sum(not row["wrong"] for row in mine)
        print(f"{task}: {whole[task]} of {len(judged_cases(task))} cases, {len(mine)} tried, {equal} equal")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(SMALL))
    report(Path(sys.argv[1]))
