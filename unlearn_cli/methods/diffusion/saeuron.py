"""SAeUron: the concept's features are turned off where a block writes them; no weight changes."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.rows import spread
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError, RunError, did_you_mean
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder, load_autoencoder, save_autoencoder
from unlearn_cli.sae.edit import Edit, SparseEdit, attach_edit
from unlearn_cli.sae.scores import Score, Tally, scores
from unlearn_cli.sae.training import train_autoencoder
from unlearn_cli.storage.tensors import write_tensors
from unlearn_cli.tasks.verbs.diffusion import HasActivations
from unlearn_cli.training.trainer import Trainer

FOLDER, EDIT = "sae", "edit.safetensors"
TIMESTEPS = "timesteps"  # buffer of an edited UNet: how many timesteps a group of the edit has


class SAeUron(GradientMethod):
    """z_i ← γ·m⁺_i·z_i for the features i of the concept, where z_i > m_i (Cywiński & Deja, ICML 2025).

    z is the code of a block's output in a sparse autoencoder that is trained on the block's outputs at all
    timesteps, for prompts of the concept and others. Timesteps are grouped; in each group the features are
    those with the highest score, m⁺ their mean activation on the concept, m that on all prompts of the data,
    γ < 0 the multiplier. Activations are in the block's own units: our autoencoder divides them by s, so that
    γ is multiplied by s. What the autoencoder does not explain stays, exactly (the released hook mirrors it).
    """

    needs: ClassVar[type] = HasActivations
    maskable: ClassVar[bool] = False
    sides: ClassVar[tuple[str, ...] | None] = None

    layer: str = Field(description="the UNet's block whose output is edited")
    dictionary: Dictionary
    score: Score = Field(description="what makes a feature the concept's; prop_diff is the paper's")
    percentile: float = Field(
        gt=0,
        lt=100,
        description="features with a score above this percentile are the concept's, in each timestep group",
    )
    multiplier: float = Field(
        lt=1,
        description="γ, how those features are scaled: by γ times their mean activation on the concept, in "
        "the block's units; 0 ablates, below 0 negates",
    )
    groups: int = Field(gt=0, description="parts of the timesteps, each with features of its own")
    prompts: int = Field(
        gt=0,
        description="prompts of the concept, and as many others, whose sampling is recorded for the "
        "autoencoder",
    )
    images: int = Field(gt=0, description="images drawn for each of these prompts")
    sampler: Sampler

    def check(self, task: HasActivations, model: TextToImage, data: ImageData, sets: Sets) -> None:
        self.sampler.check(model, "method.sampler")
        names = dict(model.unet.named_modules())
        if self.layer not in names:
            blocks = [name for name in names if name.rpartition(".")[0].endswith("attentions")]
            raise InputError(
                f"method.layer: the UNet has no '{self.layer}'; {did_you_mean(self.layer, blocks)}"
            )

    def unlearn(self, task: HasActivations, model: TextToImage, sets: Sets, trainer: Trainer) -> nn.Module:
        labels = trainer.data.labels
        found = {}
        for name, rows in (("forget", sets.forget), ("retain", sets.retain)):
            chosen = spread(np.unique(labels[rows]), self.prompts).repeat(self.images)
            found[name] = task.activations(model, self.layer, torch.from_numpy(chosen), self.sampler, trainer)
        tokens = torch.cat([x.flatten(0, 2) for x, _ in found.values()])
        trainer.seeded("sae")
        sae = SparseAutoencoder(tokens.shape[-1], self.dictionary).to(trainer.device)
        sae = train_autoencoder(sae, tokens, self, trainer).eval()

        tallies = {name: self.tally(sae, x, t // self.width(model)) for name, (x, t) in found.items()}
        counts = [len(np.unique(labels[rows])) for rows in (sets.forget, sets.retain)]
        edit = self.edit(tallies["forget"], tallies["retain"], counts[0] / sum(counts), float(sae.scale))
        if trainer.is_main:
            save_autoencoder(trainer.folder / FOLDER, sae)
            write_tensors(trainer.folder / FOLDER / EDIT, {k: v.cpu() for k, v in edit.items()})
        return self.attached(model, sae, edit)

    def tally(self, sae: SparseAutoencoder, x: Tensor, groups: Tensor) -> Tally:
        """The codes of activations (S, n, T, d), of S steps that belong to the timestep groups (S,)."""
        device = sae.mean.device
        tally = Tally(sae.latents, device, self.groups)
        for part, group in zip(x, groups.tolist(), strict=True):
            with torch.no_grad():
                tally.update(sae.encode(part.to(device)), group)
        return tally

    def edit(self, forget: Tally, other: Tally, share: float, scale: float) -> dict[str, Tensor]:
        """Which features (G, m), by what factor, above what activation.

        share: of the forgotten among all prompts (the release: the mean over all concepts, which have
        equally many). scale: s of the autoencoder. RunError: no feature.
        """
        found = scores(self.score, forget, other)
        least = torch.quantile(found, self.percentile / 100, dim=1, keepdim=True)
        selected = (found > least) & (found > 0)
        if not selected.any():
            raise RunError(
                f"saeuron: no feature of '{self.layer}' is more active for the concept than for other "
                "prompts, so there is nothing to turn off; give another method.layer, or a larger "
                "method.dictionary.expansion"
            )
        return {
            "selected": selected,
            "factor": self.multiplier * scale * forget.mean,
            "threshold": share * forget.mean + (1 - share) * other.mean,
        }

    def attached(self, model: TextToImage, sae: SparseAutoencoder, edit: dict[str, Tensor]) -> nn.Module:
        """The model with the edit at work, and a self-test of the hook."""
        device = next(model.unet.parameters()).device
        edit = {name: value.to(device) for name, value in edit.items()}
        attachment = attach_edit(model.unet, self.layer, sae.to(device), Edit(**edit))
        model.unet.register_buffer(TIMESTEPS, torch.tensor(self.width(model)), persistent=False)
        model.unet.register_forward_pre_hook(_tell_time, with_kwargs=True)
        config = model.unet.config
        side = config.sample_size if isinstance(config.sample_size, int) else config.sample_size[0]
        x = torch.randn(1, config.in_channels, side, side, generator=torch.Generator().manual_seed(0))
        null = torch.full((1,), model.null, device=device)
        time = torch.zeros(1, dtype=torch.long, device=device)
        attachment.self_test(lambda: model.eval()(x.to(device), time, null))
        return model

    def width(self, model: TextToImage) -> int:
        """Timesteps of a group."""
        return -(-model.process.config.num_train_timesteps // self.groups)

    def restored(self, model: TextToImage, folder: Path) -> nn.Module:
        edit = load_file(folder / FOLDER / EDIT)
        return self.attached(model, load_autoencoder(folder / FOLDER), edit)


def _tell_time(unet: nn.Module, arguments: Any, keywords: Any) -> None:
    """Before each pass: which group of the edit holds; looked up in the module, for copies of it."""
    each: Any = getattr(unet, TIMESTEPS)
    for module in unet.modules():
        if isinstance(module, SparseEdit):
            module.group = torch.as_tensor(arguments[1]).expand(len(arguments[0])) // each
