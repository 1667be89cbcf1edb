"""SAUCE: a concept's features in a sparse autoencoder of the vision side are turned off or around."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.rows import digest
from unlearn_cli.data.splits import Sets
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.methods.vlm.intervention import EDITS, Intervention, InterventionTask, Trial, file_name
from unlearn_cli.models.checkpoint import FACTS
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.sae.artifact import load_edit, save_edit
from unlearn_cli.sae.attachment import Attachment
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder, load_autoencoder, save_autoencoder
from unlearn_cli.sae.edit import Edit, SparseEdit, attach_edit
from unlearn_cli.sae.foreign import load_foreign
from unlearn_cli.sae.scores import Score, Tally, scores
from unlearn_cli.sae.streaming import Streamed
from unlearn_cli.sae.training import train_autoencoder
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.storage.tensors import write_tensors
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

log = logging.getLogger("unlearn")

HISTORY = "history.json"  # of an autoencoder's training, beside it
SHOWN = 5  # features of which an account is kept
KNOWN = 0.7  # AUROC under which a latent hardly tells of the concept


class Sauce(Intervention, Recipe):
    """x ← x + s·W_d (z' − z): z'_i = γ·z_i (or γ·m⁺_i) for the k features i of the concept where z_i > 0.

    After Geng, Li et al., ICCV 2025, re-derived: only the abstract could be read, which names the three steps
    (an autoencoder of the model's activations, the features of the concept by a few images, their change at
    inference). Layer, size, score and scale are ours, chosen on validation rows. z is the code of an image's
    tokens in an autoencoder trained on the images of the training rows; m⁺_i is feature i's mean on the
    concept. What the autoencoder does not explain stays, exactly.
    """

    pretrained: Path | None = Field(
        description="an autoencoder from elsewhere: a folder of ours, of dictionary_learning, sparsify or "
        "sae-lens; null = trained here"
    )
    dictionary: Dictionary
    train_tokens: int = Field(
        gt=0, description="tokens of each image in an epoch of the autoencoder, at most"
    )
    buffer: int = Field(gt=0, description="tokens in memory at a time while it is trained")
    score: Score = Field(description="what makes a feature the concept's, against other images")
    pool: Literal["tokens", "images"] = Field(
        description="what the score counts: every token, or each image by its largest activation"
    )
    k: tuple[PositiveInt, ...] = Field(min_length=1, description="numbers of features, to choose from")
    gamma: tuple[Annotated[float, Field(lt=1)], ...] = Field(
        min_length=1, description="γ, factors of those features, to choose from; 0 ablates, below 0 negates"
    )
    mode: Literal["scale", "clamp"] = Field(description="scale: γ·z_i; clamp: γ·m⁺_i")

    @torch.no_grad()
    def check(self, task: InterventionTask, model: VisionLanguage, data: ImageData, sets: Sets) -> None:
        super().check(task, model, data, sets)
        for layer in self.layers_of(model):
            width = model.activations(layer, model.sample()).shape[-1]
            if self.pretrained:
                sae = read_autoencoder(self.pretrained)
            else:
                sae = SparseAutoencoder(width, self.dictionary)
            if sae.dimension != width:
                raise InputError(
                    f"method.pretrained: made for activations of length {sae.dimension}, those of '{layer}' "
                    f"are of length {width}; give one that was made for this layer, or another layer"
                )
            if max(self.k) > sae.latents:
                raise InputError(f"method.k: {max(self.k)} of {sae.latents} features; give fewer")

    def trials(
        self,
        task: InterventionTask,
        model: VisionLanguage,
        concept: Substitution,
        layer: str,
        sets: Sets,
        trainer: Trainer,
    ) -> Iterator[tuple[dict[str, Any], nn.Module]]:
        sae = self.autoencoder(model, layer, sets, trainer)
        seen = self.example_rows(concept, sets, trainer)
        tallies = {
            name: self.tally(sae, self.activations(model, layer, rows, trainer))
            for name, rows in seen.items()
        }
        auroc = scores("auroc", tallies["on"], tallies["off"])[0]
        ranked = scores(self.score, tallies["on"], tallies["off"])[0].argsort(descending=True)
        best = float(auroc[ranked[: max(self.k)]].max())
        if best < KNOWN:
            log.warning(
                "sauce: the best feature's AUROC for '%s' is %.2f; the autoencoder may not have the concept",
                concept.concept,
                best,
            )
        for k in self.k:
            for gamma in self.gamma:
                module = self.edited(sae, ranked[:k], gamma, tallies["on"].mean[0])
                yield {"k": k, "gamma": gamma, "auroc": best}, module

    def edited(self, sae: SparseAutoencoder, latents: Tensor, gamma: float, mean: Tensor) -> SparseEdit:
        """Of these latents; mean: (m,), of all on the concept."""
        selected = torch.zeros(sae.latents, dtype=torch.bool, device=latents.device)
        selected[latents] = True
        edit = Edit(selected, gamma, 0.0) if self.mode == "scale" else Edit(selected, 0.0, 0.0, gamma * mean)
        if sae.separable:
            return SparseEdit(sae.part(edit.latents), edit.alone())
        return SparseEdit(sae, edit)

    @torch.no_grad()
    def tally(self, sae: SparseAutoencoder, activations: Iterator[Tensor]) -> Tally:
        tally = Tally(sae.latents, sae.mean.device, histogram=True)
        for x in activations:
            z = sae.encode(x.to(sae.mean.device))
            tally.update(z.amax(1) if self.pool == "images" else z)
        return tally

    def autoencoder(
        self, model: VisionLanguage, layer: str, sets: Sets, trainer: Trainer
    ) -> SparseAutoencoder:
        """That of the layer on the images of the training rows, made once for any concept."""
        if self.pretrained:
            return read_autoencoder(self.pretrained).to(trainer.device)
        data: Any = trainer.data
        tokens = min(self.train_tokens, model.activations(layer, model.sample()).shape[1])
        images = np.unique(data.columns["image"][sets.train].astype(np.int64)) * data.each

        def make(folder: Path) -> None:
            stream = Streamed(
                images,
                lambda rows: torch.cat(list(self.activations(model, layer, rows, trainer))),
                self.reads,
                tokens,
                self.buffer,
                trainer.seed,
                trainer.device,
            )
            trainer.seeded("sae")
            sae = SparseAutoencoder(stream.sample().shape[-1], self.dictionary).to(trainer.device)
            inside = trainer.within(folder)
            save_autoencoder(folder, train_autoencoder(sae, stream, self, inside))
            if trainer.is_main:
                write_json(folder / HISTORY, inside.history)

        recipe = {name: getattr(self, name) for name in Recipe.model_fields}
        facts: dict[str, Any] = {"layer": layer, "images": digest(images), "recipe": recipe}
        facts |= {"dictionary": self.dictionary.model_dump(mode="json")}
        facts |= {"tokens": tokens, "buffer": self.buffer, "reads": self.reads}
        folder = trainer.derived_from_original("sae", facts, make)
        if (folder / HISTORY).is_file():  # an earlier version kept none
            # in every run that reads it, whichever made it; once, though each concept asks
            trainer.history += [row for row in read_json(folder / HISTORY) if row not in trainer.history]
        return load_autoencoder(folder).to(trainer.device)

    @torch.no_grad()
    def record_chosen(self, best: Trial, sets: Sets, model: VisionLanguage, trainer: Trainer) -> None:
        """Keep, of the features that tell most, the largest activation in each image that was looked at."""
        edit: Any = best.module
        seen = self.example_rows(best.concept, sets, trainer)
        largest = {
            name: torch.cat(
                [
                    edit.sae.encode(x)[..., edit.edit.latents].amax(1).cpu()
                    for x in self.activations(model, best.layer, rows, trainer)
                ]
            )
            for name, rows in seen.items()
        }
        order = (largest["on"].mean(0) - largest["off"].mean(0)).argsort(descending=True)[:SHOWN]
        kept = {f"rows_{name}": torch.from_numpy(rows) for name, rows in seen.items()}
        kept |= {name: values.T[order].contiguous() for name, values in largest.items()}
        folder = trainer.folder / EDITS
        folder.mkdir(exist_ok=True)
        write_tensors(folder / f"{file_name(best.concept)}.features", kept)

    def save(self, path: Path, trial: Trial, model: VisionLanguage) -> None:
        edit: Any = trial.module
        facts = trial.described | {"tokens": model.leading(trial.layer), "model": type(model.net).__name__}
        save_edit(path, edit.sae, edit.edit, facts)

    def attached(self, model: VisionLanguage, path: Path, layer: str | None = None) -> Attachment:
        sae, edit, facts = load_edit(path)
        name = layer or facts["layer"]
        return attach_edit(model.net, name, sae, edit, model.leading(name), "last")


def read_autoencoder(path: Path) -> SparseAutoencoder:
    """Ours, or one of another library. InputError if it is neither."""
    return load_autoencoder(path) if (path / FACTS).is_file() else load_foreign(path)
