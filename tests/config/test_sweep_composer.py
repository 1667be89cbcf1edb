"""A sweep's configurations are those that Hydra makes one by one."""

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.config.sweep_composer import SweepComposer


@pytest.fixture
def hydra(request, tmp_path):
    """Hydra's loader and what it composed for the whole sweep, with a folder of the user's own options."""
    (tmp_path / "method").mkdir()
    mine = "defaults:\n  - ft\n  - _self_\nepochs: ${train.epochs}\nnote: {a: [1, 2]}\n"
    (tmp_path / "method" / "mine.yaml").write_text(mine)
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        loader = GlobalHydra.instance().hydra.config_loader
        overrides = ["hydra.launcher.timeout_min=5", f"hydra.searchpath=[file://{tmp_path}]"]
        overrides = ["hydra/launcher=processes", *overrides, "seed=0,1"]
        yield loader, loader.load_configuration("config", overrides, RunMode.MULTIRUN)


MIXED = [
    ["method=ga", "seed=0"],
    ["method=ga", "seed=1"],
    ["seed=2", "method=ga", "method.lr=0.5"],  # values before options
    ["method=ga"],
    ["method=ga", "seed=0", "forget.seed=${train.epochs}"],
    ["method=ga", "seed=0", "+data.more={a: 1, b: [2, 3]}"],
    ["method=ga", "seed=0", "++data.subset=0.5", "+forget.more=[1,2]"],
    ["method=ga", "seed=0", "~method.epochs"],
    ["method=ga", "forget=class", "forget.classes=[3,5]"],
    ["method=ga", "forget=class", "forget.classes=[1]"],
    ["method=ga", "paths.outputs=elsewhere", "train.epochs=3"],
    ["method=ga", "forget=worst_case", "lower@forget.lower=scrub"],
    ["method=ga", "forget=worst_case", "lower@forget.lower=scrub", "forget.lower.lr=0.3"],
    ["method=ga", "forget=worst_case", "lower@forget.lower=rl"],
    ["method=ga", "optim@method=adamw", "optim@train=adam", "seed=3"],
    ["method=salun", "mask=none"],
    ["method=salun", "mask=none", "mask={_target_: a.B}"],  # a value for the whole group
    ["task=generation", "data=shapes", "method=esd"],
    ["task=generation", "sampler@eval.sampler=ddim", "eval.sampler.steps=7"],
    ["experiment=salun/table1", "experiment@_global_=salun/cifar10_random50", "seed=4", "method=iu"],
    ["experiment=salun/table1", "experiment@_global_=salun/cifar10_random50", "seed=5", "method=iu"],
    ["experiment=salun/cifar10_random10", "data=digits", "method=ft"],
    ["method=mine", "train.epochs=9"],
    ["method=mine", "method.note.a=[3]", "seed=7"],
    ["method=ga", "seed=0"],  # once more: what came between has left no trace
]


def without_hydra(config) -> DictConfig:
    return OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])


def test_the_same_as_one_by_one(hydra):
    loader, master = hydra
    composer = SweepComposer(loader, master)
    for overrides in MIXED:
        config, choices = composer.compose(overrides)
        alone = loader.load_sweep_config(master, overrides)
        assert choices == alone.hydra.runtime.choices, overrides
        expected = without_hydra(alone)
        assert OmegaConf.to_yaml(config) == OmegaConf.to_yaml(expected), overrides  # with interpolations
        assert OmegaConf.to_yaml(config, resolve=True) == OmegaConf.to_yaml(expected, resolve=True)
    assert len(composer.with_options) == 11


@pytest.mark.parametrize(
    "wrong",
    [
        ["method=gaa"],
        ["metod=ga"],
        ["method.lrr=1"],
        ["+method.lr=1"],
        ["~method.lrr"],
        ["~method=ft"],
        ["experiment=null"],
        ["optim@methd=adam"],
        ["method.lr={"],
        ["data.subset=[1,2"],
        ["train.epochs.deep=1"],
    ],
    ids=" ".join,
)
def test_the_same_refusals(hydra, wrong):
    loader, master = hydra
    with pytest.raises((HydraException, ValueError)) as expected:
        loader.load_sweep_config(master, ["method=ga", *wrong])
    with pytest.raises(type(expected.value)) as found:
        SweepComposer(loader, master).compose(["method=ga", *wrong])
    assert str(found.value) == str(expected.value)
    assert getattr(found.value, "overrides", None) == getattr(expected.value, "overrides", None)
