"""The certificate of a run that answers a request, among the run's files."""

import logging
from collections.abc import Mapping
from typing import Any

from unlearn_cli.certificate import sealed_record
from unlearn_cli.certificate.page import to_html
from unlearn_cli.certificate.record import record_of
from unlearn_cli.methods.original import Original
from unlearn_cli.origins import Origins
from unlearn_cli.storage.run_folder import RunFolder

log = logging.getLogger("unlearn")


def write(origins: Origins, result: Mapping[str, Any], folder: RunFolder) -> None:
    """Once the result is kept: certificate.json and certificate.html, where there is a request.

    None for method=original, which forgets nothing.
    """
    request = origins.experiment.forget.answered(origins.data)
    if request is None or type(origins.experiment.method) is Original:
        return
    own = (sealed_record.CERTIFICATE, sealed_record.PAGE)
    files = {name: sha256 for name, sha256 in folder.content().items() if name not in own}
    sealed_record.write(folder.path, record_of(origins, request, result, folder.path, files), to_html)
    log.info("certificate: %s; unlearn verify %s", folder.path / sealed_record.PAGE, folder.path)
