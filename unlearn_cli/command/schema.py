"""`unlearn schema FOLDER`: JSON Schemas of the YAML files, for editors."""

import json
from collections.abc import Sequence
from pathlib import Path

from unlearn_cli.errors import InputError
from unlearn_cli.runtime.arguments import Parser

DESCRIPTION = (
    "Write a JSON Schema for each group of options (method.json, data.json, ...), with which an editor "
    "completes and checks YAML files, and vscode.json, the settings that say which file each is for. Those "
    "of plug-ins (UNLEARN_PLUGINS, --config-dir) are among them. docs/editors.md says how editors take them."
)
SETTINGS = "vscode.json"


def schema(arguments: Sequence[str]) -> None:
    """Write the schemas into the folder named.

    Raises:
        InputError: no folder is named, it cannot be written to, or a plug-in's class cannot be imported.
    """
    parser = Parser(prog="unlearn schema", description=DESCRIPTION)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="it is made if need be")
    parser.add_argument("--config-dir", metavar="FOLDER", help="of plug-ins")
    folder: Path = parser.parse_args(arguments).folder
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a folder")

    from unlearn_cli.command.group_schemas import places, schemas  # imports every family's classes

    files = {f"{name}.json": content for name, content in schemas().items()}
    place = folder.as_posix() if folder.is_absolute() else f"./{folder.as_posix()}"
    files[SETTINGS] = {"yaml.schemas": {f"{place}/{name}.json": at for name, at in places().items()}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}); give another folder") from error
    print(
        f"{len(files) - 1} schemas and {SETTINGS} are in {folder}; docs/editors.md says how editors take them"
    )
