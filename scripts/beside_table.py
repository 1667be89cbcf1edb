"""Measured results beside the numbers that a paper has of the same methods.

A paper's stand in conf/experiment/NAME.yaml (`expected`), ours in docs/results/*.json.
"""

import yaml
from scipy.stats import kendalltau

from unlearn_cli.compare.published import published
from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.config.run_keys import Expected
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.gaps import to_oracle
from unlearn_cli.runtime.text import table_line

HEAD = ["method", "UA: paper", "here", "MIA: paper", "here", "Avg Gap: paper", "here"]


def beside_table(name: str) -> list[str]:
    """For a mark `<!-- beside: EXPERIMENT FILE [FILE …] -->`: points from the oracle, by the paper's Avg Gap.

    Of a method that several files have, the last one counts. An Avg Gap that the paper lacks is worked out.
    """
    experiment, *files = name.split()
    text = (conf_folder() / f"experiment/{experiment}.yaml").read_text(encoding="utf-8")
    expected = Expected.model_validate(yaml.safe_load(text)["expected"])
    paper = {
        method: {metric: mean for metric, (mean, _) in values.items()}
        for method, values in expected.values.items()
    }
    here = {
        line.method: {metric: value.mean for metric, value in line.values.items()}
        for file in files
        for line in published(file).parts[0].rows
    }
    both = [method for method in paper if method in here]
    for method in both:
        paper[method].setdefault(AVERAGE, to_oracle(paper[method], paper["retrain"])[AVERAGE])
    sides = ((paper, paper["retrain"]), (here, here["oracle"]))
    lines = [
        [
            method,
            *(f"{of[method][rate] - oracle[rate]:+.1f}" for rate in ("UA", "MIA") for of, oracle in sides),
            *(f"{of[method][AVERAGE]:.2f}" for of, _ in sides),
        ]
        for method in sorted(both, key=lambda method: paper[method][AVERAGE])
    ]
    tau = kendalltau(*([of[method][AVERAGE] for method in both] for of, _ in sides))
    return [
        f"Points from the oracle. Paper: {expected.source}, {expected.choices['model']}. Here: "
        f"{', '.join(f'`{file}`' for file in files)}. The two orders by Avg Gap agree with a Kendall's τ of "
        f"{tau.statistic:.2f} (1: the same order, 0: none in common; p = {tau.pvalue:.2f}).",
        "",
        *map(table_line, (HEAD, ["---", *["---:"] * (len(HEAD) - 1)], *lines)),
    ]
