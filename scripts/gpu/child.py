"""Measures a part, in this process: python -m scripts.gpu.child PART FILE WANTED (as JSON).

Each number is written to the file, a line of JSON, the moment that it is measured: what a part has before it
fails or is stopped, is told. The last line that is printed says why it failed.
"""

import sys
import traceback
from importlib import import_module
from pathlib import Path

from scripts.gpu.part import NotHere, Part, Wanted

LEFT_OUT = 77
"""The exit code of a part that does not fit the machine, as test programs have it (automake)."""


def main(name: str, file: str, wanted: str) -> int:
    part: Part = import_module(f"scripts.gpu.parts.{name}")
    try:
        with Path(file).open("w", encoding="utf-8", buffering=1) as rows:
            for row in part.measure(Wanted.model_validate_json(wanted)):
                rows.write(row.model_dump_json() + "\n")
    except NotHere as reason:
        print(reason)
        return LEFT_OUT
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        print(f"{type(error).__name__}: {' '.join(str(error).split())}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
