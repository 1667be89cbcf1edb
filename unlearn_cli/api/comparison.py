"""Finished runs side by side: the tables of `unlearn-compare`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from unlearn_cli.api.result import Result

if TYPE_CHECKING:
    from unlearn_cli.compare.comparison import Comparison as Tables


@dataclass(frozen=True)
class Comparison:
    """A table for each setting, a row for each variant of method and mask."""

    rows: list[dict[str, Any]]
    """Every number, as `unlearn-compare --csv` writes them: pandas.DataFrame(comparison.rows)."""
    tables: "Tables" = field(repr=False)

    def to_markdown(self) -> str:
        from unlearn_cli.compare.markdown import to_markdown

        return to_markdown(self.tables)

    def to_latex(self) -> str:
        """For booktabs."""
        from unlearn_cli.compare.latex import to_latex

        return to_latex(self.tables)

    def to_csv(self) -> str:
        from unlearn_cli.compare.rows import to_csv

        return to_csv(self.tables)

    def to_html(self) -> str:
        """One page with figures, which needs no network."""
        from unlearn_cli.compare.page import to_html

        return to_html(self.tables)

    def _repr_markdown_(self) -> str:
        """For notebooks."""
        return self.to_markdown()


Place = str | Path | Result


def compare(
    *paths: Place | Iterable[Place],
    where: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
    by: Sequence[str] = (),
    across: str | None = None,
    rank_by: str = "avg_gap",
    interval: Literal["t", "bootstrap"] = "t",
    margin: float | None = None,
    published: str | None = None,
) -> Comparison:
    """Compare runs: unlearn.compare("outputs", metrics=["UA", "RA"]), or unlearn.compare(results).

    Args:
        paths: run folders, sweep folders, folders above them, results of `run` and `sweep`; lists of these.
        where, metrics, by, across, rank_by, interval, margin, published: as the flags of `unlearn-compare`.

    Raises:
        InputError: no run to compare; an unknown key or metric.
    """
    from unlearn_cli.compare.comparison import Options
    from unlearn_cli.compare.published import published as read_published
    from unlearn_cli.compare.report import read_and_compare
    from unlearn_cli.compare.rows import rows

    held = read_published(published) if published else None
    options = Options(metrics, rank_by, interval, by, across, margin, held)
    _, tables = read_and_compare([*_folders(paths)], where, options)
    return Comparison(rows(tables), tables)


def _folders(paths: Iterable[Place | Iterable[Place]]) -> Iterable[Path]:
    for path in paths:
        if isinstance(path, Result):
            yield path.folder
        elif isinstance(path, str | Path):
            yield Path(path)
        else:
            yield from _folders(path)
