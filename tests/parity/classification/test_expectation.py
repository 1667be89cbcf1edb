"""Over an epoch each sample weighs the same, however the steps fall."""

import torch

from parity.classification.small import Small
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import paired
from unlearn_cli.methods.expectation import expectations


def test_estimates_of_an_epoch_average_to_the_means(tmp_path):
    small = Small(tmp_path)
    each = torch.linspace(0.5, 3.7, 12) ** 2
    found = torch.zeros(2)
    for rows in paired(small.forget, small.retain)(0, 5, 0):
        index = torch.as_tensor(rows)
        batch = Batch(small.x(rows), small.y(rows), index, index < 4)
        found += torch.stack(expectations(each[index], batch, small.sets)) * len(rows) / 12
    torch.testing.assert_close(found, torch.stack([each[:4].mean(), each[4:].mean()]))
