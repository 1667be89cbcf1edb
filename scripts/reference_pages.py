"""The pages of docs/reference/: title, opening, and the groups whose options follow."""

PAGES = {
    "methods": (
        "Methods × tasks",
        "A page for each is in [docs/methods](../methods/README.md).",
    ),
    "run": (
        "Keys of a run",
        "They belong to no group: `unlearn seed=1 precision=bf16 paths.outputs=FOLDER`.",
    ),
    "tasks": (
        "Tasks",
        "`task=` is the family of model. It chooses model, data, forget set, evaluation and method of "
        "that family.",
        "task",
    ),
    "data": (
        "Data",
        "`data=` is what is learnt from. Your own images: `data=images data.path=FOLDER`.",
        "data",
    ),
    "models": (
        "Models",
        "`model=` must fit the task.",
        "model",
    ),
    "forget-sets": (
        "Forget sets",
        "`forget=` is what is to be forgotten; what is left is the retain set.",
        "forget",
    ),
    "lower": (
        "Lower levels of a worst-case set",
        "`lower@forget.lower=` says how `forget=worst_case` unlearns while it looks for the set.",
        "lower",
    ),
    "masks": (
        "Weight masks",
        "`mask=` says which weights may move, for any method that trains.",
        "mask",
    ),
    "surgery": (
        "Gradient surgery",
        "`surgery=` takes out of the forgetting gradient what would undo keeping.",
        "surgery",
    ),
    "lora": (
        "Low-rank adapters",
        "`lora=` trains adapters in the weights' place and merges them in the end.",
        "lora",
    ),
    "train": (
        "Training recipes",
        "`train=` is the recipe of original and oracle. A method that trains has the same keys under "
        "`method.`; `optim@method=adam` and `optim@train=adam` choose an optimiser's values for either.",
        "train",
        "optim",
    ),
    "samplers": (
        "Samplers",
        "How a diffusion model draws: `sampler@eval.sampler=ddim`, `sampler@method.sampler=ddim`.",
        "sampler",
    ),
    "evaluations": (
        "Evaluations",
        "`eval=` is how a model is judged. The metrics are explained in [metrics](metrics.md).",
        "eval",
    ),
    "attacks": (
        "Attacks",
        "On an unlearned text-to-image model: `eval.attacked=[cce,relearn]`, values under `eval.attacks.`.",
        "attack",
    ),
    "membership": (
        "Attacks on single rows",
        "On a classifier or a CLIP, by [shadow models](../attacks.md): `eval.attacks=[ulira]`, values under "
        "`eval.ulira.`.",
        "membership",
    ),
    "metrics": (
        "Metrics",
        "The key is the name in `metrics.json`; the metric is what the tables print. `metric=` adds "
        "[one of your own](../extend/metric.md).",
    ),
    "launchers": (
        "Where a sweep runs",
        "`hydra/launcher=`, values under `hydra.launcher.`.",
        "hydra/launcher",
    ),
    "tracking": (
        "Tracking",
        "`tracking=` is where a run is logged beside its folder.",
        "tracking",
    ),
    "experiments": (
        "Experiments",
        "`experiment=` is a whole recipe of a paper. Numbers are the papers', as far as they are known "
        "to us.",
        "experiment",
    ),
}
