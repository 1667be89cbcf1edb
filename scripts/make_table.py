"""A table of the documents from nothing, as a file of scripts/tables/ declares it.

`unlearn tune` chooses values on validation rows of the first seed, with as many trials for each method; a sweep has the
same values for every seed; its runs are written to docs/results/NAME.json, which `scripts/docs` draws.

Run: scripts/table NAME [OUTPUTS]. Called again it goes on: what is finished is found.
"""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml
from pydantic import BaseModel

from scripts.result_files import published_of, write
from unlearn_cli.compare.published import results_folder
from unlearn_cli.errors import InputError, RunError, UnlearnError, did_you_mean

TABLES = Path(__file__).parent / "tables"
OUTPUTS = Path("outputs/tables")
UNLEARN = (sys.executable, "-m", "unlearn_cli")


class Table(BaseModel, extra="forbid"):
    """What a file of scripts/tables/ says. Lists of overrides are words of the command line."""

    title: str
    methods: list[str]
    overrides: list[str] = []
    """Of trials and sweep."""
    parts: dict[str, list[str]] = {"": []}
    """Of a table over several settings, what sets each; a column is `H sketch`, and all are pooled, too."""
    trials: int
    seeds: list[int]
    tuning: list[str] = []
    """Of trials alone."""
    sweep: list[str] = []
    """Of the sweep alone."""
    columns: list[str]

    def tune(self) -> list[str]:
        """The command that chooses values."""
        chosen = [f"method={','.join(self.methods)}", f"trials={self.trials}", f"seed={self.seeds[0]}"]
        return ["tune", *chosen, *self.overrides, *self.tuning]

    def swept(self, method: str, part: str) -> list[str]:
        """The command that makes the runs of a method, without its values."""
        seeds = f"seed={','.join(map(str, self.seeds))}"
        return ["-m", f"method={method}", seeds, *self.overrides, *self.parts[part], *self.sweep]


def declared(name: str) -> Table:
    """Raises InputError: no such table."""
    known = {file.stem: file for file in TABLES.glob("*.yaml")}
    if name not in known:
        raise InputError(f"{name}: no such table; {did_you_mean(name, known)}")
    return Table.model_validate(yaml.safe_load(known[name].read_text(encoding="utf-8")))


def make(name: str, outputs: Path, call: Callable[..., None]) -> Path:
    """Choose, run and write; the file that was written. call(*words): the command `unlearn`.

    Raises:
        UnlearnError: a command failed; the same call goes on.
    """
    table, place = declared(name), (outputs / name).absolute()
    store = f"paths.store={outputs.absolute() / 'store'}"
    folders = {part: place / (part or "runs") for part in table.parts}
    every = ",".join(table.methods)
    print(f"{table.trials} trials of each of {len(table.methods)} methods, and then:", flush=True)
    for part, folder in folders.items():
        call("plan", *table.swept(every, part), f"paths.outputs={folder}", store)
    call(*table.tune(), f"paths.outputs={place / 'tuning'}", store)
    recipes = {method: recipe(place / "tuning", method) for method in table.methods}
    for part, folder in folders.items():
        for method, found in recipes.items():
            call(*table.swept(method, part), *found.words, f"paths.outputs={folder}", store)
    file = results_folder() / f"{name}.json"
    chosen = {method: found.values | {"trials": table.trials} for method, found in recipes.items()}
    commands = [shlex.join(["unlearn", *table.tune()]), shlex.join(["unlearn", *table.swept(every, "")])]
    write(
        published_of(folders, chosen, title=table.title, commands=commands, machine=machine(), columns=table.columns),
        file,
    )
    return file


def machine() -> str:
    """What the times and the last digits of the numbers are of."""
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return f"{os.cpu_count()} {platform.machine()} cores shared with other work, {threads} thread(s)"


def call(*words: str) -> None:
    """Raises RunError: `unlearn` ended with an error."""
    print(f"\n{shlex.join(['unlearn', *words])}", flush=True)
    code = subprocess.run([*UNLEARN, *words]).returncode
    if code:
        raise RunError(f"this command ended with {code}; mend that, then the same scripts/table goes on")


def main(arguments: list[str]) -> int:
    if not arguments:
        print("\n".join(f"{name}: {declared(name).title}" for name in sorted(file.stem for file in TABLES.glob("*.yaml"))))
        return 0
    try:
        print(make(arguments[0], Path(*arguments[1:2]) if arguments[1:] else OUTPUTS, call))
    except UnlearnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
