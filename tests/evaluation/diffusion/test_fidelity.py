from urllib.error import URLError

import numpy as np
import pytest
import scipy.linalg
import torch

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.diffusion.fidelity import distances, precision_recall
from unlearn_cli.evaluation.diffusion.inception import inception_distances

CPU = torch.device("cpu")


def gaussian(rows: int, seed: int, width: int = 6) -> torch.Tensor:
    """Correlated features of unequal variance, the same distribution for every seed."""
    mixing = np.random.default_rng(99).normal(size=(width, width))
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, width)) @ mixing).float()


def line(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_frechet_distance_is_the_formula():
    real, drawn = gaussian(200, 0), 0.5 * gaussian(150, 1) + 1
    (mean, cov), (mean2, cov2) = [
        (x.mean(axis=0), np.cov(x, rowvar=False)) for x in (real.double().numpy(), drawn.double().numpy())
    ]
    root = scipy.linalg.sqrtm(cov @ cov2).real
    expected = ((mean - mean2) ** 2).sum() + np.trace(cov + cov2 - 2 * root)
    assert distances(real, drawn, seed=0)["FD"] == pytest.approx(expected, rel=1e-8)


def test_a_shift_alone_costs_its_squared_length():
    features, shift = gaussian(50, 0).double(), torch.tensor([3.0, 0, 4, 0, 0, 0])
    assert distances(features, features + shift, seed=0)["FD"] == pytest.approx(25, rel=1e-6)


def test_fewer_rows_than_features():
    features = gaussian(20, 0, width=64)
    assert distances(features, features, seed=0)["FD"] == pytest.approx(0, abs=1e-4)


def test_kernel_distance_by_hand():
    # k(x, y) = (xy + 1)^3: within the real set 1 (0·1), within the drawn one 7^3, across 1, 1, 3^3 and 4^3.
    value = distances(line(0, 1), line(2, 3), seed=0)["KD"]
    assert value == pytest.approx(1 + 7**3 - 2 * (1 + 1 + 3**3 + 4**3) / 4)


def test_kernel_distance_of_one_distribution_is_near_zero_and_grows_with_a_shift():
    real, drawn = gaussian(1200, 0), gaussian(1100, 1)
    same, near, far = (distances(real, drawn + shift, seed=0)["KD"] for shift in (0, 0.5, 1))
    assert abs(same) < near / 5
    assert near < far


def test_the_seed_decides_and_no_generator_is_moved():
    real, drawn = gaussian(30, 0), gaussian(20, 1)  # unequal sizes: subsets are drawn
    before = torch.get_rng_state()
    first, again, other = (distances(real, drawn, seed)["KD"] for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), before)


def test_precision_and_recall_on_a_line():
    # Reach (third neighbour): real 3, 2, 2, 3 and 93 for the outlier; drawn 11, 6, 6, 11.
    # 7 is within the outlier's reach alone (87), -4 in none (98). No sample reaches the outlier.
    real, drawn = line(0, 1, 2, 3, 94), line(-4, 1, 2, 7)
    assert precision_recall(real, drawn) == {"precision": 75, "recall": 80}


def test_precision_and_recall_far_apart_identical_and_narrow():
    real = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))  # a grid; a corner reaches sqrt(2)
    assert precision_recall(real, real + 100) == {"precision": 0, "recall": 0}
    assert precision_recall(real, real) == {"precision": 100, "recall": 100}
    # Samples in the middle 0.1 apart reach no grid point but the one they lie on.
    narrow = 2 + 0.1 * torch.cartesian_prod(torch.arange(2.0), torch.arange(2.0))
    assert precision_recall(real, narrow) == {"precision": 100, "recall": 4}


@pytest.mark.parametrize("width", [2, 40])  # the tree and the brute force of scikit-learn
def test_duplicates_reach_each_other_only(width):
    point = 5 + torch.rand(width, generator=torch.Generator().manual_seed(0))
    real = torch.cat([point.repeat(5, 1), 3 * point.repeat(5, 1)])  # every reach is 0
    assert precision_recall(real, point.repeat(4, 1)) == {"precision": 100, "recall": 50}
    assert precision_recall(real, point.repeat(4, 1) + 0.01) == {"precision": 0, "recall": 0}


def test_chunks_change_nothing(monkeypatch):
    real, drawn = gaussian(300, 0), gaussian(200, 1) + 1
    whole = precision_recall(real, drawn)
    monkeypatch.setattr(
        "unlearn_cli.evaluation.diffusion.fidelity.WORKING_MEMORY", 0.02
    )  # 13 rows of 200 at once
    assert precision_recall(real, drawn) == whole
    assert 0 < whole["precision"] < 100


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file like pytorch-fid's, of random weights."""
    from torch_fidelity import feature_extractor_inceptionv3 as inceptionv3

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    with pytest.MonkeyPatch.context() as patch:
        extractor = inceptionv3.FeatureExtractorInceptionV3
        patch.setattr(inceptionv3, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(extractor, "load_state_dict", lambda *_: None)
        network = extractor("inception-v3-compat", ["2048"])
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)  # the default lets the signal die out
    torch.save(network.state_dict(), path)
    return path


def test_fid_of_a_gray_set_and_its_coloured_copy_is_zero(weights):
    gray = torch.randint(0, 256, (6, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    values = inception_distances(gray, gray.repeat(1, 3, 1, 1), 0, weights, CPU)
    assert values.keys() == {"FID", "KID"}
    assert values["FID"] == pytest.approx(0, abs=1e-6)
    assert inception_distances(gray, gray // 4, 0, weights, CPU)["FID"] > 1e-3


def test_weights_that_are_missing_or_others_are_told_in_one_line(tmp_path, monkeypatch):
    class Runs:
        def __reduce__(self):
            return (print, ("code ran",))

    images = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    files = {name: tmp_path / name for name in ("missing.pth", "other.pth", "code.pth")}
    torch.save({"conv1.weight": torch.zeros(1)}, files["other.pth"])
    torch.save(Runs(), files["code.pth"])

    def offline(*_, **__):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", offline)
    for path in (None, *files.values()):
        with pytest.raises(InputError, match=r"^eval\.inception: .*eval\.inception=false$") as error:
            inception_distances(images, images, 0, path, CPU)
        assert "\n" not in str(error.value)
