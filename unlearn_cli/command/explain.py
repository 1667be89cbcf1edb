"""Hydra's and OmegaConf's complaints about a command line, told in one line with a suggestion."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from unlearn_cli.command.arguments import check
from unlearn_cli.command.overview import GROUPS
from unlearn_cli.command.suggest import nearest, spoken
from unlearn_cli.config.catalogue import PLACED, TUNED, VALUES, groups, options
from unlearn_cli.config.composing import initialized
from unlearn_cli.config.overrides import OVERRIDE, as_text
from unlearn_cli.errors import InputError, UnlearnError, did_you_mean

LAUNCHER = "hydra.launcher."
NOTHING = "nothing"
REPEATED = {
    r"An item is already at '(.+?)'": "{0}: it is there already; without +: {0}=…",
    r"The value of '(.+?)' is (.+) and not": "{0}: it is {1}; ~{0} takes it away whatever it is",
}
"""What Hydra says of keys that are there, and what it comes to."""


@contextmanager
def explaining(arguments: Sequence[str]) -> Iterator[None]:
    """What Hydra finds wrong with the arguments within the block is an InputError of one line."""
    try:
        check([a for a in arguments if not a.startswith("--config-dir=")], lambda name: near(name, arguments))
        yield
    except UnlearnError:
        raise
    except Exception as error:
        raise InputError(explain_error(error, [*arguments])) from error


def explain_error(error: Exception, arguments: list[str]) -> str:
    """One line for what Hydra found wrong: an unknown option or key, an override or a file it cannot read."""
    if isinstance(error, UnlearnError):  # the sweeper's
        return str(error)
    cause = error.__cause__ if isinstance(error, HydraException) and error.__cause__ else error
    key = _typed(getattr(cause, "full_key", None), arguments)
    match error:
        case MissingConfigException() if error.options is not None:
            return _unknown_option(str(error.missing_cfg_file), list(error.options))
        case OverrideParseException():
            return _unreadable(str(error.override))
        case MarkedYAMLError():
            return _bad_yaml(error)
        case YAMLError() | UnicodeDecodeError():
            return f"a configuration file is not YAML in UTF-8 ({_first_line(error)})"
        case RecursionError():
            return _comes_back(arguments)
        case OSError() if error.filename:
            place = f"cannot write to '{error.filename}' ({error.strerror})"
            return f"paths.outputs: {place}; give a writable folder"
    if several := re.match(r"(?:Ambiguous value for argument|Sweep parameters) '(.+)'", str(error)):
        return _several(several.group(1), arguments)
    if "Config group override must be" in str(error) and (placed := next(filter(_placed, arguments), None)):
        there = ", ".join(option.name for option in options(placed.partition("@")[0]))
        return f"{placed}: names no option; there are: {there}"
    for said, told in REPEATED.items():
        if found := re.search(said, str(error)):
            return told.format(*found.groups())
    if (found := re.search(r"interpolation '\$\{(.+?)\}'", str(error))) and found[1] in map(_key, arguments):
        return f"{found[1]}: {_first_line(error).rpartition(': ')[2]}; give another value"
    if isinstance(cause, ValueError | IndexError) and (listed := _below_a_list(arguments)):
        return f"{listed}: {listed.rpartition('.')[0]} is a list; give it as a whole, as in [first,second]"
    if "resolving interpolation" in str(error) and (placed := next(filter(_placed, arguments), None)):
        return _unknown_key(_key(placed.lstrip("+")), arguments)
    if wrong := next((name for argument in arguments for name in _not_there(argument)), None):
        return _unknown_option(wrong, [])
    if wrong := next((name for name in map(_key, arguments) if name in PLACED), None):
        return f"{wrong}: set by {_place(wrong)}; unlearn {wrong} --help shows what there is"
    if any(argument.startswith("paths=") for argument in arguments):
        return "paths: holds further keys; set paths.outputs=…, paths.store=… or paths.data=…"
    if "interpolation" in str(error) and (listed := next(filter(_listed, arguments), None)):
        group, names = _named(listed)
        return f"{listed}: one option is chosen; several are a sweep: unlearn -m {group}={','.join(names)}"
    if key and "not in" in str(cause):
        return _unknown_key(str(key), arguments)
    if found := re.search(r"Could not (?:override|delete from config\.) '(.+?)'", str(error)):
        return _unknown_key(found.group(1), arguments)
    if key and "Cannot merge" in str(cause):
        if any(a.lstrip("+").startswith(f"{key}=[") for a in arguments):
            return f"{key}: it holds keys, and a list was given; set one as {key}.NAME=…"
        return f"{key}: it holds a list, and keys were given; give one as {key}=[…]"
    if isinstance(cause, OmegaConfBaseException) and key:
        return f"{key}: {_first_line(cause)}"
    if file := next(_without_keys(arguments), None):
        return f"{file}: holds a list; an option's file has a line 'KEY: value' for each of its keys"
    return _first_line(error)


def _key(argument: str) -> str:
    return argument.partition("=")[0]


def _place(group: str) -> str:
    """How options of a group that is chosen for a place are chosen: what its title has in brackets."""
    return GROUPS[group].partition("(")[2].rstrip(")")


def _typed(key: str | None, arguments: Sequence[str]) -> str | None:
    """The key as it was typed, of which Hydra may name but the upper part that it did not find."""
    typed = (argument.lstrip("+~").partition("=")[0] for argument in arguments)
    return next((name for name in typed if key and name.startswith(f"{key}.")), key)


def _named(argument: str) -> tuple[str, list[str]]:
    """The group of `group=name`, `group=[name,name]`, `group=name,name`; its options in the first run."""
    group, _, names = argument.partition("=")
    if names.startswith("["):
        return group, [name for name in names.strip("[]").split(",") if name]
    return group, [names.partition(",")[0]]


def _without_keys(arguments: Sequence[str]) -> Iterator[Path]:
    """The files of the options chosen that hold a list where keys belong."""
    for group, names in map(_named, arguments):
        files = (option.path for option in options(group) if option.name in names)
        yield from (file for file in files if isinstance(OmegaConf.load(file), ListConfig))


def _placed(argument: str) -> bool:
    """`group@place=…`"""
    return "@" in argument.partition("=")[0]


def _listed(argument: str) -> bool:
    """`group=[name,name]`"""
    group, names = _named(argument)
    return group in groups() and "=[" in argument and len(names) > 1


def _below_a_list(arguments: Sequence[str]) -> str | None:
    """The key that was typed for an element of a list, as if the list had keys."""
    config = _chosen_configuration(arguments)
    keys = [argument.lstrip("+~").partition("=")[0] for argument in arguments]
    above = {key: OmegaConf.select(config, key.rpartition(".")[0], throw_on_missing=False) for key in keys}
    return next((key for key, node in above.items() if isinstance(node, ListConfig)), None)


def _not_there(argument: str) -> Iterator[str]:
    """`group/name` of each option that its group has not (null and numbers included), or of `~group`."""
    group, names = _named(argument.lstrip("~"))
    if group in groups() and ("=" in argument or argument.startswith("~")):
        there = {option.name for option in options(group)}
        yield from (f"{group}/{name or NOTHING}" for name in names if name not in there)


def _comes_back(arguments: list[str]) -> str:
    """An option with `/experiment@_global_: other` among its defaults, chosen by that very key."""
    key = next((_key(argument) for argument in arguments if _placed(argument)), "defaults")
    return (
        f"{key}: an option's defaults come back to itself; one that includes another by this key "
        "cannot be chosen by it: write the other's values out in its file"
    )


def _unknown_option(missing: str, there: list[str]) -> str:
    group, _, name = missing.rpartition("/") if missing.startswith("hydra/") else missing.partition("/")
    there = there or [option.name for option in options(group)]
    if name == NOTHING:
        return f"{group}: a run cannot do without; {group}=… chooses an option"
    if not there:
        return f"{group}: no option '{name}', nor any other; they come from plug-ins (UNLEARN_PLUGINS=FOLDER)"
    return f"{group}: no option '{name}'; {did_you_mean(name, there)}"


def _unknown_key(key: str, arguments: list[str]) -> str:
    """The key that is not there, with its nearest neighbour in the configuration of the chosen options."""
    if (placed := key.partition("@")[0]) in PLACED and "@" in key:
        return f"{key}: no such place here; set by {_place(placed)}; unlearn {placed} --help shows where"
    if key == VALUES:
        return f"{key}: chooses among the values in the folder that {TUNED}= names; give {TUNED}=FOLDER, too"
    launcher = key.startswith(LAUNCHER)
    group, _, name = ("hydra/launcher", "", key.removeprefix(LAUNCHER)) if launcher else key.partition(".")
    elsewhere = [o.name for o in options(group) if name and name in OmegaConf.load(o.path)]
    chosen = [a.partition("=")[2] for a in arguments if a.startswith(f"{group}=")]
    if elsewhere:
        return f"{key}: no such key here; it belongs to {', '.join(f'{group}={o}' for o in elsewhere)}"
    if launcher and "." in name:
        return f"{key}: not there yet; +{key}=… adds it"
    if launcher:
        there = [OmegaConf.load(option.path) for option in options(group) if option.name in chosen]
        return f"{key}: no such key; {did_you_mean(name, [str(n) for keys in there for n in keys])}"
    config, parent = _chosen_configuration(arguments), key.rpartition(".")[0]
    if parent and OmegaConf.select(config, parent) == {}:
        return f"{key}: not there yet; +{key}=… adds it"
    if meant := nearest(key, _known(config)):
        return f"{key}: no such key or group; {spoken(meant)}"
    if parent and (meant := nearest(group, _known(config))) and group not in meant:
        return f"{key}: no such key or group; {spoken(meant)}"
    siblings = [there for there in _known(config) if there.rpartition(".")[0] == parent]
    if parent and siblings:
        return f"{key}: no such key; {parent} has {', '.join(name.rpartition('.')[2] for name in siblings)}"
    return f"{key}: no such key or group{_uppermost(siblings or _known(config))}"


def near(name: str, arguments: Sequence[str]) -> list[str]:
    """What a name may stand for in the configuration of the chosen options."""
    known = _known(_chosen_configuration(arguments))
    return [name] if name in known else nearest(name, known)


def _known(config: DictConfig) -> list[str]:
    return [*dict.fromkeys([*_dotted_keys(OmegaConf.to_container(config, resolve=False)), *groups()])]


def _unreadable(override: str) -> str:
    """What Hydra's grammar has no place for, even as text."""
    if OVERRIDE.fullmatch(override):
        return f"cannot read '{override}': is a bracket or a quote not closed? As a text: {as_text(override)}"
    return f"cannot read '{override}': key=value is right"


def _several(override: str, arguments: list[str]) -> str:
    """A sweep's values where one run was asked for."""
    key, _, values = override.partition("=")
    sweep = f"unlearn -m {shlex.quote(override)} (in Python unlearn.sweep)"
    line = f"{override}: several values are a sweep: {sweep}"
    if key in groups():
        return line
    default = OmegaConf.select(_chosen_configuration(arguments), key, throw_on_missing=False)
    if isinstance(default, ListConfig):
        return f"{line}; one list is {shlex.quote(f'{key}=[{values}]')}"
    return f"{line}; one text is {as_text(override)}" if default is None or isinstance(default, str) else line


def _bad_yaml(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{mark.name}, line {mark.line + 1}" if mark else "a configuration file"
    return f"{place}: not valid YAML ({error.problem}); mend it there"


def _uppermost(there: list[str]) -> str:
    depth = min(name.count(".") for name in there)
    return "; there are: " + ", ".join(sorted({name for name in there if name.count(".") == depth}))


def _chosen_configuration(arguments: Sequence[str]) -> DictConfig:
    """The configuration of the options among the arguments (a sweep's first ones), all values at default."""
    overrides = []
    for argument in arguments:
        group, names = _named(argument)
        if "=" in argument and group in groups() and names and not [*_not_there(argument)]:
            overrides.append(f"{group}=[{','.join(names)}]" if len(names) > 1 else f"{group}={names[0]}")
    GlobalHydra.instance().clear()
    with initialized():
        return compose("config", overrides)


def _dotted_keys(node: Any, prefix: str = "") -> list[str]:
    """Dotted names of all keys below a node."""
    if not isinstance(node, dict):
        return []
    found = []
    for name, child in node.items():
        found += [f"{prefix}{name}", *_dotted_keys(child, f"{prefix}{name}.")]
    return found


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
