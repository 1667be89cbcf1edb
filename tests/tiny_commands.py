"""What makes a run of each family a run of a second: a problem, a model and a method of a few steps."""

from collections.abc import Sequence

from hydra.utils import get_class
from omegaconf import OmegaConf

from unlearn_cli.config.catalogue import fits, options

TINY = (
    "data.subset=0.2",
    "model.depth=8",
    "model.width=8",
    "train.epochs=2",
    "train.batch_size=16",
    "progress=false",
)
GENERATION = (
    "task=generation",
    "data.subset=0.3",
    "model.channels=[8,16]",
    "model.head_dim=4",
    "model.groups=4",
    "train.epochs=1",
    "eval.judge.train.epochs=1",
    "eval.samples_per_class=4",
    "eval.sampler.steps=2",
    "eval.sampler.batch_size=16",
    "eval.relearning.samples=8",
    "eval.relearning.images=4",
    "eval.relearning.recipe.epochs=1",
    "eval.grid_every=0",
    "progress=false",
)
PROMPTS = (
    "task=text_to_image",
    "data.images=2",
    "data.outside_images=2",
    "data.shapes=[circle,square]",
    "data.test_fraction=0.3",
    "model.channels=[8,16]",
    "model.head_dim=8",
    "model.groups=4",
    "model.text_width=16",
    "model.text_layers=1",
    "model.text_heads=2",
    "train.max_steps=2",
    "eval.judge.train.epochs=1",
    "eval.sampler.steps=2",
    "eval.grid_every=0",
    "progress=false",
    "eval.attacked=[]",
)
PIPELINE = (
    "data.size=16",
    'data.prompts=["a photo of the {anchor}","the {anchor} over hills"]',
    "data.retain=[a dog]",
    "data.images=2",
    "data.test_fraction=0.5",
    "data.sampler.steps=2",
    "eval.sampler.steps=2",
    "eval.images=1",
    "eval.grid_every=0",
    "eval.attacked=[]",
    "progress=false",
)
CLIP = (
    "task=clip",
    "data.images=20",
    "data.colours=[red]",
    "data.textures=[plain]",
    "data.shapes=[circle,square]",
    "data.domains=[photo,sketch,cartoon]",
    "data.size=16",
    "model.patch_size=8",
    "model.layers=3",
    "model.width=16",
    "model.head_width=8",
    "model.dim=8",
    "train.max_steps=3",
    "progress=false",
)
VLM = (
    "task=vlm",
    "data.images=10",
    "data.colours=[red,blue]",
    "data.textures=[plain]",
    "data.shapes=[circle,square]",
    "data.size=16",
    "model.patch_size=4",
    "model.width=32",
    "model.layers=3",
    "model.text_layers=1",
    "train.max_steps=120",
    "train.batch_size=24",
    "train.lr=3e-3",
    "eval.relearn.recipe.epochs=1",
    "eval.pixels.steps=1",
    "progress=false",
)
EPOCH = "method.epochs=1"
SHORT = {
    "epochs": EPOCH,
    "max_steps": "method.max_steps=3",
    "warm_up": "method.warm_up=0",
    "stages": "method.stages=1",
    "sampler": "method.sampler.steps=2",
    "replay": "method.replay=12",
    "fisher_samples": "method.fisher_samples=8",
    "prompts": "method.prompts=4",
    "groups": "method.groups=1",
    "inner_steps": "method.inner_steps=1",
    "iterations": "method.iterations=2",
    "remind_epochs": "method.remind_epochs=1",
    "negatives": "method.negatives=8",
    "train_tokens": "method.gamma=[0.0,-1.0]",
    "buffer": "method.k=[2]",
}
"""What makes a method of any pretrained model short, by the field that it has."""


def methods(task: str) -> list[str]:
    """The methods that fit a task (that this is what they say is tested with the configurations)."""
    return [option.name for option in options("method") if fits(option.path, task)]


def short(method: str) -> tuple[str, ...]:
    """The choice of a method of a pretrained model, with all that makes it short."""
    (path,) = [option.path for option in options("method") if option.name == method]
    fields = get_class(OmegaConf.load(path)["_target_"]).model_fields
    return (f"method={method}", *(value for name, value in SHORT.items() if name in fields))


def small(arguments: Sequence[str]) -> tuple[str, ...]:
    """What makes a run of these arguments a run of a second or two."""
    if "model=pipeline" in arguments:
        return PIPELINE
    if "task=text_to_image" in arguments:
        return PROMPTS
    if "task=vlm" in arguments:
        saved = "model=vlm" in arguments
        return tuple(value for value in VLM if not (saved and value.startswith(("model.", "train."))))
    if "task=clip" in arguments:
        saved = "model=clip" in arguments  # one that was saved has its own values
        return tuple(value for value in CLIP if not (saved and value.startswith("model.")))
    values = GENERATION if "task=generation" in arguments else TINY
    if any(argument.startswith("model.weights=") for argument in arguments):  # they say what the model is
        return tuple(value for value in values if not value.startswith(("model.", "data.subset")))
    return values
