"""What facts and content are known by."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any


def key_of(facts: dict[str, Any]) -> str:
    """16 hex digits that stand for JSON-able facts."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return short_hash([canonical.encode()])


def short_hash(parts: Iterable[bytes | memoryview]) -> str:
    """The first 16 hex digits of a SHA-256 over the parts, one after another."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.hexdigest()[:16]
