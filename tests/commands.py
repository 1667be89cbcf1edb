"""Commands as the documents and the YAML files show them."""

import re
import shlex


def first_run(command: str) -> list[str]:
    """The arguments of a command; of a sweep, those of its first run."""
    words = [word for word in shlex.split(command) if not word.startswith(("UNLEARN_DATA", "-m", "plan"))][1:]
    ranges = [re.sub(r"=range\(\d+\)", "=0", word) for word in words]
    return [re.sub(r"(=[^\[({,]+),.*", r"\1", word) for word in ranges]
