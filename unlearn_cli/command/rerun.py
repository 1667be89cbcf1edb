"""`unlearn rerun RUN_FOLDER`: a run made again from its own record, here or elsewhere."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from unlearn_cli.command.explain import explaining
from unlearn_cli.config.composing import composed
from unlearn_cli.config.places import is_there
from unlearn_cli.config.run_path import resolved
from unlearn_cli.config.variants import MOVES_NO_NUMBER
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.arguments import Parser
from unlearn_cli.runtime.garbage import no_collection
from unlearn_cli.runtime.logs import log_to_console
from unlearn_cli.runtime.process import check_launcher, is_main_process
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.identity import identity_of
from unlearn_cli.storage.identity_file import Kept, changes, read_identity
from unlearn_cli.storage.run_config import read_config
from unlearn_cli.storage.run_folder import result_of

log = logging.getLogger("unlearn")

ELSEWHERE = (*MOVES_NO_NUMBER, "device")
"""Top-level keys of which a run made again may have others."""
TOLD = 5
"""Numbers that a line names."""


def rerun(arguments: list[str]) -> None:
    """Make a run again, and say whether its numbers are those of the record.

    Raises:
        InputError: no run's folder, something that the run read is not here, a value that would make it
            another run. As `unlearn_cli.run.run`.
    """
    parser = Parser(
        prog="unlearn rerun",
        description="Makes a run again from its own record: below the paths.outputs of this command; where "
        "that is where it lies, in its place.",
    )
    parser.add_argument("folder", metavar="RUN_FOLDER", type=Path, help="the folder of a run")
    parser.add_argument(
        "overrides",
        metavar="KEY=VALUE",
        nargs="*",
        help="what is elsewhere now: paths.outputs=…, data.path=…, device=cpu, tracking=…",
    )
    parser.add_argument("--config-dir", metavar="FOLDER", help="the plug-ins that it was made with")
    given = parser.parse_args(arguments)
    check_launcher()
    log_to_console()
    kept = _kept(given.folder)
    config, choices = _config(given.folder, kept, given.overrides)
    now = identity_of(config)
    if told := changes(kept.identity, now):
        log.warning("%s what it was for %s", told, given.folder)
    before = _numbers(given.folder)
    with no_collection():
        from unlearn_cli.compare.table import show
        from unlearn_cli.run import run  # with PyTorch and all that a run needs

    result = run(OmegaConf.create(config), choices, again=True)
    if is_main_process():
        show(result)
        if before:
            print(_compared(before, result["metrics"], given.folder))


def _kept(folder: Path) -> Kept:
    try:
        if kept := read_identity(folder):
            return kept
    except (Damaged, OSError) as error:
        raise InputError(f"{folder}: its record cannot be read ({error}); give another run") from error
    raise InputError(
        f"{folder}: no folder of a run (it has no identity.json); give one, outputs/TASK/DATA/MODEL/FORGET/…"
    )


def _config(folder: Path, kept: Kept, overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The recorded configuration as this command and this machine have it, and the choices."""
    try:
        config = read_config(folder, "rerun")
    except FileNotFoundError as error:
        raise InputError(f"{folder}: it has no config.yaml; give another run") from error
    files, others = dict[str, str](), list[str]()
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not (key in kept.identity.files or key.partition(".")[0] in ELSEWHERE):
            raise InputError(
                f"rerun: '{override}' would make it another run; what may be elsewhere is "
                f"{', '.join([*kept.identity.files, *ELSEWHERE])}"
            )
        if key in kept.identity.files:
            files[key] = value
        else:
            others.append(override)
    with explaining(others):
        here, now = composed(others)
    present, choices = resolved(here), dict(kept.choices)
    config = {
        key: value for key, value in present.items() if key not in config
    } | config  # of a later version
    given = {override.partition("=")[0].partition(".")[0] for override in others}
    config |= {key: present[key] for key in {"paths", *given}}
    choices |= {key: now[key] for key in given & now.keys()}
    for key, place in kept.identity.files.items():
        _put(config, key, _place_now(key, place, config, kept, files))
    if lacking := sorted(kept.identity.files.keys() - identity_of(config).files.keys()):
        raise InputError(
            f"{lacking[0]}: '{kept.identity.files[lacking[0]]}', which the run read, is not here; "
            f"give {lacking[0]}=PLACE"
        )
    return config, choices


def _place_now(key: str, place: str, config: Mapping[str, Any], kept: Kept, given: Mapping[str, str]) -> Any:
    """What a key names here: what is given for it or for the same place, else what it named."""
    told = [given[other] for other, one in kept.identity.files.items() if one == place and other in given]
    if told:
        return told[0]
    value = OmegaConf.select(OmegaConf.create(dict(config)), key)
    there = isinstance(value, str) and is_there(Path(value).expanduser())
    return place if not there and is_there(Path(place)) else value


def _put(config: dict[str, Any], key: str, value: Any) -> None:
    *above, last = key.split(".")
    node: Any = config
    for name in above:
        node = node[int(name) if isinstance(node, list) else name]
    node[int(last) if isinstance(node, list) else last] = value


def _numbers(folder: Path) -> dict[str, float]:
    """The metrics of the record; none where the run was not finished."""
    try:
        return dict((result_of(folder) or {}).get("metrics") or {})
    except Damaged as error:
        log.warning("%s: %s, so there are no numbers to compare with", folder, error)
        return {}


def _compared(before: Mapping[str, float], now: Mapping[str, float], folder: Path) -> str:
    """Whether the numbers are the same, to the last bit."""
    keys = dict.fromkeys([*before, *now])
    differ = [key for key in keys if repr(before.get(key)) != repr(now.get(key))]
    if not differ:
        return f"the same {len(now)} numbers as {folder}"
    told = ", ".join(f"{key} {now.get(key)} (was {before.get(key)})" for key in differ[:TOLD])
    more = ", …" if len(differ) > TOLD else ""
    return f"{len(differ)} of {len(now)} numbers differ from {folder}: {told}{more}"
