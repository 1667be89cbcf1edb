"""A file of docs/results/ from finished runs; `scripts.result_tables` draws it into the documents."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from unlearn_cli.compare.floor import floor_of
from unlearn_cli.compare.keys import setting_keys, variant_keys
from unlearn_cli.compare.published import Line, Part, Published, Spread
from unlearn_cli.compare.records import Run, find
from unlearn_cli.compare.reported import DECIMALS
from unlearn_cli.compare.settings import Setting, settings
from unlearn_cli.compare.statistics import estimate
from unlearn_cli.errors import InputError
from unlearn_cli.storage.files import read_json, replacing
from unlearn_cli.storage.run_folder import ENVIRONMENT
from unlearn_cli.storage.status import read_status


def published_of(
    folders: Mapping[str, Path], chosen: Mapping[str, Mapping[str, Any]], **facts: Any
) -> Published:
    """The runs in these folders, by the name of the part of the table that each holds.

    Args:
        chosen: by method the values that were chosen for it, to be told in its row, and `trials`.
        facts: title, commands, machine, columns.

    Raises:
        InputError: runs of several commits, of a changed tree, or of several values of one method.
    """
    runs = {name: find([folder]).runs for name, folder in folders.items()}
    every = [run for found in runs.values() for run in found]
    parts = [_part(name, found, chosen) for name, found in runs.items()]
    if len(parts) > 1:
        parts.insert(0, Part(rows=list(_pooled(parts))))
    return Published(commit=_commit(every), date=_days(every), parts=parts, **facts)


def _part(name: str, runs: Sequence[Run], chosen: Mapping[str, Mapping[str, Any]]) -> Part:
    found = settings(runs)
    if len(found) != 1:
        raise InputError(f"part '{name}' has runs of {len(found)} settings: {[one.title for one in found]}")
    (setting,) = found
    floor = floor_of(setting.runs)
    return Part(
        name=name,
        setting=setting_keys(runs[0]),
        floor={key: round(mean, DECIMALS) for key in floor.parts if (mean := floor.mean(key)) is not None},
        rows=list(_lines(setting, chosen)),
    )


def _lines(setting: Setting, chosen: Mapping[str, Mapping[str, Any]]) -> Iterator[Line]:
    for group in setting.references:
        yield Line(method=group.name, **_measured(group.runs))
    names = [group.runs[0].result["method"] for group in setting.groups]
    for name, group in zip(names, setting.groups, strict=True):
        if names.count(name) > 1:
            raise InputError(f"{name} was run with several values ({group.runs[0].folder}): remove the older")
        told = dict(chosen.get(name, {}))
        yield Line(
            method=name,
            trials=told.pop("trials", None),
            settings=told,
            keys=variant_keys(group.runs[0]),
            **_measured(group.runs),
        )


def _measured(runs: Sequence[Run]) -> dict[str, Any]:
    ordered = sorted(runs, key=lambda run: run.result["seed"])
    metrics = dict.fromkeys(key for run in ordered for key in run.values)
    return {
        "seeds": [run.result["seed"] for run in ordered],
        "values": {key: spread([run.values[key] for run in ordered if key in run.values]) for key in metrics},
    }


def spread(values: Sequence[float]) -> Spread:
    """Of one metric over seeds."""
    found = estimate(values, "t")
    assert found
    sd = None if found.std is None else round(found.std, DECIMALS)
    return Spread(mean=round(found.mean, DECIMALS), sd=sd, each=[round(one, DECIMALS) for one in values])


def _pooled(parts: Sequence[Part]) -> Iterator[Line]:
    """A row for each method over the runs of all parts."""
    rows = [row for part in parts for row in part.rows]
    for method in dict.fromkeys(row.method for row in rows):
        same = [row for row in rows if row.method == method]
        metrics = dict.fromkeys(key for row in same for key in row.values)
        values = {
            key: spread([one for row in same if key in row.values for one in row.values[key].each])
            for key in metrics
        }
        yield same[0].model_copy(update={"seeds": [s for row in same for s in row.seeds], "values": values})


def write(published: Published, file: Path) -> None:
    """JSON that shows a difference as one: a line for each number and each list."""
    text = json.dumps(published.model_dump(exclude_defaults=True), indent=1, ensure_ascii=False)
    for innermost in (r"\[[^\[\]{}]*\]", r"\{\s+\"mean\"[^{}]*\}"):
        text = re.sub(innermost, lambda found: " ".join(found[0].split()), text)
    with replacing(file) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")


def _commit(runs: Sequence[Run]) -> str:
    facts = [read_json(run.folder / ENVIRONMENT) for run in runs]
    commits = {fact["commit"] for fact in facts}
    if len(commits) != 1 or any(fact["changed"] for fact in facts):
        raise InputError(
            f"runs of {len(commits)} commits or of a changed tree; make them with one, unchanged"
        )
    return str(commits.pop())


def _days(runs: Sequence[Run]) -> str:
    times = [datetime.fromtimestamp(read_status(run.folder)["time"], timezone.utc).date() for run in runs]
    first, last = min(times).isoformat(), max(times).isoformat()
    return first if first == last else f"{first} to {last}"
