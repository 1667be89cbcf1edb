"""Measured results beside the numbers that a paper has of the same methods.

A paper's stand in conf/experiment/NAME.yaml (`expected`), ours in docs/results/*.json.
"""

from typing import Any

import yaml
from scipy.stats import kendalltau

from unlearn_cli.compare.published import published
from unlearn_cli.config.catalogue import conf_folder

RATES = ("UA", "RA", "TA", "MIA")
"""What Avg Gap is the mean gap of, in the paper and here."""
HEAD = ["method", "UA: paper", "here", "MIA: paper", "here", "Avg Gap: paper", "here"]


def beside_table(name: str) -> list[str]:
    """For a mark `<!-- beside: EXPERIMENT FILE [FILE …] -->`: points from the oracle, by the paper's Avg Gap.

    Of a method that several files have, the last one counts.
    """
    experiment, *files = name.split()
    expected = yaml.safe_load((conf_folder() / f"experiment/{experiment}.yaml").read_text())["expected"]
    theirs = {method: _means(row) for method, row in expected["values"].items()}
    rows = [row for file in files for row in published(file).parts[0].rows]
    ours = {row.method: {metric: value.mean for metric, value in row.values.items()} for row in rows}
    both = [method for method in theirs if method in ours]
    gaps = {method: _avg_gap(theirs[method], theirs["retrain"]) for method in both}
    lines = [
        [
            method,
            *_rates(theirs[method], theirs["retrain"], ours[method], ours["oracle"]),
            f"{gaps[method]:.2f}",
            f"{ours[method]['avg_gap']:.2f}",
        ]
        for method in sorted(both, key=gaps.__getitem__)
    ]
    order = kendalltau([gaps[method] for method in both], [ours[method]["avg_gap"] for method in both])
    return [
        f"Points from the oracle. Paper: {expected['source']}, {expected['choices']['model']}. Here: "
        f"{', '.join(f'`{file}`' for file in files)}. The two orders by Avg Gap agree with a Kendall's τ of "
        f"{order.statistic:.2f} (1: the same order, 0: none in common; p = {order.pvalue:.2f}).",
        "",
        *(f"| {' | '.join(line)} |" for line in (HEAD, ["---", *["---:"] * (len(HEAD) - 1)], *lines)),
    ]


def _means(row: dict[str, Any]) -> dict[str, float]:
    return {metric: mean for metric, (mean, _) in row.items()}


def _avg_gap(row: dict[str, float], oracle: dict[str, float]) -> float:
    """Worked out where the paper has none."""
    computed = sum(abs(row[rate] - oracle[rate]) for rate in RATES) / len(RATES)
    return row.get("avg_gap", computed)


def _rates(*rows: dict[str, float]) -> list[str]:
    """Signed, of UA and of MIA; the paper's, then ours."""
    theirs, their_oracle, ours, oracle = rows
    pairs = ((theirs, their_oracle), (ours, oracle))
    return [f"{row[rate] - of[rate]:+.1f}" for rate in ("UA", "MIA") for row, of in pairs]
