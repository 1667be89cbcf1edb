"""KL-Min: ascent on the forget set, KL to the original on the retain set (Maini et al., COLM 2024)."""

from parity.vlm.answers import apart, halves, log_p, mean, trains_as
from unlearn_cli.methods.vlm.kl_min import KLMin

RETAIN = 2.7


def test_steps(tiny):
    original = tiny.model()

    def loss(model, rows, number):
        gone, kept = halves(tiny, rows)
        value = mean(log_p(tiny, model, row).mean() for row in gone)
        return value + RETAIN * mean(apart(tiny, model, original, row) for row in kept)

    trains_as(tiny, KLMin, {"retain_weight": RETAIN}, loss)
