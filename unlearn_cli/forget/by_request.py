"""Rows that a request asks to be forgotten; the run's folder then holds a certificate of what was done."""

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.forget.request_file import Request, read_request

log = logging.getLogger("unlearn")


class ByRequest(Selector):
    """The training rows among those that the request in `file` names.

    Rows outside of the training split are told and left: no model has learned from them. Nothing of the
    request but its id, date and hash gets into the run's folder.
    """

    file: Path = Field(
        description="JSON file with id, date, reason, and rows (numbers), files (names) or query; of several "
        "all count"
    )
    copy_reason: bool = Field(description="copy the request's reason into the certificate")

    @cached_property
    def _read(self) -> tuple[Request, str]:
        try:
            return read_request(self.file)
        except InputError as error:
            raise self._refused(error) from error

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        asked = self._asked(data)
        rows = np.intersect1d(asked, splits.train)
        if not len(rows):
            raise self._refused(
                f"none of the {len(asked)} rows that it names is a training row, so no model has learned "
                "them; name others (data.val_fraction=0 leaves all train rows to training)"
            )
        if others := len(asked) - len(rows):
            log.warning("forget: %d of the %d rows asked for are no training rows", others, len(asked))
        return self.forget_set("request", rows, data, splits)

    def answered(self, data: ImageData) -> dict[str, Any]:
        request, sha256 = self._read
        reason = {"reason": request.reason} if self.copy_reason and request.reason else {}
        return {
            "id": request.id,
            "date": request.date.isoformat(),
            **reason,
            "sha256": sha256,
            "rows_asked_for": len(self._asked(data)),
        }

    def _asked(self, data: ImageData) -> np.ndarray:
        request, _ = self._read
        try:
            return request.asked_rows(data)
        except InputError as error:
            raise self._refused(error) from error

    def _refused(self, why: object) -> InputError:
        return InputError(f"forget.file: '{self.file}': {why}")
