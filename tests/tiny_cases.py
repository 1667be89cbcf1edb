"""The smallest problem of every method on every task it fits, and a few choices beside the methods'.

A case's name is its command: the method, then further overrides.
"""

from tiny_commands import CLIP, EPOCH, GENERATION, PROMPTS, TINY, VLM, methods, short

FURTHER = {
    "classification": (
        "ga mask=saliency",
        "salun_soft method.compat=release",
        "rl method.order=sequential method.exclude_true=false",
        "rl method.order=balanced",
        "iu method.inverse=release",
        "scrub method.passes=disjoint method.msteps=0",
        "eu_k method.reinit=every_epoch",
        "ft optim@method=adamw method.lr=1e-3 forget=class",
        "ga forget=worst_case forget.iterations=2",
        "ga forget=worst_case forget.iterations=1 forget.step=std forget.iterate=last forget.mode=easiest",
    ),
    "generation": (
        "ga mask=saliency",
        "salun task.compat=release task.other=random",
    ),
    "text_to_image": (
        "ca surgery=concept_preserving",
        "doco surgery=none method.leak=true",
        "uce method.positions=last",
    ),
    "clip": (
        "adu method.forget_loss=neg_entropy method.mmd_on=domain_logits"
        " method.text_prompts=2 method.text_depth=2",
        "coop method.forget_loss=neg_entropy",
        "task_vector method.vectors=2 method.lr_ratio=0.8",
    ),
    "vlm": (
        "graddiff lora=lora",
        "npo forget.concept=[red,circle]",
    ),
}
"""Masks, surgery, adapters, selections, and the variants that follow a paper's released code."""

JUDGED = {
    "classification": (
        "ft eval.hidden=all eval.relearn.every=1 eval.relearn.recipe.max_steps=2 eval.distance.points=3",
        "ft eval.attacks=[ulira,rmia] shadows.count=2",
    ),
    "text_to_image": (
        "ca eval.attacked=[relearn] eval.attacks.relearn.samples=4 eval.attacks.relearn.recipe.epochs=2",
    ),
}
"""Evaluations that train where a task's smallest problem leaves it out (a VLM relearns in every case)."""

SMALL = {
    "classification": TINY,
    "generation": (*GENERATION, "data.subset=0.15"),
    "text_to_image": PROMPTS,
    "clip": CLIP,
    "vlm": (*VLM, "train.max_steps=3"),
}
"""What makes the problem of a task tiny: quality is of no matter here."""

SAME = ("device=cpu", "precision=fp32", "tracking=none", "seed=0")

EPOCHS = "method.epochs=2"
"""A second step shows what an optimiser and a schedule remember."""

PLAIN = ("method.optimizer=sgd", "method.lr=0.01")
OWN = {
    ("classification", "cf_k"): ("method.k=5",),  # layers; the tiny model has ten
    ("clip", "l1_sparse"): PLAIN,
    ("clip", "scrub"): PLAIN,
    ("text_to_image", "doco"): ("method.max_steps=2",),  # a game of two networks
    ("text_to_image", "saeuron"): ("method.lr=1e-5",),
    ("vlm", "l1_sparse"): PLAIN,
    ("vlm", "scrub"): PLAIN,
}
"""What a method cannot do without on a tiny problem, and what keeps its numbers from depending on rounding:
Adam makes whole steps of gradients that are zero but for it (SCRUB's first, where student and teacher agree).
"""

EARLIER = {"checkpoint": "ft", "transfer": "mean_difference"}
"""The method whose run folder another one reads, as method.path."""


def cases(task: str) -> list[str]:
    """All of a task; a new method is among them at once."""
    return [*methods(task), *FURTHER[task]]


def judged_cases(task: str) -> list[str]:
    """All of a task, and those of which only the evaluation is another."""
    return [*cases(task), *JUDGED.get(task, ())]


def overrides(task: str, case: str) -> list[str]:
    """The command line of a case, without its paths; what it says itself comes last and stands."""
    method, *more = case.split()
    brief = [value.replace(EPOCH, EPOCHS) for value in short(method)]
    return [f"task={task}", *SMALL[task], *SAME, *brief, *OWN.get((task, method), ()), *more]
