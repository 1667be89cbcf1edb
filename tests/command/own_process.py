"""The command in a new interpreter, which says at its end which heavy packages it has imported."""

import os
import subprocess
import sys

HEAVY = ("torch", "torchvision", "timm", "transformers", "datasets", "diffusers", "accelerate", "open_clip")
HEAVY += ("peft", "wandb", "sklearn", "scipy", "numpy", "pandas", "matplotlib", "safetensors", "pydantic")

IMPORTED = f"print('imported:', *(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
PROGRAM = f"""
import sys
from unlearn_cli.cli import main
sys.argv[0] = "unlearn"
try:
    main()
finally:
    {IMPORTED}
"""


def in_own_process(
    *arguments: str, program: str = PROGRAM, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A Python program, by default the command `unlearn`, with its output; it must end well."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env=os.environ | environment,
        check=True,
    )


def heavy_imports(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The heavy packages that the program had imported when it ended."""
    return done.stderr.split("imported:")[1].split()
