"""A sparse autoencoder trained by the one training loop, on activations in place of images."""

from typing import Any

import torch
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.sae.autoencoder import SparseAutoencoder
from unlearn_cli.sae.streaming import Activations, Streamed
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

MEASURED, AT_ONCE = 2**14, 2**11  # tokens on which an epoch's quality is measured


def train_autoencoder(
    sae: SparseAutoencoder, data: Tensor | Streamed, recipe: Recipe, trainer: Trainer, stage: str = "sae"
) -> SparseAutoencoder:
    """Fit `sae` to activations (n, d) or a stream of them, in place: its normalisation, then its weights.

    The run's `trainer` lends seed, device, precision, folder of checkpoints, cost and history; a row of the
    latter tells the loss terms, `quality` and the share of dead latents. A sample of the cost is a token.

    Raises:
        InputError: the stream's images have fewer tokens than it is to draw.
        RunError: the activations are all equal or not finite; the loss is not finite.
        Preempted: a stop signal arrived; the checkpoint is written.
    """
    source: Any = Activations(data, trainer.device) if isinstance(data, Tensor) else data

    def monitor(model: nn.Module, epoch: int) -> dict[str, float]:
        sample = source.sample()
        measured = quality(model, sample[:: -(-len(sample) // MEASURED)])
        return measured | {"dead": sae.fraction_dead}  # counted in training, so not by averaged weights

    phase = Trainer(  # without the run's mask and surgery, which are the unlearned model's
        source,
        None,
        trainer.compute,
        trainer.seed,
        trainer.folder,
        checkpoint_minutes=trainer.checkpoint_minutes,
        progress=trainer.progress,
        observe=trainer.observe,
        monitor=monitor,
    )
    phase.cost, phase.history = trainer.cost, trainer.history

    def prepare() -> None:
        sae.normalise(source.sample())

    def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        return model(batch.x)

    def constrain(parameters: list[Tensor], anchors: list[Tensor], rate: float, progress: float) -> None:
        sae.constrain()

    phase.fit(sae, source.feed, objective, recipe, stage=stage, proximal=constrain, prepare=prepare)
    sae.constrain()  # weights averaged over steps (EMA) are shorter
    return sae


@torch.no_grad()
def quality(sae: Any, x: Tensor) -> dict[str, float]:
    """Of activations (n, d), encoded as later in use.

    fvu: share of their variance that is left unexplained. l0: latents that fire for a token, on average.
    """
    error = spread = active = 0.0
    for part in x.split(AT_ONCE):
        values = part.to(sae.mean.device).float()
        z = sae.encode(values)
        error += float((values - sae.decode(z)).square().sum(dtype=torch.double))
        spread += float((values - sae.mean).square().sum(dtype=torch.double))
        active += int((z > 0).sum())
    return {"fvu": error / spread, "l0": active / len(x)}
