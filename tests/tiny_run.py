"""The command on a problem of a second, in this process."""

import sys
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from tiny_commands import small

from unlearn_cli.cli import main
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.evaluation.clip.evaluation import ClipEvaluation
from unlearn_cli.evaluation.diffusion.generation import GenerationEvaluation
from unlearn_cli.evaluation.diffusion.text_to_image import TextToImageEvaluation
from unlearn_cli.evaluation.vlm.evaluation import VlmEvaluation

EVALUATIONS = (
    *(ClassifierEvaluation, ClipEvaluation, GenerationEvaluation, TextToImageEvaluation),
    VlmEvaluation,
)


def unlearn(*arguments: str, figures: bool = False) -> list[dict[str, Any]]:
    """Run the command in this process; the results that it shows.

    The figures, four fifths of a tiny run's time, are left out unless asked for.
    """
    shown: list[dict[str, Any]] = []
    with ExitStack() as patches:
        patches.enter_context(patch("unlearn_cli.compare.table.show", shown.append))
        patches.enter_context(patch("unlearn_cli.sweep.here.print_result_line", shown.append))
        patches.enter_context(patch.object(sys, "argv", ["unlearn", *small(arguments), *arguments]))
        if not figures:
            for evaluation in EVALUATIONS:
                patches.enter_context(patch.object(evaluation, "figures", lambda *_: []))
        main()
    return shown
