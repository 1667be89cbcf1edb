"""Controls of tiny models that know their digits by heart, each measured as any method's model is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from quick_hydra import quick_hydra
from torch import nn

from scripts.controls.caught import caught
from unlearn_cli.config.composing import composed
from unlearn_cli.config.plugins import used
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.measuring import measured
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import References
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.origins import Origins
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store
from unlearn_cli.tracking import Tracker
from unlearn_cli.unlearning import unlearned

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "scripts" / "controls"
FORGET = {"class": ("forget=class", "forget.classes=[3]"), "random": ("forget=random",)}
CONTROLS = {"class": ("half", "biased", "relabelled", "pruned"), "random": ("half", "relabelled", "pruned")}
TINY = (
    *("model=mlp", "train.epochs=20", "progress=false"),
    "eval.mia.features=[confidence,correctness,entropy,m_entropy,prob]",
)
ORACLES = 5


@dataclass
class Controls:
    """Metrics of the models by name, `again` (an oracle of another seed), `original` and the controls, and
    those of oracles."""

    models: dict[str, dict[str, float]]
    oracles: list[dict[str, float]]

    def caught(self, model: str) -> set[str]:
        """The metrics that tell it from an oracle."""
        return {
            metric
            for metric, value in self.models[model].items()
            if caught(metric, value, [oracle[metric] for oracle in self.oracles])
        }


@pytest.fixture(scope="session")
def controls(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Controls]:
    """Those of a kind of forget set, made once."""
    folder, made = tmp_path_factory.mktemp("controls"), dict[str, Controls]()

    def of(kind: str) -> Controls:
        if kind not in made:
            with used([f"--config-dir={PLUGINS}"]), quick_hydra():
                made[kind] = _made(kind, folder / kind)
        return made[kind]

    return of


def _made(kind: str, folder: Path) -> Controls:
    compute = Compute("cpu", "fp32", channels_last=False, compile=False)

    def experiment(method: str) -> Experiment:
        return read(*composed([f"method={method}", *FORGET[kind], *TINY, f"paths.outputs={folder}"]))

    first = experiment("retrain")
    store = Store(first.paths.store, compute)
    origins = Origins.of(first, compute, store)
    original, oracle = origins.get(Original()), origins.get(Retrain())
    *others, again = (origins.retrained(seed).get(Retrain()).model for seed in range(1, ORACLES + 2))
    models = {"again": again, "original": original.model}
    for name in CONTROLS[kind]:
        run = Origins.of(experiment(name), compute, store, origins.data)
        models[name], _ = unlearned(run, References(original, oracle), folder / name, Tracker())
    compared = origins.outputs(oracle)

    def metrics(model: nn.Module) -> dict[str, float]:
        outputs = first.eval.outputs(origins, model, folder)
        return measured(origins, model, outputs, folder) | first.eval.versus(origins, outputs, compared)

    return Controls(
        {name: metrics(model) for name, model in models.items()}, [metrics(one) for one in others]
    )
