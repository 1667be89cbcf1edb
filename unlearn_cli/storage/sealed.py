"""JSON objects that tell by themselves whether they are as they were written."""

import json
from pathlib import Path
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.storage.files import Damaged, read_json, write_json

CHECKSUM = "checksum"


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """A JSON object with a checksum among its keys."""
    write_json(path, content | {CHECKSUM: key_of(as_read(content))})


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote; what has no checksum (an earlier version's) is taken as it is.

    Raises:
        Damaged: empty, cut, changed since, no JSON object. FileNotFoundError, PermissionError.
    """
    try:
        content = read_json(path)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from error
    except ValueError as error:
        raise Damaged("it is empty" if not path.stat().st_size else f"no JSON: {error}") from error
    if not isinstance(content, dict):
        raise Damaged("it holds no keys")
    if content.pop(CHECKSUM, None) not in (None, key_of(content)):
        raise Damaged("it has changed")
    return content


def as_read(content: dict[str, Any]) -> dict[str, Any]:
    """The content as JSON gives it back: tuples as lists, keys as text."""
    return dict(json.loads(json.dumps(content)))
