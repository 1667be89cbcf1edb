"""Which key was meant: the nearest of those there are, by its last name; the commonest slips are known."""

from collections.abc import Iterable
from difflib import get_close_matches

SLIPS = {
    "lr": ("learning_rate", "learningrate", "lrate"),
    "epochs": ("epoch", "num_epochs", "n_epochs", "max_epochs"),
    "batch_size": ("batch", "batchsize", "bs", "bsz"),
    "weight_decay": ("wd", "weightdecay", "decay", "l2"),
    "max_steps": ("steps", "num_steps", "n_steps"),
    "data": ("dataset", "datasets"),
    "model": ("net", "network", "arch", "architecture", "backbone"),
    "method": ("algorithm", "algo", "approach", "unlearner", "unlearn", "unlearning"),
    "optim@method": ("optimizer", "optimiser", "opt"),
    "experiment": ("recipe", "config", "preset"),
    "tracking": ("wandb", "logger", "log"),
    "seed": ("random_seed", "manual_seed", "rng_seed"),
    "device": ("gpu", "gpus", "cuda"),
    "precision": ("amp", "dtype", "fp16", "bf16"),
    "paths.outputs": ("output", "outputs", "output_dir", "out_dir", "outdir", "out", "save_dir", "results"),
    "paths.data": ("data_dir", "data_root", "data_path", "datadir", "root"),
    "forget.classes": ("forget_class", "forget_classes"),
    "forget.fraction": ("forget_ratio", "forget_fraction", "forget_rate"),
}
"""By what there is: how other programs call it."""
MEANT = {slip: name for name, slips in SLIPS.items() for slip in slips}

CLOSE = 0.6
AT_MOST = 3


def nearest(key: str, known: Iterable[str]) -> list[str]:
    """The keys that `key` may stand for: beside it if there is one, else wherever its last name is known."""
    there = [*known]
    parent, _, name = key.rpartition(".")
    siblings = [k for k in there if parent and k.rpartition(".")[0] == parent]
    return _by_name(name, siblings) or _by_name(name, there, close=not siblings)


def _by_name(name: str, keys: list[str], close: bool = True) -> list[str]:
    last_names = {key.rpartition(".")[2] for key in keys}
    if name not in last_names and (meant := MEANT.get(name)):
        if meant not in last_names and keys and any(sign in meant for sign in ".@"):
            return [meant]
        name = meant
    if name not in last_names:
        name = next(iter(get_close_matches(name, sorted(last_names), n=1, cutoff=CLOSE) if close else ()), "")
    found = [key for key in keys if key.rpartition(".")[2] == name]
    depth = min((key.count(".") for key in found), default=0)
    uppermost = [key for key in found if key.count(".") == depth]
    return sorted(uppermost, key=lambda key: (not key.startswith(("method.", "train.")), key))[:AT_MOST]


def spoken(keys: Iterable[str]) -> str:
    """`did you mean 'method.lr' or 'train.lr'?`"""
    return f"did you mean {' or '.join(repr(key) for key in keys)}?"
