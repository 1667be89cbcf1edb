"""Samples of a diffusion model: any mix of classes or prompts, equal noise for every model."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.models.diffusion.ddim import ddim_step
from unlearn_cli.models.diffusion.denoiser import Denoiser, remedy
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.runtime.progress import Progress
from unlearn_cli.runtime.seeding import seed_all
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.storage.files import Damaged, set_aside
from unlearn_cli.storage.tensors import read_tensors, write_tensors

SEED, GUIDANCE = "own_seed", "own_guidance"
"""Columns of data whose prompts bring along how they are drawn."""

log = logging.getLogger("unlearn")


class Sampler(Settings):
    """How samples are drawn. Every field moves the numbers and is part of a run's record."""

    steps: int = Field(gt=0, description="denoising steps of a sample; divides the model's timesteps")
    eta: float = Field(ge=0, le=1, description="0: DDIM, deterministic; 1: ancestral, as DDPM")
    guidance: float = Field(
        ge=0, description="w of classifier-free guidance; 0 = none. Elsewhere the scale is 1 + w"
    )
    batch_size: int = Field(
        gt=0,
        description="images drawn at once; their noise follows from it. Short of memory, fewer go through "
        "the model",
    )
    seed: int = Field(ge=0, description="seed of the noise, which is equal for every model")

    def check(self, model: Denoiser, key: str) -> None:
        """Called before anything is written; `key` is this sampler's place in the configuration.

        Raises:
            InputError: guidance of a model without label drop, steps that begin outside of its process'
                timesteps, or do not divide them: there would be states between those that it names.
        """
        if self.guidance and not model.unconditional:
            raise InputError(
                f"{key}.guidance: needs a model that was trained with label drop; "
                f"{remedy(model)}, or set {key}.guidance=0"
            )
        if (timesteps := model.process.config.num_train_timesteps) % self.steps:
            near = next(n for n in range(self.steps, 0, -1) if timesteps % min(n, timesteps) == 0)
            raise InputError(
                f"{key}.steps: {self.steps} does not divide model.timesteps={timesteps}; "
                f"{min(near, timesteps)} does"
            )
        model.process.set_timesteps(self.steps)
        if not 0 < (first := int(model.process.timesteps[0])) < timesteps:
            raise InputError(
                f"{key}.steps: {self.steps} steps of the scheduler begin at timestep {first}, and it "
                f"has 1 to {timesteps - 1}; give another number"
            )

    def draw(
        self,
        model: Denoiser,
        labels: Tensor,
        shape: tuple[int, ...],
        compute: Compute,
        folder: Path,
        stage: str = "samples",
        progress: bool = False,
        own: OwnDraws | None = None,
    ) -> Tensor:
        """Images (n, *shape) uint8 on the CPU for the classes `labels` (n,).

        They are drawn in chunks, which stay in `folder` as `<stage>-*.resume.safetensors`: a killed run
        goes on with the next. A chunk's noise follows from its place alone. Several processes share the work.
        own: seeds and guidance that some of the n images bring along.
        """
        model.eval()
        chunks = labels.split(self.batch_size)
        files = [folder / f"{stage}-{number}.resume.safetensors" for number in range(len(chunks))]
        mine = [
            number
            for number in range(compute.rank, len(chunks), compute.world)
            if not _is_kept(files[number], len(chunks[number]))
        ]
        with Progress("sampling", len(mine), enabled=progress and compute.is_main) as bar:
            for number in mine:
                if stop_requested() and compute.world == 1:
                    stop("while sampling")
                seed_all(self.seed, "samples", number)
                noise = torch.randn(len(chunks[number]), *shape)
                if own:
                    images = self._sample_each(model, noise, chunks[number], compute, own.chunk(number, self))
                else:
                    images = self.sample(model, noise, chunks[number], compute)
                whole = (images * 255).round().to(torch.uint8).cpu().contiguous()
                write_tensors(files[number], {"images": whole})
                bar.advance()
        compute.barrier()
        return torch.cat([read_tensors(file)["images"] for file in files])

    def _sample_each(
        self, model: Denoiser, noise: Tensor, labels: Tensor, compute: Compute, own: OwnDraws
    ) -> Tensor:
        """As `sample`, with the images' own noise and guidance."""
        noise, weights = own.noise(noise), own.guidance.nan_to_num(self.guidance)
        images: list[Tensor] = [noise] * len(noise)
        for weight in weights.unique().tolist():
            rows = (weights == weight).nonzero()[:, 0]
            sampler = self.model_copy(update={"guidance": weight})
            drawn = sampler.sample(model, noise[rows], labels[rows.to(labels.device)], compute)
            for row, image in zip(rows.tolist(), drawn, strict=True):
                images[row] = image
        return torch.stack(images)

    @torch.no_grad()
    def sample(
        self,
        model: Denoiser,
        noise: Tensor,
        labels: Tensor,
        compute: Compute,
        stop_at: int | None = None,
    ) -> Tensor:
        """Images (B, c, H, W) in [0, 1] on the device, from noise of that shape, for the classes (B,).

        Only the present state is kept. stop_at: number of steps after which the unfinished state x_t (not
        scaled) is returned instead; its timestep is `model.process.timesteps[stop_at]`.

        Raises:
            RunError: what the model draws is not finite.
        """
        process = model.process
        process.set_timesteps(self.steps, device=compute.device)
        x, labels = compute.layout(noise.to(compute.device)), model.conditioning(labels.to(compute.device))
        predict = Halving(model, self.guidance)
        for t, before in pairwise([*process.timesteps, None][: None if stop_at is None else stop_at + 1]):
            with compute.autocast():
                output = predict(x, t.expand(len(x)), labels).float()
            # drawn on the CPU, so that the images do not depend on the device
            fresh = torch.randn(x.shape).to(x.device) if self.eta else None
            x = ddim_step(process, output, t, before, x, self.eta, fresh)
        return finite(x) if stop_at is not None else finite(model.decode(finite(x)))


@dataclass(frozen=True)
class OwnDraws:
    """Seeds and guidance of n images that came with their prompts."""

    seeds: Tensor
    """(n,) int64; −1: the sampler's noise."""
    copies: Tensor
    """(n,) int64: which of its prompt's images each is; they are successive draws from one generator."""
    guidance: Tensor
    """(n,) w; NaN: the sampler's."""

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[str]], prompts: Tensor) -> OwnDraws | None:
        """Of images of these prompts (n,), of which the columns SEED and GUIDANCE have a value each or "".

        None: there are no such columns.
        """
        if not columns.keys() & {SEED, GUIDANCE}:
            return None
        nothing = [""] * (int(prompts.max()) + 1)
        seeds = [int(value or -1) for value in columns.get(SEED, nothing)]
        guidance = [float(value or "nan") for value in columns.get(GUIDANCE, nothing)]
        seen: dict[int, count[int]] = defaultdict(count)
        copies = [next(seen[prompt]) for prompt in prompts.tolist()]
        return cls(torch.tensor(seeds)[prompts], torch.tensor(copies), torch.tensor(guidance)[prompts])

    def chunk(self, number: int, sampler: Sampler) -> OwnDraws:
        """Of the images that a sampler draws together."""
        parts = (one.split(sampler.batch_size)[number] for one in (self.seeds, self.copies, self.guidance))
        return OwnDraws(*parts)

    def noise(self, given: Tensor) -> Tensor:
        """(n, ...): what is given, where an image has no seed of its own."""
        found, places = given.clone(), self.seeds.ge(0).nonzero()[:, 0].tolist()
        for place in places:
            seed, copy = int(self.seeds[place]), int(self.copies[place])
            generator = torch.Generator().manual_seed(seed)
            found[place] = torch.randn(copy + 1, *given.shape[1:], generator=generator)[copy]
        return found


def finite(x: Tensor) -> Tensor:
    """x itself. RunError if it is not finite: it would become black images, and numbers of those."""
    if not x.isfinite().all():
        raise RunError(
            "sampling: what the model draws is not finite; its weights have grown beyond measure (a smaller "
            "method.lr or train.lr), they are damaged, or the precision is too low (precision=fp32)"
        )
    return x


def _is_kept(file: Path, count: int) -> bool:
    """Whether so many images are there; a damaged file goes aside."""
    try:
        images = read_tensors(file).get("images")
        if images is None or images.ndim != 4 or len(images) != count or images.dtype != torch.uint8:
            raise Damaged("of other work")
    except FileNotFoundError:
        return False
    except Damaged as error:
        set_aside(file, str(error), "samples")
        return False
    return True


class Halving:
    """The guided prediction of a batch, in parts of half the size each time that the memory is exhausted."""

    def __init__(self, model: Denoiser, guidance: float):
        self.model, self.guidance = model, guidance
        self.size: int | None = None

    def __call__(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        while True:
            try:
                size = self.size or len(x)
                parts = zip(x.split(size), t.split(size), labels.split(size), strict=True)
                return torch.cat([self.model.guided(*part, self.guidance) for part in parts])
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
            self.size = -(-size // 2)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            log.warning("sampling: out of memory; %d images at once from here on", self.size)
