"""Weights that were trained elsewhere, in a model built for them, and back in a file of their kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from unlearn_cli.errors import InputError
from unlearn_cli.models.named_alike import differences, wrappers
from unlearn_cli.models.state_dict import StateFile

KEY = "model.weights"
STATISTICS = "normalize."
"""Mean and std inside SalUn's checkpoints: here they stand in model.input."""
HINT = "give the model= and its values (model.name, model.options, …) that the weights were trained as"
Model = TypeVar("Model", bound=nn.Module)


def read(path: Path) -> StateFile:
    """The file of weights. InputError, which names model.weights: it cannot be read."""
    try:
        return StateFile.read(path)
    except InputError as error:
        raise InputError(f"{KEY}: {error}") from error


def filled(model: Model, file: StateFile, classes: Sequence[str]) -> Model:
    """The model with the file's tensors, in place. classes: what it is to tell apart.

    InputError: tensors that are missing, foreign or of another shape, or so many outputs are not to be told
    apart.
    """
    own = model.state_dict()
    ours, theirs = wrappers(own, file.state)
    here = {name.removeprefix(ours): tensor for name, tensor in own.items()}
    there = {name.removeprefix(theirs): tensor for name, tensor in file.state.items()}
    there = {
        name: tensor for name, tensor in there.items() if name in here or not name.startswith(STATISTICS)
    }
    if (outputs := _outputs(here, there, len(classes))) is not None:
        raise InputError(
            f"{KEY}: {file.path} tells {outputs} classes apart, and the data have {len(classes)}; give data "
            "with a folder (or a label) for each of the model's classes, and no others"
        )
    if told := differences(here, there):
        raise InputError(f"{KEY}: {file.path} is of another architecture: {told}; {HINT}")
    model.load_state_dict({ours + name: tensor for name, tensor in there.items()}, strict=False)
    return model


def have_form(model: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """Whether the tensors are the model's by their names and, but for the number of classes, their shapes."""
    own = model.state_dict()
    ours, theirs = wrappers(own, state)
    there = {name.removeprefix(theirs): tensor.shape for name, tensor in state.items()}
    shapes = {name.removeprefix(ours): tensor.shape for name, tensor in own.items()}
    return all(name in there and there[name][1:] == shape[1:] for name, shape in shapes.items() if shape)


def _outputs(here: dict[str, Tensor], there: dict[str, Tensor], classes: int) -> int | None:
    """How many classes the file's weights are for, where that is all that differs; None otherwise."""
    shapes = [(here[name].shape, there[name].shape) for name in here.keys() & there.keys()]
    differing = [(left, right) for left, right in shapes if left != right]
    if not all(left[:1] == (classes,) and left[1:] == right[1:] for left, right in differing):
        return None
    found = {right[0] for _, right in differing}
    return found.pop() if len(found) == 1 else None


def write_like(file: StateFile, model: nn.Module, path: Path) -> None:
    """The model's weights (fp32, as they were trained) under the names, and in the place, of the file's."""
    own = model.state_dict()
    ours, theirs = wrappers(own, file.state)
    renamed = {name: ours + name.removeprefix(theirs) for name in file.state}
    file.write(path, {name: own[mine] if mine in own else file.state[name] for name, mine in renamed.items()})
