"""Golden numbers: what every method comes to on a tiny problem, written once and compared ever after.

A refactoring changes none of them. Without --write, each quantity that differs gets a line, and the command
ends with 1.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent.parent))
os.environ |= {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline"}

import torch
from golden_files import TASKS, file, write, written
from golden_numbers import RELATIVE, differences, nonsense
from golden_runs import Golden
from tiny_cases import cases


def main() -> int:
    parser = argparse.ArgumentParser("scripts/golden", description=__doc__)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(TASKS)}; none: all of them")
    parser.add_argument("--write", action="store_true", help="write the numbers anew instead of comparing")
    parser.add_argument("--exact", action="store_true", help="every bit the same: before and after a change")
    parser.add_argument("--threads", type=int, default=1, help="of torch; tests and --write have 1")
    asked = parser.parse_args()
    if unknown := set(asked.tasks) - set(TASKS):
        parser.error(f"no such task: {', '.join(sorted(unknown))}")
    if asked.write and asked.threads != 1:
        parser.error("--write has one thread")
    logging.getLogger("unlearn").addHandler(logging.NullHandler())  # its warnings are of quality
    torch.set_num_threads(asked.threads)
    wrong = 0
    for task in asked.tasks or TASKS:
        began = time.process_time()
        now, lines = found(task)
        if not asked.write:
            lines += compared(written(task), now, asked.exact)
        elif not lines:
            write(task, now)
        wrong += len(lines)
        done = f"wrote {file(task)}" if asked.write and not lines else f"{len(lines)} differences"
        print(*(f"{task}: {line}" for line in lines), sep="\n", end="\n" if lines else "")
        print(f"{task}: {len(now)} cases, {done}, {time.process_time() - began:.0f} CPU-seconds", flush=True)
    if wrong and not asked.exact and not asked.write:
        print(f"(relative tolerance {RELATIVE:g})")
    return 1 if wrong else 0


def found(task: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The numbers of all cases, and what is wrong with them by themselves."""
    with tempfile.TemporaryDirectory() as folder:
        golden = Golden(task, Path(folder))
        now = {case: golden.run(case) for case in cases(task)}
    wrong = [line for case in now for line in nonsense(now[case], now["original"], case)]
    return now, wrong


def compared(was: dict[str, Any], now: dict[str, Any], exact: bool) -> list[str]:
    """A line for each difference."""
    return [
        f"{case}: {line}"
        for case in dict.fromkeys([*was, *now])
        for line in differences(was.get(case, {}), now.get(case, {}), exact)
    ]


if __name__ == "__main__":
    sys.exit(main())
