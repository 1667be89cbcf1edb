"""What a run's numbers belong to: its configuration, the files that this names, the source of plug-ins."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.nested import flat
from unlearn_cli.config.places import is_there, local_data
from unlearn_cli.config.sources import sources
from unlearn_cli.config.variants import determining, spelt_out
from unlearn_cli.storage.fingerprint import fingerprint

PLACES = frozenset(
    (
        *("path", "file", "folder", "delta", "pretrained", "weights", "trained_on", "checkpoint"),
        *("prompts", "retain"),
    )
)
"""Keys whose value, where it names something on the disk, stands for that. Of any other key the value must
look like a file's: with a separator or a suffix."""
WORDS = (("trained_on", "train"),)
"""Names and values of keys that name nothing on the disk, whatever lies there."""
SCHEME = "local-dir:"
CONTENT, SOURCE = "content ", "source "
"""How values begin that stand for what is on the disk."""


@dataclass(frozen=True)
class Identity:
    """Equal for two runs exactly if they are to have the same numbers."""

    configuration: dict[str, Any]
    """What moves a number; a file stands there by its content, a plug-in's class with its source."""
    files: dict[str, str] = field(default_factory=dict)
    """Path by the key that names it."""
    plugins: dict[str, str] = field(default_factory=dict)
    """Hash of the source by module."""

    @cached_property
    def key(self) -> str:
        return key_of(self.configuration)


def identity_of(config: Mapping[str, Any]) -> Identity:
    """The identity of a resolved configuration, as things are on the disk now."""
    plain, files = determining(dict(config)), dict[str, Path]()
    if (oracles := spelt_out(config.get("oracle"))).get("count", 1) != 1:  # the floor is among the numbers
        plain["oracle"] = oracles
    data = plain.get("data")
    if isinstance(data, dict) and "path" in data:
        root = (config.get("paths") or {}).get("data")
        name, path, part = (data.get(key) for key in ("name", "path", "config"))
        if all(value is None or isinstance(value, str) for value in (name, path, part)):
            copy = local_data(name, path, part, root and Path(root))
            files |= {"data.path": copy} if copy else {}
    files |= {key: place for key, place in _named(plain, "") if key not in files}
    known = sources(plain)
    content = {key: content_of(place) for key, place in files.items()}
    return Identity(
        _replaced(plain, "", content, known), {key: str(place) for key, place in files.items()}, known
    )


def by_content(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts in which files stand by their content: what an entry of the store is known by."""
    return dict(_replaced(facts, "", {key: content_of(place) for key, place in _named(facts, "")}, {}))


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The dotted keys in which two configurations differ."""
    left, right = dict(flat(one, ".")), dict(flat(other, "."))
    return [key for key in left | right if key not in left or key not in right or left[key] != right[key]]


def on_disk(value: Any) -> bool:
    """Whether a value of an identity's configuration stands for what is on the disk."""
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, str) and (one.startswith(CONTENT) or SOURCE in one) for one in values)


def with_content(config: Mapping[str, Any], identity: Identity) -> dict[str, Any]:
    """A configuration that also tells what was on the disk: `forget.file_content` beside `forget.file`."""
    told = dict(config)
    for key, value in flat(identity.configuration, "."):
        if not on_disk(value):
            continue
        node, (*above, name) = told, key.split(".")
        for group in above:
            node[group] = node = dict(node[group])
        node[f"{name.strip('_')}_content"] = str(value).partition(CONTENT)[2] or str(value)
    return told


def _named(node: Any, key: str) -> Iterator[tuple[str, Path]]:
    """What is on the disk of all that the values name."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _named(value, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _named(value, f"{key}.{number}")
    elif isinstance(node, str) and node and _is_named(key, node):
        yield key, _place(node)


def _is_named(key: str, text: str) -> bool:
    place, name = _place(text), key.rpartition(".")[2]
    if (name, text) in WORDS or not is_there(place) or place.samefile(place.absolute().anchor):
        return False  # of the whole disk nothing is read
    if name in PLACES or key == "model.name" or text.startswith(SCHEME):
        return True
    return (os.sep in text or bool(place.suffix)) and place.is_file()


def _place(text: str) -> Path:
    path = Path(text.removeprefix(SCHEME))
    try:
        return path.expanduser()
    except RuntimeError:  # ~ of a user that is not there
        return path


def content_of(place: Path) -> str:
    """What stands for a file or a folder among facts."""
    try:
        return f"{CONTENT}{fingerprint(place)}"
    except OSError:  # whoever reads it tells why it cannot be read
        return f"{CONTENT}that cannot be read"


def _replaced(node: Any, key: str, content: Mapping[str, str], plugins: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        inner = {
            name: _replaced(value, f"{key}.{name}" if key else str(name), content, plugins)
            for name, value in node.items()
        }
        target = node.get("_target_")
        if isinstance(target, str) and (source := plugins.get(target.partition(".")[0])):
            inner["_target_"] = f"{target} ({SOURCE}{source})"
        return inner
    if isinstance(node, list):
        return [_replaced(value, f"{key}.{number}", content, plugins) for number, value in enumerate(node)]
    return content.get(key, node)
