import numpy as np
import pytest

from unlearn_cli.training.trainer import Trainer


@pytest.fixture
def trainer(toy, compute, tmp_path):
    def make(name="a", **options):
        return Trainer(toy, np.zeros(40, bool), compute, 0, tmp_path / name, **options)

    return make
