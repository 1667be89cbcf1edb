"""The answer of a run that is finished already, found before anything heavy is imported."""

import logging
from typing import Any

from omegaconf import DictConfig

from unlearn_cli.config.run_path import resolved, run_path
from unlearn_cli.storage.identity import identity_of
from unlearn_cli.storage.identity_file import Kept
from unlearn_cli.storage.run_folder import RunFolder

log = logging.getLogger("unlearn")


def finished_result(composed: DictConfig, choices: dict[str, str]) -> dict[str, Any] | None:
    """What a finished run of this very configuration has found; None leaves it to `unlearn_cli.run.run`.

    The configuration is checked no further: it is the one of a run that was checked when it began. Where
    another differs from it in keys that move no number (tracking, paths, …), those are yet to be checked.

    Args:
        choices: option by group.

    Raises:
        InputError: a value is missing; the folder holds another run's result.
    """
    config = resolved(composed)
    identity = identity_of(config)
    folder = RunFolder(run_path(config, choices, identity.key), config, kept=Kept(identity, choices))
    result = folder.answer()
    if result and folder.has_same_config():
        log.info("already finished: %s", folder.path)
        return result
    return None
