"""An edit of activations in the code of a sparse autoencoder, to be attached to a layer."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_cli.errors import InputError
from unlearn_cli.sae.attachment import Attachment, Channels, attach
from unlearn_cli.sae.autoencoder import SparseAutoencoder

PLACE = "sae_edit"  # name of the submodule


class Edit(nn.Module):
    """z_i ← f_i · z_i + o_i for the selected latents, where z_i > τ_i.

    Args:
        selected: (m,) or (G, m) bool, G groups such as timesteps, each with latents of its own.
        factor: f, broadcast to `selected`. 0 ablates, 1 changes nothing, below 0 turns the latent against
            its concept; SAeUron's is a negative multiplier times the latent's mean on the concept.
        threshold: τ ≥ 0, broadcast likewise; SAeUron's is the latent's mean over all concepts.
        offset: o, broadcast likewise; with f = 0 the value at which the latent is clamped.

    Attributes:
        latents: (F,) numbers of those selected in any group; the others, (G, F), are theirs.
    """

    latents: Tensor
    factor: Tensor
    threshold: Tensor
    offset: Tensor

    def __init__(
        self,
        selected: Tensor,
        factor: Tensor | float,
        threshold: Tensor | float,
        offset: Tensor | float = 0.0,
    ):
        super().__init__()
        selected = torch.atleast_2d(selected)
        latents = selected.any(0).nonzero().squeeze(1)
        self.register_buffer("latents", latents)
        given = {"factor": (factor, 1.0), "threshold": (threshold, 0.0), "offset": (offset, 0.0)}
        for name, (value, otherwise) in given.items():
            self.register_buffer(name, torch.where(selected, value, otherwise)[:, latents])

    def change(self, z: Tensor, group: int | Tensor) -> Tensor:
        """z' − z of the selected latents (B, T, F); exactly 0 for what is not edited.

        group: of the whole batch, or (B,) of each of its samples.
        """
        of_group = [values[group] for values in (self.factor, self.threshold, self.offset)]
        if isinstance(group, Tensor):
            of_group = [values.unsqueeze(1) for values in of_group]
        factor, threshold, offset = of_group
        return torch.where(z > threshold, (factor - 1) * z + offset, 0.0)

    def alone(self) -> "Edit":
        """The same of the autoencoder's part that has just these latents."""
        every = torch.ones_like(self.factor, dtype=torch.bool)
        return Edit(every, self.factor, self.threshold, self.offset)


class SparseEdit(nn.Module):
    """s·W_d (z' − z), to be added to x: what the autoencoder does not explain stays, exactly.

    (The hook released with SAeUron adds x̂ − x where x − x̂ belongs, so that it changes x without an edit.)

    Attributes:
        group: which of the edit's groups applies to the next call; an int, or (B,) of each sample.
    """

    def __init__(self, sae: SparseAutoencoder, edit: Edit):
        super().__init__()
        self.sae, self.edit = sae, edit
        self.group: int | Tensor = 0

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, T, d) -> (B, T, d). InputError for another d."""
        directions = self.sae.decoder.weight[:, self.edit.latents]
        return self.sae.scale * F.linear(self.change(x), directions)

    def change(self, x: Tensor) -> Tensor:
        """z' − z (B, T, F) of tokens (B, T, d)."""
        if x.shape[-1] != self.sae.dimension:
            raise InputError(
                f"sae: made for activations of length {self.sae.dimension}, the layer's have {x.shape[-1]}; "
                "give one that was made for this layer"
            )
        return self.edit.change(self.sae.encode(x)[..., self.edit.latents], self.group)

    def moves(self, x: Tensor) -> Tensor:
        """(B, T) bool: tokens (B, T, d) of which a latent changes."""
        return (self.change(x) != 0).any(-1)

    def extremes(self) -> tuple["SparseEdit", "SparseEdit"]:
        """All latents as they are; all ablated."""
        shape = (len(self.edit.factor), self.sae.latents)
        every = torch.ones(shape, dtype=torch.bool, device=self.edit.factor.device)
        made = tuple(SparseEdit(self.sae, Edit(every, factor, 0.0)) for factor in (1.0, 0.0))
        for extreme in made:
            extreme.group = self.group
        return made[0], made[1]


def attach_edit(
    model: nn.Module,
    name: str,
    sae: SparseAutoencoder,
    edit: Edit,
    tokens: Tensor | int | None = None,
    channels: Channels = "first",
) -> Attachment:
    """A `SparseEdit` at work on the model's layer `name`, as its submodule `sae_edit`; see `attach`."""
    return attach(model, name, SparseEdit(sae, edit), tokens, channels, PLACE)
