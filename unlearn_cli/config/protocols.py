"""What a Protocol asks for, in names and in words, and what of it something lacks."""

import inspect
from typing import Any

from typing_extensions import get_protocol_members, is_protocol


def members(asked: type) -> dict[str, list[str]]:
    """Names of what is asked for, by the Protocol (among those that `asked` is made of) in which each stands.

    In the order of definition, methods first. Of a class that is no Protocol none.
    """
    found: dict[str, list[str]] = {}
    known: set[str] = set()
    for kind in asked.__mro__ if is_protocol(asked) else ():
        if is_protocol(kind):
            wanted = get_protocol_members(kind) - known
            own = [name for name in {**vars(kind), **inspect.get_annotations(kind)} if name in wanted]
            found |= {kind.__name__: own} if own else {}
            known.update(own)
    return found


def lacking(thing: object, asked: type) -> dict[str, list[str]]:
    """Those that the thing has not, by Protocol."""
    missing = {
        kind: [name for name in names if not hasattr(thing, name)] for kind, names in members(asked).items()
    }
    return {kind: names for kind, names in missing.items() if names}


def spelt(asked: type, name: str) -> str:
    """A member as one would write it: `narrow_head(classes: int) -> None`, `head: Linear`."""
    found: Any = inspect.getattr_static(asked, name, None)
    if isinstance(found, property) and found.fget:
        return f"{name}: {_named(inspect.signature(found.fget).return_annotation)}"
    if not callable(found):
        return f"{name}: {_named(_annotated(asked, name))}"
    signature = inspect.signature(found)
    own = [one for one in signature.parameters.values() if one.name != "self"]
    return f"{name}{signature.replace(parameters=own)}"


def _annotated(asked: type, name: str) -> Any:
    """The annotation of an attribute, in whichever of the classes it stands."""
    return next(found[name] for kind in asked.__mro__ if name in (found := inspect.get_annotations(kind)))


def _named(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
