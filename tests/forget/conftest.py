"""40 rows of four classes; the last eight are the test rows; columns as a face data set has them."""

import numpy as np
import pytest
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import split


@pytest.fixture
def data():
    return Resident.of(
        torch.arange(40, dtype=torch.uint8).reshape(40, 1, 1, 1),
        np.arange(40) % 4,
        name="faces",
        classes=["airplane", "bird", "cat", "dog"],
        train_rows=np.arange(32),
        test_rows=np.arange(32, 40),
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
        columns={
            "Male": np.arange(40) % 3 == 0,
            "domain": np.array(["photo", "sketch"], dtype=object)[np.arange(40) // 20],
            "celeb_id": np.arange(40) // 2,
        },
    )


@pytest.fixture
def splits(data):
    """25 % of each class for validation: 24 rows to train on, six of each class."""
    return split(data, 0.25, 0)
