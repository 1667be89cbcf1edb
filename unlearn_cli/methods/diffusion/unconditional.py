"""The prediction without a condition, from which some methods turn away."""

from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import Guidable


def check_unconditional(model: Guidable, method: str, condition: str) -> None:
    """InputError if the model has not learnt to predict without the condition (a class, a prompt)."""
    if not model.unconditional:
        raise InputError(
            f"method: {method} needs a model that was trained with label drop, for its prediction without a "
            f"{condition}; set model.label_drop=0.1"
        )
