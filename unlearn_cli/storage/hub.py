"""Hugging Face's hub, asked first whether it answers: without a network its libraries try for a minute."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

log = logging.getLogger("unlearn")

PATIENCE = 5
"""Seconds until a network that swallows what is sent counts as none."""
OFFLINE = "HF_HUB_OFFLINE"


@contextmanager
def hub_or_cache(fetches: bool = True) -> Iterator[None]:
    """What is fetched within the block comes from the libraries' caches alone if the hub does not answer.

    What is not there either they tell at once, as with HF_HUB_OFFLINE=1. Where nothing is to be fetched
    nobody is asked.
    """
    from huggingface_hub import constants

    if not fetches or constants.HF_HUB_OFFLINE or _answers(constants.ENDPOINT):
        yield
        return
    log.info("hub: no answer from %s; only what was fetched before is used", constants.ENDPOINT)
    libraries = [library for library in (constants, sys.modules.get("datasets.config")) if library]
    before = [getattr(library, OFFLINE) for library in libraries]
    try:
        for library in libraries:
            setattr(library, OFFLINE, True)
        yield
    finally:
        for library, value in zip(libraries, before, strict=True):
            setattr(library, OFFLINE, value)


def _answers(endpoint: str) -> bool:
    """Whether anything answers there, whatever it says."""
    from huggingface_hub.utils import get_session

    session: Any = get_session()
    try:
        session.head(endpoint, timeout=PATIENCE)
    except Exception as error:  # of the hub's HTTP library, which has not always been the same
        log.debug("hub: %r", error)
        return False
    return True
