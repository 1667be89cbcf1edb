"""Commands as the documents and the YAML files show them."""

import re
import shlex

from unlearn_cli.config.overrides import readable


def first_run(command: str) -> list[str]:
    """The arguments of a command as Hydra is given them; of a sweep, those of its first run."""
    words = [word for word in shlex.split(command) if not word.startswith(("UNLEARN_DATA", "-m", "plan"))][1:]
    ranges = [re.sub(r"=range\(\d+\)", "=0", word) for word in words]
    found = [re.sub(r"(=[^\[({,]+),.*", r"\1", word) for word in ranges]
    return [*readable(found)] if any(" " in word for word in found) else found
