"""How a vision-language model is judged that shall no longer name a concept it sees."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import nn

from unlearn_cli.data.answers import RETAINED_CELLS, Status, rows_by_cell, statuses
from unlearn_cli.data.rows import spread
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.base import Evaluation, Outputs
from unlearn_cli.evaluation.domains import harmonic
from unlearn_cli.evaluation.vlm.answer_figure import Asked, draw_answers
from unlearn_cli.evaluation.vlm.answers_by_row import (
    AnswersByRow,
    answer_metrics,
    as_bytes,
    as_texts,
    indirect_metrics,
)
from unlearn_cli.evaluation.vlm.concept_probe import probe_projected
from unlearn_cli.evaluation.vlm.edit_figures import edit_figures
from unlearn_cli.evaluation.vlm.eligible import eligible_rows
from unlearn_cli.evaluation.vlm.hard_questions import HardQuestions
from unlearn_cli.evaluation.vlm.questioner import FORGOTTEN, Questioner, percent, questioned
from unlearn_cli.figures.curves import training_curves
from unlearn_cli.methods.original import Original
from unlearn_cli.tasks.verbs.vlm import VlmVerbs

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

log = logging.getLogger("unlearn")

FORGOTTEN_CELLS = (
    "to be forgotten: the answer is the concept",
    "to be forgotten: the answer names the concept",
)
DRAWN = (
    ("direct", FORGOTTEN_CELLS[0], 4),
    ("indirect", FORGOTTEN_CELLS[1], 2),
    ("same_image", "to be kept: something else about the same images", 2),
    ("in_domain", "to be kept: the same question about other images", 2),
    ("cross_domain", "to be kept: other questions about other images", 2),
)
"""Cells in the figure of answers, their headings, and how many questions of each."""


class VlmEvaluation(HardQuestions, Evaluation):
    """What is answered to questions of test images, in the cells of `data.answers.rows_by_cell`.

    UA counts what the original knows and needs the image for: it answers rightly, but not from an image that
    does not show the concept. An answer that is garbage does not count as forgetting.

    Outputs: `rows` (n,), the test rows asked, and `answers` (n, L), what was said, as UTF-8.
    """

    tasks: ClassVar[tuple[str, ...]] = ("vlm",)
    display_keys: ClassVar[tuple[str, ...]] = ("predictions", "shown")

    images: int | None = Field(
        gt=0, description="test images that are asked about, evenly spread; null = all"
    )
    tokens: int = Field(gt=0, description="tokens of an answer at most")
    predictions: int = Field(ge=0, le=200, description="answers in the table of predictions (W&B)")
    shown: int = Field(ge=0, description="most activating images of a feature in the figure; 0 = no figure")

    def check(self, origins: Origins, model: nn.Module) -> None:
        if origins.compute.world > 1:
            raise InputError("task: vlm runs in one process; start it without accelerate launch")
        self._check_concept(origins)
        self._check_images(origins)

    def _check_concept(self, origins: Origins) -> None:
        """InputError if no question asks for the concept."""
        data, concepts = origins.data, origins.sets.concepts
        if not concepts:
            raise InputError(
                "forget: no concept is named, so nothing can be asked about it; use forget=answer"
            )
        if not len(rows_by_cell(data, np.arange(len(data)), concepts)["direct"]):
            raise InputError(
                "forget.concept: it is the whole answer to no question, so nothing can be asked about it; "
                "give an answer as it stands, such as a value of a column"
            )

    def _check_images(self, origins: Origins) -> None:
        """InputError if the test images that are asked about do not show the concept, or nothing else."""
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
        answers = Questioner.of(origins, folder, self.tokens).ask(model, rows)
        return {"rows": torch.from_numpy(rows), "answers": as_bytes(answers)}

    def metrics(self, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
        by_cell, questioner = self._cells(origins), Questioner.of(origins, folder, self.tokens)
        answers = self._answers(origins, outputs)
        before = self._answers(origins, origins.outputs(origins.get(Original())))
        eligible, guessed = self.eligible(origins, folder)
        values = {"eligible": 100 * len(eligible) / len(by_cell["direct"]), "guessed": guessed}
        values |= answer_metrics(answers, by_cell)
        values["concept_probe"] = probe_projected(questioner, model, origins.sets, self._rows(origins))
        values |= indirect_metrics(answers, before, by_cell["indirect"])
        if not len(eligible):
            log.warning(
                "eval: the original model knows the concept of no test image, or does not need the image; "
                "whether it is forgotten cannot be measured"
            )
            return values
        values["UA_direct"] = answers.share(eligible, *FORGOTTEN)
        values["H"] = harmonic(
            values["UA_direct"], float(np.mean([values[n] for n in RETAINED_CELLS if n in values]))
        )
        shots = rows_by_cell(origins.data, origins.sets.forget, origins.sets.concepts)["direct"]
        return values | self.hard_question_metrics(questioner, model, eligible, shots)

    def eligible(self, origins: Origins, folder: Path) -> tuple[np.ndarray, float]:
        """Rows that tell whether the concept is forgotten, and what the original guesses: `eligible_rows`."""
        original, questioner = origins.get(Original()), Questioner.of(origins, folder, self.tokens)
        answers = self._answers(origins, origins.outputs(original)).texts
        return eligible_rows(questioner, original.model, answers, self._cells(origins))

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Share answered rightly, in percent, of each question and of each of its answers of one word."""
        columns, statuses_by_row = origins.data.columns, self._answers(origins, outputs).statuses
        rows = np.array(list(statuses_by_row))
        right = np.array([status == Status.CORRECT for status in statuses_by_row.values()])
        asks, answers = columns["asks"][rows].astype(str), columns["answer"][rows].astype(str)
        values: dict[str, float] = {}
        for ask in np.unique(asks):
            values[str(ask)] = percent(right[asks == ask])
            for answer in np.unique(answers[asks == ask]):
                if " " not in answer:
                    values[f"{ask}={answer}"] = percent(right[(asks == ask) & (answers == answer)])
        return values

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        """Share of the test questions that both answer alike, in percent."""
        own, other = (self._answers(origins, one).texts for one in (outputs, oracle))
        return {"agreement": percent(np.array([own[row] == other[row] for row in own]))}

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """Nothing: all of it can be had again from the run's model."""

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        about = self.about(origins)
        files = [folder / "training_curves.png", folder / "answers.png"]
        training_curves(history, files[0], about)
        draw_answers(self._asked(origins, outputs), FORGOTTEN_CELLS, files[1], about)
        return files + edit_figures(origins.data, folder.parent, folder, self.shown, about)

    def _asked(self, origins: Origins, outputs: dict[str, Outputs]) -> dict[str, list[Asked]]:
        """A few questions of each cell, evenly spread, with what each model answers."""
        data, cells = origins.data, self._cells(origins)
        answers = {name: self._answers(origins, out) for name, out in outputs.items()}
        return {
            title: [
                Asked(
                    data.image(row),
                    str(data.columns["question"][row]),
                    str(data.columns["answer"][row]),
                    {name: (own.texts[row], Status(own.statuses[row])) for name, own in answers.items()},
                )
                for row in spread(cells[cell], count)
            ]
            for cell, title, count in DRAWN
        }

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """Image, question, answer, and what each model says; as many of the concept as of all else."""
        data, by_cell = origins.data, self._cells(origins)
        about = np.sort(np.concatenate([by_cell["direct"], by_cell["indirect"]]))
        others = np.sort(np.concatenate([by_cell[name] for name in RETAINED_CELLS]))
        answers = {name: self._answers(origins, out).texts for name, out in outputs.items()}
        return [
            {
                "set": name,
                "image": data.image(row),
                "question": data.columns["question"][row],
                "answer": data.columns["answer"][row],
            }
            | {model: texts[row] for model, texts in answers.items()}
            for name, rows in (("forget", about), ("test", others))
            for row in spread(rows, self.predictions // 2)
        ]

    def _rows(self, origins: Origins) -> np.ndarray:
        """Test rows that are asked: all questions of the images."""
        data, tested = questioned(origins), origins.splits.test
        images = np.unique(data.columns["image"][tested].astype(np.int64))
        return tested if self.images is None else data.of_images(spread(images, self.images))

    def _cells(self, origins: Origins) -> dict[str, np.ndarray]:
        """These rows by what they ask."""
        return rows_by_cell(origins.data, self._rows(origins), origins.sets.concepts)

    def _answers(self, origins: Origins, outputs: Outputs) -> AnswersByRow:
        """The outputs, read."""
        task: VlmVerbs = origins.experiment.task
        data, rows, texts = questioned(origins), outputs["rows"].numpy(), as_texts(outputs["answers"])
        found = statuses(data, rows, texts, task.refusals)
        return AnswersByRow(
            data,
            origins.sets.concepts,
            dict(zip(rows.tolist(), texts, strict=True)),
            dict(zip(rows.tolist(), found.tolist(), strict=True)),
        )
