"""A run's data, as its model and its task are to see them."""

from unlearn_cli.data.images import ImageData
from unlearn_cli.experiment import Experiment
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.verbs.diffusion import CaptionsImages
from unlearn_cli.tasks.verbs.vlm import AsksQuestions


def loaded(experiment: Experiment, store: Store, compute: Compute) -> ImageData:
    """In the model's own preprocessing where it has one, in colour, with captions or questions if need be."""
    where = (experiment.paths.data, store, compute)
    preprocessing = experiment.model.preprocessing(getattr(experiment.data, "size", None))
    data: ImageData = (
        experiment.data.load_for(preprocessing, *where) if preprocessing else experiment.data.load(*where)
    )
    if experiment.model.takes_colour:
        data = data.in_colour()
    if isinstance(experiment.task, CaptionsImages):
        data = experiment.task.as_captioned(data)
    if isinstance(experiment.task, AsksQuestions):
        data = experiment.task.as_questions(data)
    return data
