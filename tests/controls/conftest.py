"""Controls of tiny models that know their digits by heart, each measured as any method's model is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from quick_hydra import quick_hydra

from scripts.controls.caught import caught
from unlearn_cli.config.composing import composed
from unlearn_cli.config.plugins import used
from unlearn_cli.data.images import ImageData
from unlearn_cli.experiment import read
from unlearn_cli.measuring import measured, measured_once
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import Origin, References
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
def controls(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Controls]:
    """Those of a kind of forget set, measured by these overrides; made once."""
    folder = tmp_path_factory.mktemp("controls")

    @cache
    def of(kind: str, *overrides: str, names: tuple[str, ...] = ()) -> Controls:
        with used([f"--config-dir={PLUGINS}"]), quick_hydra():
            return _made(kind, overrides, names or CONTROLS[kind], folder / kind)

    return of


def _made(kind: str, overrides: Sequence[str], names: Sequence[str], folder: Path) -> Controls:
    compute = Compute("cpu", "fp32", channels_last=False, compile=False)

    def run(method: str, data: ImageData | None = None) -> Origins:
        chosen = (f"method={method}", *FORGET[kind], *TINY, *overrides, f"paths.outputs={folder}")
        experiment = read(*composed(chosen))
        store = Store(experiment.paths.store, compute)
        return Origins.of(experiment, compute, store, data)

    first = run("retrain")
    original, oracle = first.get(Original()), first.get(Retrain())
    compared = first.outputs(oracle)

    def of_reference(origin: Origin) -> dict[str, float]:
        likeness = first.experiment.eval.versus(first, first.outputs(origin), compared)
        return measured_once(first, origin) | likeness

    def of_control(name: str) -> dict[str, float]:
        own = run(name, first.data)
        model, _ = unlearned(own, References(original, oracle), folder / name, Tracker())
        outputs = own.experiment.eval.outputs(own, model, folder / name)
        likeness = own.experiment.eval.versus(own, outputs, compared)
        return measured(own, model, outputs, folder / name) | likeness

    oracles = [of_reference(first.retrained(seed).get(Retrain())) for seed in range(1, ORACLES + 2)]
    models = {"again": oracles.pop(), "original": of_reference(original)}
    return Controls(models | {name: of_control(name) for name in names}, oracles)
