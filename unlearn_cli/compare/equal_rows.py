"""Forget sets without chance: the rows of a whole class are equal, whatever `forget.seed` says."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from unlearn_cli.compare.keys import setting_keys, token
from unlearn_cli.compare.records import Run


def with_one_forget_seed(runs: Sequence[Run]) -> list[Run]:
    """The runs; those of one training and equal forgotten rows with the smallest `forget.seed` of them.

    So `forget=class seed=0,1,2 train.seed=0`, which unlearns one original thrice, counts as one original.
    Older records, which do not tell the rows, stay as they are and still pair with what has equal seeds.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    known = [(run, _training_and_rows(run)) for run in runs]
    for run, key in known:
        if key:
            alike[key].append(run.config["forget"]["seed"])
    return [_with_seed(run, min(alike[key])) if key else run for run, key in known]


def _training_and_rows(run: Run) -> str | None:
    """None where the rows are not told, or nothing has a seed."""
    rows = run.result.get("forget", {}).get("fingerprint")
    seed = (run.config.get("forget") or {}).get("seed")
    return token([setting_keys(run), run.result["seed"], rows]) if rows and isinstance(seed, int) else None


def _with_seed(run: Run, seed: int) -> Run:
    forget = run.config["forget"]
    return (
        run
        if forget["seed"] == seed
        else replace(run, config={**run.config, "forget": {**forget, "seed": seed}})
    )
