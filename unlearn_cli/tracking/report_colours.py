"""The colours of a W&B report: a method's own, as in the figures and on the comparison page."""

from collections.abc import Mapping, Sequence
from typing import Any

from unlearn_cli.figures.methods import style


def colours(
    setting: str, variants: Mapping[str, str], runs: Mapping[str, str], config: type[Any]
) -> dict[Any, str]:
    """By run, and by group of a setting's runs of equal `variant`.

    variants, runs: the method, by variant and by run's id; config: W&B's name for a configuration's key.
    """
    from wandb_workspaces.reports.v2.interface import RunsetGroup, RunsetGroupKey

    grouped = {
        RunsetGroup(setting, (RunsetGroupKey(config("variant"), variant),)): style(method).colour
        for variant, method in variants.items()
    }
    return grouped | {run: style(method).colour for run, method in runs.items()}


def methods_of(runs: Sequence[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Of W&B's runs the method by variant and by the run's id."""
    told = [(run, str(run.config.get("chosen", {}).get("method", ""))) for run in runs]
    return (
        {str(run.config["variant"]): method for run, method in told if "variant" in run.config},
        {run.id: method for run, method in told},
    )
