"""Values as they are typed; imports nothing that a finished run would wait for."""

from collections.abc import Mapping, Sequence
from typing import Any


def as_typed(value: Any) -> str:
    """A value as it is typed on the command line, long lists cut short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        if any(isinstance(one, Mapping) for one in value.values()):
            return f"{{{', '.join(value)}}}"
        inside = ", ".join(f"{name}: {as_typed(one)}" for name, one in value.items() if name != "_target_")
        return f"{{{inside}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        parts = [as_typed(one) for one in value]
        return f"[{', '.join(parts if len(parts) < 9 else [*parts[:3], '…', parts[-1]])}]"
    return str(value) or "''"
