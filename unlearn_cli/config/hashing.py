"""What a set of facts is known by."""

import hashlib
import json
from typing import Any


def key_of(facts: dict[str, Any]) -> str:
    """16 hex digits that stand for JSON-able facts."""
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
