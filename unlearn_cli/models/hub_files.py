"""Files of a model on the hub, fetched once and kept in its cache; what goes wrong is told in a line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from unlearn_cli.errors import FULL, InputError
from unlearn_cli.storage.caches import check_caches
from unlearn_cli.storage.hub import hub_or_cache


def fetched_file(path: str, file: str, revision: str | None, lacking: str, hint: str) -> Path:
    """The file in the cache's folder of one commit. `lacking`: what a repository without it is not.

    Raises:
        InputError: no such repository, revision or file; no network, no login, a licence not accepted.
    """
    with _told(path, file, revision, lacking, hint):
        return Path(hf_hub_download(path, file, revision=revision))


def fetched_folder(path: str, patterns: Sequence[str], revision: str | None, lacking: str, hint: str) -> Path:
    """The cache's folder of one commit, whose name it has, with the files of these patterns.

    InputError as `fetched_file`.
    """
    with _told(path, "such file", revision, lacking, hint):
        return Path(snapshot_download(path, revision=revision, allow_patterns=list(patterns)))


@contextmanager
def _told(path: str, file: str, revision: str | None, lacking: str, hint: str) -> Iterator[None]:
    try:
        with hub_or_cache():
            yield
    except LocalEntryNotFoundError as error:
        raise InputError(
            f"model.path: the hub cannot be reached for '{path}' and it is not in the cache; "
            "fetch it once where there is a network, or give a folder: model.path=FOLDER"
        ) from error
    except RevisionNotFoundError as error:
        raise InputError(f"model.revision: '{path}' has no '{revision}'; null is the newest") from error
    except GatedRepoError as error:
        raise InputError(
            f"model.path: '{path}' is gated; accept its licence on the model's page of the hub, then log in: "
            "hf auth login (or HF_TOKEN)"
        ) from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"model.path: no '{path}' on the hub, or it needs a login (hf auth login); {hint}"
        ) from error
    except EntryNotFoundError as error:
        raise InputError(f"model.path: '{path}' has no {file}, so it is no {lacking}; {hint}") from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        check_caches()
        reason = " ".join(f"{error}".split())[:200]
        raise InputError(f"model.path: '{path}' cannot be fetched ({reason}); {hint}") from error
