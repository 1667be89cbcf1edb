"""docs/results/controls/*.json: the controls, measured as any method is.

    .venv/bin/python -m scripts.controls.measure [OUTPUTS]

Called again, it goes on (OUTPUTS: outputs/controls); `scripts/docs` draws docs/controls.md from it.
"""

import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import unlearn_cli as unlearn
from scripts.controls.caught import Interval
from scripts.controls.record import FOLDER, Record
from unlearn_cli.config.composing import composed
from unlearn_cli.config.plugins import used
from unlearn_cli.experiment import read
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.origins import Origins
from unlearn_cli.storage.files import read_json, replacing
from unlearn_cli.storage.run_folder import ENVIRONMENT
from unlearn_cli.storage.store import Store

PLUGINS = "scripts/controls"
KINDS = {
    "class": ("method=original,half,biased,relabelled,pruned", "forget=class", "forget.classes=[3]"),
    "random": ("method=original,half,relabelled,pruned", "forget=random"),
}
SETTING = (
    *("forget.seed=0", "model=mlp", "oracle.count=6", "shadows.count=32"),
    "shadows.fraction=0.3",  # the original's share of all rows
    "eval.mia.features=[confidence,correctness,entropy,m_entropy,prob]",
    *("eval.attacks=[ulira,rmia,iam]", "eval.hidden=all"),
)
SEEDS = (0, 1, 2)
AGAIN = "another oracle"
ATTACKS = {"ulira": "ULiRA", "rmia": "RMIA", "iam": "IAM"}
JUDGED_BY_CHANCE = ("AUC", "balanced")
DECIMALS = 3

Values = dict[str, float]


def main(outputs: Path) -> None:
    where = (f"--config-dir={PLUGINS}", f"paths.outputs={outputs.resolve()}", "progress=false")
    for kind, (methods, *forget) in KINDS.items():
        seeds = f"seed={','.join(map(str, SEEDS))}"
        results = unlearn.sweep(methods, *forget, *SETTING, seeds, *where)
        runs = {(result.raw["method"], result.raw["seed"]): result.raw for result in results}
        likeness = {seed: _likeness([*forget, *SETTING, f"seed={seed}", *where]) for seed in SEEDS}
        command = f"UNLEARN_PLUGINS={PLUGINS} unlearn -m {' '.join((methods, *forget, *SETTING, seeds))}"
        text = _record(runs, likeness, command).model_dump_json(indent=1)
        with replacing(FOLDER / f"{kind}.json") as temporary:
            temporary.write_text(f"{text}\n", encoding="utf-8")


def _likeness(overrides: list[str]) -> dict[int, Values]:
    """Of the oracles of other seeds to the run's own, by seed: what a run tells of its method alone."""
    with used(overrides):
        experiment = read(*composed(overrides))
        compute = experiment.compute()
        run = Origins.of(experiment, compute, Store(experiment.paths.store, compute))
        own = run.outputs(run.get(Retrain()))
        return {
            oracle.seed: experiment.eval.versus(run, run.outputs(oracle), own)
            for oracle in run.oracles()
            if oracle.seed != experiment.seeds.train
        }


def _record(
    runs: dict[tuple[str, int], dict[str, Any]], likeness: dict[int, dict[int, Values]], command: str
) -> Record:
    """Of the runs by method and seed; the last oracle of each seed is put to the test as a control is."""
    any_run = next(iter(runs.values()))
    methods = dict.fromkeys(method for method, _ in runs)
    oracles = [
        [one["metrics"] | likeness[seed].get(one["seed"], {}) for one in _of(runs, seed)["oracles"]]
        for seed in SEEDS
    ]
    again = [found.pop() for found in oracles]
    models = {AGAIN: again} | {
        method: [runs[method, seed]["metrics"] for seed in SEEDS] for method in methods
    }
    metrics = [name for name in again[0] if all(name in values for of in models.values() for values in of)]
    return Record(
        command=command,
        commit=read_json(Path(any_run["folder"]) / ENVIRONMENT)["commit"],
        date=datetime.now(timezone.utc).date().isoformat(),
        seeds=list(SEEDS),
        oracles={
            metric: [[round(one[metric], DECIMALS) for one in found if metric in one] for found in oracles]
            for metric in metrics
        },
        models={
            name: {metric: [round(one[metric], DECIMALS) for one in values] for metric in metrics}
            for name, values in models.items()
        },
        intervals={method: _intervals([runs[method, seed] for seed in SEEDS]) for method in methods},
    )


def _of(runs: dict[tuple[str, int], dict[str, Any]], seed: int) -> dict[str, Any]:
    return next(run for (_, of), run in runs.items() if of == seed)


def _intervals(runs: list[dict[str, Any]]) -> dict[str, list[Interval]]:
    """Of the attacks on forgotten rows, by metric, one for each run."""
    found = [(run["method"], read_json(Path(run["folder"]) / "attacks.json")) for run in runs]

    def interval(method: str, record: dict[str, Any], attack: str, rate: str) -> Interval:
        mine = record["models"][method][attack]["forget"][rate]
        null = (record["null"] or record["models"]["oracle"])[attack]["forget"][rate]
        return Interval(*(round(value, DECIMALS) for value in (mine["low"], mine["high"], null["value"])))

    return {
        f"{key}_{rate}": [interval(*one, attack, rate) for one in found]
        for attack, key in ATTACKS.items()
        for rate in JUDGED_BY_CHANCE
    }


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "outputs/controls"))
