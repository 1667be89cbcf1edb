"""How a vision-language model is judged that shall no longer name a concept it sees."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.answers import KEPT, Status, cells, names, statuses
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.rows import spread
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.base import Evaluation, Outputs
from unlearn_cli.evaluation.domains import harmonic
from unlearn_cli.evaluation.probes import concept_probe
from unlearn_cli.evaluation.relearning import relearned_copy
from unlearn_cli.evaluation.vlm.edit_figures import edit_figures
from unlearn_cli.evaluation.vlm.hard_questions import Pixels, chosen, perturbed, typographic
from unlearn_cli.figures.plots import training_curves
from unlearn_cli.methods.original import Original
from unlearn_cli.training.optim import Recipe

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

log = logging.getLogger("unlearn")

FORGOTTEN = (Status.WRONG, Status.REFUSAL)
"""What an answer to a question about the concept should be; garbage is neither."""
PROBED = 600
"""Images at most that the probe learns from, with the concept and without it."""


class RelearnSettings(Settings):
    """A few forget rows, and how long a copy of the model is trained on them alone."""

    rows: int = Field(ge=0, description="0 = not measured")
    recipe: Recipe


class VlmEvaluation(Evaluation):
    """What is answered to questions of test images, in the cells of `data.answers.cells`.

    UA counts what the original knows and needs the image for: it answers rightly, but not from an image that
    does not show the concept. An answer that is garbage does not count as forgetting.

    Outputs: `rows` (n,), the test rows asked, and `answers` (n, L), what was said, as UTF-8.
    """

    tasks: ClassVar[tuple[str, ...]] = ("vlm",)
    moves_nothing: ClassVar[tuple[str, ...]] = ("predictions", "shown")

    images: int | None = Field(
        gt=0, description="test images that are asked about, evenly spread; null = all"
    )
    tokens: int = Field(gt=0, description="of an answer at most")
    jailbreak: str = Field(description="text before a question that tries to bring the answer back")
    pixels: Pixels
    relearn: RelearnSettings
    predictions: int = Field(ge=0, le=200, description="answers in the table of predictions (W&B)")
    shown: int = Field(ge=0, description="most activating images of a feature in the figure; 0 = no figure")

    def check(self, origins: Origins, model: Any) -> None:
        if origins.compute.world > 1:
            raise InputError("task: vlm runs in one process; start it without accelerate launch")
        data, concepts = origins.data, origins.sets.concepts
        if not concepts:
            raise InputError(
                "forget: no concept is named, so nothing can be asked about it; use forget=answer"
            )
        if not len(cells(data, np.arange(len(data)), concepts)["direct"]):
            raise InputError(
                "forget.concept: it is the whole answer to no question, so nothing can be asked about it; "
                "give an answer as it stands, such as a value of a column"
            )
        found = self._cells(origins)
        for name, which in (("direct", "with"), ("in_domain", "without")):
            if not len(found[name]):
                raise InputError(
                    f"eval.images: no test image {which} the concept is left to be asked about it; give more"
                )

    def output_facts(self, origins: Origins) -> dict[str, Any]:
        return {"images": self.images, "tokens": self.tokens}

    def outputs(self, origins: Origins, model: nn.Module, folder: Path) -> Outputs:
        rows = self._rows(origins)
        said = origins.experiment.task.answers(model, origins.trainer(folder), rows, self.tokens)
        return {"rows": torch.from_numpy(rows), "answers": as_bytes(said)}

    def metrics(self, origins: Origins, model: Any, outputs: Outputs, folder: Path) -> dict[str, float]:
        concepts, asked = origins.sets.concepts, self._cells(origins)
        said, found = self._by_row(outputs), self._statuses(origins, outputs)

        def part(rows: np.ndarray, *wanted: Status) -> float:
            return share(np.isin([found[row] for row in rows], wanted))

        def named(row: int) -> bool:
            return any(names(said[row], one.concept) for one in concepts)

        def told(row: int) -> bool:
            """Whether something else that is so of its image is said."""
            data: Any = origins.data
            answers = data.columns["answer"][data.others(row)]
            return any(names(said[row], one) for one in answers)

        direct, (eligible, guessed) = asked["direct"], self.eligible(origins, folder)
        kept = {name: asked[name] for name in KEPT if len(asked[name])}
        values = {
            "eligible": 100 * len(eligible) / len(direct),
            "guessed": guessed,
            "refusals": part(direct, Status.REFUSAL),
            "invalid": part(direct, Status.INVALID),
            **{name: part(rows, Status.CORRECT) for name, rows in kept.items()},
            "false_positives": share(np.array([named(row) for rows in kept.values() for row in rows])),
            "concept_probe": self.probe(origins, model, folder),
        }
        before = self._by_row(origins.outputs(origins.get(Original())))
        knew = [row for row in asked["indirect"] if any(names(before[row], one.concept) for one in concepts)]
        if knew:
            values["UA_indirect"] = share(
                np.array([not named(row) and (found[row] in FORGOTTEN or told(row)) for row in knew])
            )
        if not len(eligible):
            log.warning(
                "eval: the original model knows the concept of no test image, or does not need the image; "
                "whether it is forgotten cannot be measured"
            )
            return values
        values["UA_direct"] = part(eligible, *FORGOTTEN)
        values["H"] = harmonic(values["UA_direct"], float(np.mean([values[name] for name in kept])))
        return values | self.pressed(origins, model, eligible, folder)

    def pressed(self, origins: Origins, model: Any, rows: np.ndarray, folder: Path) -> dict[str, float]:
        """UA of direct rows that are asked in harder ways, and of a model that has trained on the concept."""
        data, task, trainer = origins.data, origins.experiment.task, origins.trainer(folder)

        def forgotten(asked: Any, **changes: Any) -> float:
            said = task.answers(asked, trainer, rows, self.tokens, **changes)
            return share(np.isin(statuses(data, rows, said, task.refusals), FORGOTTEN))

        likeliest = chosen(task, model, trainer, rows).numpy()
        values = {
            "UA_choice": share(likeliest != data.labels[rows]),
            "UA_jailbreak": forgotten(model, preface=self.jailbreak),
            "UA_typographic": forgotten(model, change=typographic(task)),
        }
        if self.pixels.steps:
            values["UA_pixels"] = forgotten(model, change=perturbed(task, self.pixels))
        if self.relearn.rows:
            shots = cells(data, origins.sets.forget, origins.sets.concepts)["direct"]
            recipe = self.relearn.recipe
            values["UA_relearnt"] = forgotten(
                relearned_copy(task, model, spread(shots, self.relearn.rows), trainer, recipe)
            )
        return values

    def eligible(self, origins: Origins, folder: Path) -> tuple[np.ndarray, float]:
        """Direct rows that the original answers rightly, but not from an image without the concept.

        There may be none. Also what it answers rightly from a blank image, in percent: there it can but
        guess, and a guess may be the concept of all rows.
        """
        data, task = origins.data, origins.experiment.task
        original, trainer = origins.get(Original()), origins.trainer(folder)
        asked = self._cells(origins)
        direct = asked["direct"]
        said = self._by_row(origins.outputs(original))
        swapped = dict(zip(direct.tolist(), np.resize(asked["in_domain"], len(direct)), strict=True))

        def blank(model: Any, batch: Batch) -> Tensor:
            return torch.full_like(batch.x, 0.5)

        def swap(model: Any, batch: Batch) -> Tensor:
            rows = np.array([swapped[row] for row in batch.index.tolist()])
            (other,) = trainer.batches(rows, len(rows))
            return other.x

        def correct(said: list[str]) -> np.ndarray:
            return statuses(data, direct, said, task.refusals) == Status.CORRECT

        from_blank, from_another = (
            correct(task.answers(original.model, trainer, direct, self.tokens, change=change))
            for change in (blank, swap)
        )
        return direct[correct([said[row] for row in direct]) & ~from_another], share(from_blank)

    def probe(self, origins: Origins, model: Any, folder: Path) -> float:
        """Balanced accuracy in percent of a linear probe of the concept on what the language model reads."""
        data, sets, trainer = origins.data, origins.sets, origins.trainer(folder)
        size = origins.experiment.task.batch_size

        def parts(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            asked = cells(data, rows, sets.concepts)
            with_it, without = (spread(asked[name], PROBED) for name in ("direct", "in_domain"))
            both = np.concatenate([with_it, without])
            pooled = [model.projected(batch.x).mean(1).cpu() for batch in trainer.batches(both, size)]
            return torch.cat(pooled).numpy(), np.repeat([1, 0], [len(with_it), len(without)])

        with torch.no_grad():
            train = np.sort(np.concatenate([sets.forget, sets.unforgotten]))
            return concept_probe(*parts(train), *parts(self._rows(origins)))

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Share answered rightly, in percent, of each question and of each of its answers of one word."""
        data, found = origins.data, self._statuses(origins, outputs)
        rows = np.array(list(found))
        right = np.array([value == Status.CORRECT for value in found.values()])
        asks, answers = data.columns["asks"][rows].astype(str), data.columns["answer"][rows].astype(str)
        values: dict[str, float] = {}
        for ask in np.unique(asks):
            values[str(ask)] = share(right[asks == ask])
            for answer in np.unique(answers[asks == ask]):
                if " " not in answer:
                    values[f"{ask}={answer}"] = share(right[(asks == ask) & (answers == answer)])
        return values

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        """Share of the test questions that both answer alike, in percent."""
        own, other = self._by_row(outputs), self._by_row(oracle)
        return {"agreement": share(np.array([own[row] == other[row] for row in own]))}

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """Nothing: all of it can be had again from the run's model."""

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        files = [folder / "training_curves.png"]
        training_curves(history, files[0])
        return files + edit_figures(origins.data, folder.parent, folder, self.shown)

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """Image, question, answer, and what each model says; as many of the concept as of all else."""
        data, asked = origins.data, self._cells(origins)
        about = np.sort(np.concatenate([asked["direct"], asked["indirect"]]))
        others = np.sort(np.concatenate([asked[name] for name in KEPT]))
        said = {name: self._by_row(out) for name, out in outputs.items()}
        return [
            {
                "set": name,
                "image": data.image(row),
                "question": data.columns["question"][row],
                "answer": data.columns["answer"][row],
            }
            | {model: answers[row] for model, answers in said.items()}
            for name, rows in (("forget", about), ("test", others))
            for row in spread(rows, self.predictions // 2)
        ]

    def _rows(self, origins: Origins) -> np.ndarray:
        """Test rows that are asked: all questions of the images."""
        data: Any = origins.data
        tested = origins.splits.test
        images = np.unique(data.columns["image"][tested].astype(np.int64))
        return tested if self.images is None else data.of_images(spread(images, self.images))

    def _cells(self, origins: Origins) -> dict[str, np.ndarray]:
        return cells(origins.data, self._rows(origins), origins.sets.concepts)

    def _by_row(self, outputs: Outputs) -> dict[int, str]:
        return dict(zip(outputs["rows"].tolist(), as_texts(outputs["answers"]), strict=True))

    def _statuses(self, origins: Origins, outputs: Outputs) -> dict[int, int]:
        said = self._by_row(outputs)
        rows = np.array(list(said))
        found = statuses(origins.data, rows, list(said.values()), origins.experiment.task.refusals)
        return dict(zip(rows.tolist(), found.tolist(), strict=True))


def share(which: np.ndarray) -> float:
    """In percent; 0 of none."""
    return 100 * float(which.mean()) if len(which) else 0.0


def as_bytes(texts: list[str]) -> Tensor:
    """(n, L) uint8, filled up with zeros."""
    parts = [torch.tensor(list(text.encode()), dtype=torch.uint8) for text in texts]
    return nn.utils.rnn.pad_sequence(parts, batch_first=True)


def as_texts(rows: Tensor) -> list[str]:
    """The reverse of `as_bytes`."""
    return [bytes(row).rstrip(b"\0").decode() for row in rows.tolist()]
