"""Weights from elsewhere are numbers."""

from torch import nn

from unlearn_cli.errors import InputError


def check_finite(model: nn.Module, key: str) -> None:
    """InputError: a weight is not a number, or infinite; whatever is computed with it is neither."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not tensor.is_meta and not tensor.isfinite().all():
            raise InputError(f"{key}: the weights are not all finite numbers (first: {name}); give others")
