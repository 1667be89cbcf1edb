"""What the tests compose is what Hydra itself composes, the first time and again."""

import pytest
import quick_hydra
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from unlearn_cli.config.catalogue import conf_folder


@pytest.mark.parametrize(
    "overrides",
    [
        ["method=ga", "train.epochs=3"],
        ["method=ga", "seed=1", "+data.more={a: 1}"],
        ["task=generation", "method=salun", "~method.epochs"],
        ["forget=worst_case", "lower@forget.lower=scrub", "forget.lower.lr=0.3"],
        ["experiment=salun/cifar10_random10", "hydra/launcher=processes"],
        ["method=ga", "train.epochs=4"],
    ],
)
def test_the_same_configuration(overrides, monkeypatch):
    quick = [composed(overrides) for _ in range(2)]
    monkeypatch.setattr(quick_hydra, "only_ours", lambda repo: False)
    monkeypatch.setattr("hydra._internal.defaults_list._create_interpolation_map", quick_hydra._mapped)
    assert quick == 2 * [composed(overrides)]


def composed(overrides):
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("config", overrides, return_hydra_config=True)
    return OmegaConf.to_yaml(config)


def test_a_changed_file_is_another_option(tmp_path):
    """Of folders that a test writes nothing is kept that it may change."""
    (tmp_path / "method").mkdir()
    for epochs in (1, 2):
        (tmp_path / "method" / "mine.yaml").write_text(f"defaults: [ga, _self_]\nepochs: {epochs}\n")
        found = composed([f"hydra.searchpath=[file://{tmp_path}]", "method=mine"])
        assert f"epochs: {epochs}" in found
