"""Typed settings: the base class of everything that a config node names by `_target_`."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Fields are the YAML's keys, typed and range-checked. Values stand in the YAML alone."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def described(settings: Settings) -> dict[str, Any]:
    """A settings object as JSON-able facts: which class it is, and its values."""
    kind = type(settings)
    return {"class": f"{kind.__module__}.{kind.__qualname__}", **settings.model_dump(mode="json")}
