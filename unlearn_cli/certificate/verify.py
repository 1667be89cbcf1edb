"""`unlearn verify RUN`: whether a run's certificate and all files that it stands on are unchanged."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.certificate.sealed_record import CERTIFICATE, DIGEST, FILES, read
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.runtime.arguments import Parser
from unlearn_cli.runtime.text import shown
from unlearn_cli.storage.content import check_content
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.run_config import read_yaml
from unlearn_cli.storage.run_folder import CONFIG


def verify(arguments: list[str]) -> None:
    """Say what is certified, and what the hashes do not show.

    Raises:
        InputError: no certificate. RunError: the file that has changed or is missing.
    """
    parser = Parser(
        prog="unlearn verify",
        description="Whether the certificate of a run of forget=request, and every file that it stands on, "
        "are as they were.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="the run's folder")
    folder: Path = parser.parse_args(arguments).run
    try:
        record = read(folder)
        absent = [*_absent_models(folder, record)]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"verify: {folder} has no {CERTIFICATE}; give the folder of a finished run of forget=request"
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"verify: {folder}: {CERTIFICATE} is of another form than this version's") from error
    except Damaged as error:
        raise RunError(f"verify: {folder}: {error} since the certificate was written") from error
    request, forgotten = record["request"], record["forgotten"]["rows"]
    asked = f"request {request['id']} of {request['date']}"
    told = [
        f"{folder}: unchanged",
        f"{asked}, {len(forgotten)} rows forgotten, certified {record['made']}",
        f"{len(record[FILES])} files, digest {record[DIGEST]}",
        *absent,
        record["not_shown"][-1],
    ]
    print(*map(shown, told), sep="\n")


def _absent_models(folder: Path, record: Mapping[str, Any]) -> Iterator[str]:
    """A line for each model that is not in the store any more. Damaged: one that has changed there."""
    store = Path(read_yaml(folder / CONFIG)["paths"]["store"])
    for name, model in record["models"].items():
        entry = store / "model" / model["entry"]
        if not entry.is_dir():
            yield f"not checked: the {name} model, for {entry} is not there"
            continue
        try:
            check_content(entry, model[FILES])
        except Damaged as error:
            raise Damaged(f"{entry}/{error}") from error
