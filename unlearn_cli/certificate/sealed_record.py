"""The record on the disk: certificate.json with its digest, certificate.html with its hash; their check."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.storage.content import check_content
from unlearn_cli.storage.files import Damaged, read_json, replacing, write_json
from unlearn_cli.storage.sealed import as_read

CERTIFICATE, PAGE = "certificate.json", "certificate.html"
DIGEST, PAGE_HASH, FILES = "digest", "page", "files"


def digest_of(record: Mapping[str, Any]) -> str:
    """SHA-256 of the record as JSON with sorted keys and no blanks, without `digest` and `page`."""
    own = {key: value for key, value in record.items() if key not in (DIGEST, PAGE_HASH)}
    return hashlib.sha256(json.dumps(own, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write(folder: Path, record: Mapping[str, Any], page: Callable[[Mapping[str, Any]], str]) -> None:
    """Both files. page: HTML of the record with its digest."""
    sealed = as_read(dict(record))
    sealed[DIGEST] = digest_of(sealed)
    html = page(sealed).encode()
    with replacing(folder / PAGE) as temporary:
        temporary.write_bytes(html)
    write_json(folder / CERTIFICATE, sealed | {PAGE_HASH: hashlib.sha256(html).hexdigest()})


def read(folder: Path) -> dict[str, Any]:
    """The record, once it, its page and every file of the run that it names are as they were.

    Raises:
        Damaged: which file has changed or is missing. FileNotFoundError: there is no certificate.
    """
    try:
        record = read_json(folder / CERTIFICATE)
    except ValueError as error:
        raise Damaged(f"{CERTIFICATE} has changed") from error
    if not isinstance(record, dict) or record.get(DIGEST) != digest_of(record):
        raise Damaged(f"{CERTIFICATE} has changed")
    check_content(folder, {PAGE: str(record.get(PAGE_HASH)), **record[FILES]})
    return record
