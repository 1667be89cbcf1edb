"""A table of the documents from nothing, as a file of scripts/tables/ declares it.

`unlearn tune` chooses values on validation rows of the first seed, with as many trials for each method. A
sweep has the same values for every seed. Its runs become OUTPUTS/NAME.json; copied to docs/results/,
`scripts/docs` draws it.

Run: scripts/table NAME [OUTPUTS]. Called again it goes on: what is finished is found.
"""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from scripts.result_files import published_of, write
from unlearn_cli.errors import InputError, RunError, UnlearnError, did_you_mean
from unlearn_cli.storage.files import read_json

TABLES = Path(__file__).parent / "tables"
OUTPUTS = Path("outputs/tables")
UNLEARN = (sys.executable, "-m", "unlearn_cli")


class Table(BaseModel, extra="forbid"):
    """What a file of scripts/tables/ says. Lists of overrides are words of the command line."""

    title: str
    methods: list[str]
    """Those whose values are chosen."""
    as_they_are: list[str] = []
    """Methods that have nothing to choose."""
    overrides: list[str] = []
    """Of trials and sweep."""
    parts: dict[str, list[str]] = {"": []}
    """Of a table over several settings, what sets each; a column is `H sketch`, and all are pooled, too."""
    trials: int
    seeds: list[int]
    tuning: list[str] = []
    """Of trials alone."""
    ranges: dict[str, list[str]] = {}
    """Of the trials of a method alone, where its search has to reach elsewhere."""
    sweep: list[str] = []
    """Of the sweep alone."""
    taking: list[str] = []
    """Of the sweep, beside `tuned=`: `values=…`, where values were chosen with another kind of forget set."""
    columns: list[str]

    def tune(self) -> list[list[str]]:
        """The commands that choose values: of all methods but those with ranges of their own, and of each."""
        others = ",".join(method for method in self.methods if method not in self.ranges)
        budget = [f"trials={self.trials}", f"seed={self.seeds[0]}", *self.overrides, *self.tuning]
        commands = [(others, []), *self.ranges.items()]
        return [["tune", f"method={methods}", *budget, *words] for methods, words in commands if methods]

    def swept(self, part: str) -> list[str]:
        """The command that makes the runs of a part; `tuned=` is to follow."""
        methods = f"method={','.join([*self.methods, *self.as_they_are])}"
        chosen = [methods, f"seed={','.join(map(str, self.seeds))}"]
        return ["-m", *chosen, *self.overrides, *self.parts[part], *self.sweep]


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
    store, tuned = f"paths.store={outputs.absolute() / 'store'}", place / "tuned"
    folders = {part: place / (part or "runs") for part in table.parts}
    told = [*table.tune(), *map(table.swept, table.parts)]
    tunes = [[*words, f"into={tuned}", store] for words in table.tune()]
    sweeps = [[*table.swept(part), f"paths.outputs={folder}", store] for part, folder in folders.items()]
    for words in (*tunes, *sweeps):
        call(*words, "plan")
    for words in tunes:
        call(*words)
    for words in sweeps:
        call(*words, f"tuned={tuned}", *table.taking)
    found = published_of(
        folders,
        chosen(tuned),
        title=table.title,
        commands=[f"scripts/table {name}", *(shlex.join(["unlearn", *words]) for words in told)],
        machine=machine(),
        columns=table.columns,
    )
    file = outputs / f"{name}.json"
    write(found, file)
    return file


def chosen(tuned: Path) -> dict[str, dict[str, Any]]:
    """By method what `unlearn tune` has written of it: the values, and how many trials there were."""
    records = [read_json(file) for file in tuned.glob("values/*/*/*/*.json")]
    return {
        record["method"]: {key.removeprefix("method."): value for key, value in record["values"].items()}
        | {"trials": record["trials"]}
        for record in records
    }


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
        for file in sorted(TABLES.glob("*.yaml")):
            print(f"{file.stem}: {declared(file.stem).title}")
        return 0
    name, *folder = arguments
    try:
        file = make(name, Path(*folder) if folder else OUTPUTS, call)
        print(f"{file}; into the documents: cp {file} docs/results/ && scripts/docs")
    except UnlearnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
