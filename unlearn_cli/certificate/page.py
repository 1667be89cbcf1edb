"""The certificate as one HTML page that an auditor reads: it needs nothing from elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from unlearn_cli.compare import table
from unlearn_cli.config.nested import flat

TEMPLATE = Path(__file__).with_name("page.html.j2")
COLUMNS = {"method": "this model", "floor": "oracle again"}
"""Of the table of numbers, where a reader from outside needs another name."""
MOST_ROWS = 2000
"""Forgotten rows that the page lists; certificate.json has all."""


def to_html(record: Mapping[str, Any]) -> str:
    """The page of a record with its digest."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    rows = record["forgotten"]["rows"]
    body = table.rows(record["evidence"], None)
    names = table.columns(body)
    settings = {part: dict(flat(values, ".")) for part, values in record["values"].items() if _chosen(values)}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        record,
        headers=[COLUMNS.get(name, name) for name in names],
        body=[(row.headline, row.cells(names)) for row in body],
        settings=settings,
        listed=list(rows.items())[:MOST_ROWS],
    )


def _chosen(values: Any) -> bool:
    """Whether a part of the method has values beside its class."""
    return isinstance(values, dict) and len(values) > 1
