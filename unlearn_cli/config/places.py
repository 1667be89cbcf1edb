"""What of a configuration's values is a place on this machine."""

from pathlib import Path


def is_there(place: Path) -> bool:
    """Whether there is such a file or folder: not, too, for a text that no file system takes as a name."""
    try:
        return place.exists()
    except OSError:  # too long, a folder that may not be looked into
        return False


def local_data(name: str | None, path: str | None, config: str | None, root: Path | None) -> Path | None:
    """`root`/`name` if there is one, else `path` if there is such a place; None: on the hub, or nowhere.

    Args:
        config: the hub's name of a subset: a copy of its repository keeps each in a folder of its own.
    """
    places = [root / name] if root is not None and name else []
    places += [Path(path).expanduser()] if path else []
    place = next((place for place in places if is_there(place)), None)
    return place / config if place and config and (place / config).is_dir() else place
