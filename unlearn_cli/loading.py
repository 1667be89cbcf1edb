"""A run's data, as its model and its task are to see them."""

from typing import Any

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.rows import digest
from unlearn_cli.data.splits import Splits, split
from unlearn_cli.experiment import Experiment
from unlearn_cli.forget.trained_rows import learnt_splits
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.verbs.diffusion import CaptionsImages
from unlearn_cli.tasks.verbs.vlm import AsksQuestions


def loaded(experiment: Experiment, store: Store, compute: Compute) -> ImageData:
    """In the model's own preprocessing where it has one, in colour, with captions or questions if need be.

    InputError: data that will not do, or do not fit the model.
    """
    where = (experiment.paths.data, store, compute)
    preprocessing = experiment.model.preprocessing(getattr(experiment.data, "size", None))
    data: ImageData = (
        experiment.data.load_for(preprocessing, *where) if preprocessing else experiment.data.load(*where)
    )
    data = experiment.model.as_taken(data)
    if isinstance(experiment.task, CaptionsImages):
        data = experiment.task.as_captioned(data)
    if isinstance(experiment.task, AsksQuestions):
        data = experiment.task.as_questions(data)
    return data


def splits_of(experiment: Experiment, data: ImageData) -> Splits:
    """Those that the model was trained on, else those of the data's settings."""
    settings, trained_on = experiment.data, experiment.model.learnt_rows
    found = (
        learnt_splits(data, trained_on, settings.split_seed)
        if trained_on
        else split(data, settings.val_fraction, settings.split_seed)
    )
    return found.judged_on_validation() if experiment.judged_on == "validation" else found


def own_model(experiment: Experiment, data: ImageData, splits: Splits) -> dict[str, Any]:
    """What a run records of an original that was trained elsewhere; empty: it was not."""
    model = experiment.model
    if (trained_on := model.learnt_rows) is None:
        return {}
    preprocessing = model.preprocessing(getattr(experiment.data, "size", None))
    taken = {"size": list(data.size), **model.normalisation(data)}
    return {
        "own_model": {
            **{key: str(value) for key, value in model.weights_facts().items()},
            "file": str(model.weights),
            "trained_on": {
                "said_by": str(trained_on),
                "count": len(splits.train),
                "fingerprint": digest(data.fingerprint, splits.train),
            },
            "input": taken | {"preprocessing": preprocessing.facts() if preprocessing else None},
            "classes": list(data.classes),
            "oracle_recipe": experiment.choices["train"] if experiment.needs_oracle else None,
        }
    }
