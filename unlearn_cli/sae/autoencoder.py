"""A sparse autoencoder: the activations of one layer as few out of many directions."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.models.checkpoint import FACTS, load_into, save_model
from unlearn_cli.sae.sparsity import jump, top, top_of_batch
from unlearn_cli.storage.files import read_json

AUX_WEIGHT = 1 / 32  # α of Gao et al.
THRESHOLD_MEMORY = 0.99  # of the running mean that BatchTopK's threshold is
CHUNK = 2**16  # tokens at once where statistics are taken
GROUPS = (1 / 16, 1 / 8, 1 / 4, 9 / 16)
"""Shares of the latents in Matryoshka's groups, the first of which come first (Pach et al., 2025, code)."""
BANDWIDTH = 0.001
"""JumpReLU's ε, and its thresholds at the start, for activations with E‖x‖² = 1; ours have d."""


class Dictionary(Settings):
    """Size of a sparse autoencoder and what keeps its code sparse."""

    expansion: int = Field(gt=0, description="latents per dimension of the activations")
    activation: Literal["topk", "batchtopk", "matryoshka", "relu", "jumprelu"] = Field(
        description="which latents stay: the k largest of each token, k a token over the batch (matryoshka: "
        "with each of nested groups a dictionary of its own), all positive, those above a learnt threshold"
    )
    k: int = Field(
        gt=0, description="latents a token (topk), on average (batchtopk, matryoshka); unused by others"
    )
    l1: float = Field(
        ge=0, description="weight of what makes relu (‖z‖₁ / d) and jumprelu (‖z‖₀) sparse; unused by others"
    )
    dead_after: int = Field(gt=0, description="tokens without firing after which a latent counts as dead")


class SparseAutoencoder(nn.Module):
    """x' = (x − μ) / s;  z = activation(W_e (x' − b) + b_e);  x̂' = W_d z + b, with ‖W_d,i‖ = 1.

    μ is the activations' mean and s the number that makes E‖x'‖² = d. TopK and AuxK as in Gao et al., ICLR
    2025; BatchTopK as in Bussmann et al., 2024: over the batch in training, later by a threshold, the running
    mean of each batch's smallest value kept, so that a token's code does not hang on its neighbours;
    Matryoshka BatchTopK as in Bussmann et al., ICML 2025; JumpReLU as in Rajamanoharan et al., 2024.

    Args:
        dimension: d, length of an activation vector (a token).
        dictionary: its settings.
        latents: m; None = expansion · d. For what is loaded, or a part.

    Raises:
        InputError: k beyond m.
    """

    mean: Tensor
    scale: Tensor
    threshold: Tensor
    silent: Tensor

    def __init__(self, dimension: int, dictionary: Dictionary, latents: int | None = None):
        super().__init__()
        self.dimension, self.dictionary = dimension, dictionary
        self.latents = latents or dictionary.expansion * dimension
        if dictionary.k > self.latents:
            raise InputError(
                f"dictionary.k: {dictionary.k} of {self.latents} latents; "
                "give fewer, or a larger dictionary.expansion"
            )
        self.encoder = nn.Linear(dimension, self.latents)
        self.decoder = nn.Linear(self.latents, dimension, bias=False)
        self.bias = nn.Parameter(torch.zeros(dimension))
        if dictionary.activation == "jumprelu":
            self.threshold = nn.Parameter(torch.full((self.latents,), self.bandwidth))
        else:
            self.register_buffer("threshold", torch.zeros(()))
        self.constrain()
        nn.init.zeros_(self.encoder.bias)
        with torch.no_grad():
            self.encoder.weight.copy_(self.decoder.weight.T)  # Gao et al.: fewer latents die
        self.register_buffer("mean", torch.zeros(dimension))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("silent", torch.zeros(self.latents, dtype=torch.long))

    @classmethod
    def of(cls, dictionary: Dictionary, state: Mapping[str, Tensor]) -> "SparseAutoencoder":
        """With these tensors, not copies. RuntimeError or KeyError if they are not an autoencoder's."""
        latents, dimension = state["encoder.weight"].shape
        with torch.device("meta"):  # nothing is drawn
            made = cls(dimension, dictionary, latents)
        made.load_state_dict(state, assign=True)
        return made.eval()

    @torch.no_grad()
    def normalise(self, x: Tensor) -> None:
        """Set μ and s from activations (n, d). RunError if they are all equal, or not finite."""

        def parts() -> Iterator[Tensor]:
            return (part.to(self.mean.device).double() for part in x.split(CHUNK))

        mean = torch.stack([part.sum(0) for part in parts()]).sum(0) / len(x)
        square = torch.stack([(part - mean).square().sum() for part in parts()]).sum()
        scale = (square / x.numel()).sqrt()
        if not (scale.isfinite() and scale > 0):
            raise RunError(f"sae: the activations' spread is {float(scale)}; are they those of this layer?")
        self.mean.copy_(mean)
        self.scale.copy_(scale)

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring each latent's direction, a column of W_d, back to length 1, and thresholds to 0 or more."""
        self.decoder.weight /= self.decoder.weight.norm(dim=0, keepdim=True)
        self.threshold.clamp_(min=0)

    def encode(self, x: Tensor) -> Tensor:
        """Activations (..., d) of any dtype -> z (..., m) ≥ 0."""
        positive = self._before(self._normalised(x)).relu()
        if self.separable:
            return positive * (positive >= self.threshold)
        return top(positive, self.dictionary.k)

    def decode(self, z: Tensor) -> Tensor:
        """z (..., m) -> x̂ (..., d), in the units of x."""
        return self.mean + self.scale * (self.decoder(z) + self.bias)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """Scalar terms, by name, of activations (..., d); in train mode it also counts who fired.

        reconstruction: E‖x' − x̂'‖² / d, the share of the variance that is left unexplained; of matryoshka the
            mean over the prefixes of its groups, each of which has to do without the latents behind it.
        auxk (topk, batchtopk, matryoshka): 1/32 · E‖(x' − x̂') − W_d z_aux‖² / d, z_aux the d/2 largest values
            of dead latents; less by as much as these are fewer than d/2 (EleutherAI's sparsify).
        l1 (relu): λ · E‖z‖₁ / d.  l0 (jumprelu): λ · E‖z‖₀.
        """
        x = self._normalised(x).flatten(0, -2)
        before, kind = self._before(x), self.dictionary.activation
        positive = before.relu()
        if kind == "jumprelu":
            z, gate = jump(before, self.threshold, self.bandwidth)
            terms = {"l0": self.dictionary.l1 * gate.sum(-1).mean()}
        elif kind == "relu":
            z = positive
            terms = {"l1": self.dictionary.l1 * z.sum(-1).mean() / self.dimension}
        else:
            z, terms = (top if kind == "topk" else top_of_batch)(positive, self.dictionary.k), {}
        errors = self._errors(x, z)
        terms["reconstruction"] = torch.stack([error.square().mean() for error in errors]).mean()
        if kind not in ("relu", "jumprelu"):
            terms["auxk"] = self._revival(positive, errors[-1].detach())
        if self.training:
            self._count(z.detach())
        return terms

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """`loss`: what a training loop calls, through whatever it wraps a model in."""
        return self.loss(x)

    @property
    def separable(self) -> bool:
        """Whether a latent's value does not hang on the others', so that a part encodes as the whole."""
        return self.dictionary.activation != "topk"

    @torch.no_grad()
    def part(self, latents: Tensor) -> "SparseAutoencoder":
        """An autoencoder of just these latents, as numbers or (m,) bool: its codes are z[..., latents].

        Raises:
            RunError: topk, where the k largest are known only from all of them.
        """
        if not self.separable:
            raise RunError(
                "sae: with activation topk no part stands alone; its latents compete with the rest"
            )
        state = {name: value.detach().clone() for name, value in self.state_dict().items()}
        for name in ("encoder.weight", "encoder.bias", "silent"):
            state[name] = state[name][latents]
        state["decoder.weight"] = state["decoder.weight"][:, latents]
        if self.threshold.ndim:
            state["threshold"] = state["threshold"][latents]
        k = min(self.dictionary.k, len(state["silent"]))  # only training reads it
        return SparseAutoencoder.of(self.dictionary.model_copy(update={"k": k}), state)

    @property
    def bandwidth(self) -> float:
        """ε of JumpReLU, in the units of z."""
        return BANDWIDTH * math.sqrt(self.dimension)

    @property
    def dead(self) -> Tensor:
        """(m,) bool: latents that have not fired for `dead_after` tokens of training."""
        return self.silent >= self.dictionary.dead_after

    @property
    def fraction_dead(self) -> float:
        return float(self.dead.float().mean())

    def _normalised(self, x: Tensor) -> Tensor:
        return (x.to(self.mean.dtype) - self.mean) / self.scale

    def _before(self, x: Tensor) -> Tensor:
        """What the activation function is of."""
        return self.encoder(x - self.bias)

    def _errors(self, x: Tensor, z: Tensor) -> list[Tensor]:
        """x' − x̂' by each prefix of the groups; the last by all latents."""
        if self.dictionary.activation != "matryoshka":
            return [x - self.decoder(z) - self.bias]
        ends = [round(self.latents * sum(GROUPS[:i])) for i in range(len(GROUPS) + 1)]
        left, errors = x - self.bias, []
        for start, end in pairwise(ends):
            left = left - F.linear(z[:, start:end], self.decoder.weight[:, start:end])
            errors.append(left)
        return errors

    def _revival(self, positive: Tensor, error: Tensor) -> Tensor:
        """AuxK's term, of codes before the activation function (n, m) and x' − x̂' (n, d)."""
        dead = self.dead
        if not dead.any():  # a third of a step's time for nothing
            return error.new_zeros(())
        most = max(1, self.dimension // 2)
        missing = (error - self.decoder(top(positive * dead, most))).square().mean()
        return AUX_WEIGHT * missing * (dead.sum() / most).clamp(max=1)

    def _count(self, z: Tensor) -> None:
        """Note which latents fired for any of the tokens (n, m), and the smallest value of a batch's top."""
        fired = z > 0
        self.silent.add_(len(z)).masked_fill_(fired.any(0), 0)
        if self.dictionary.activation in ("batchtopk", "matryoshka"):
            smallest = z.masked_fill(~fired, torch.inf).min().to(self.threshold.dtype)
            moved = torch.lerp(smallest, self.threshold, THRESHOLD_MEMORY)
            moved = torch.where(self.threshold == 0, smallest, moved)  # the first batch
            self.threshold.copy_(torch.where(smallest.isfinite(), moved, self.threshold))

    @property
    def facts(self) -> dict[str, Any]:
        """What a saved autoencoder is built from."""
        dictionary = self.dictionary.model_dump(mode="json")
        return {"dimension": self.dimension, "latents": self.latents, "dictionary": dictionary}


def save_autoencoder(folder: Path, sae: SparseAutoencoder) -> None:
    """Weights and facts, whole or absent. RunError if they cannot be written."""
    save_model(folder, sae, sae.facts)


def load_autoencoder(folder: Path) -> SparseAutoencoder:
    """From a folder of `save_autoencoder`, on the CPU, in eval mode. InputError if it holds none."""
    try:
        facts = read_json(folder / FACTS)
        sae = SparseAutoencoder(facts["dimension"], Dictionary(**facts["dictionary"]), facts.get("latents"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{folder}: no sparse autoencoder to be read there ({reason})") from error
    return load_into(sae, folder, sae.facts).eval()
