"""What simple classifiers find in embeddings."""

import numpy as np

from unlearn_cli.evaluation.probes import concept_probe


def test_the_concept_probe_finds_what_is_there():
    generator = np.random.default_rng(0)
    has = np.arange(400) % 2
    noise = generator.normal(size=(400, 3))
    apart = noise + 10 * has[:, None]
    assert concept_probe(apart[:200], has[:200], apart[200:], has[200:]) == 100
    assert 35 < concept_probe(noise[:200], has[:200], noise[200:], has[200:]) < 65
    always = np.ones((4, 3))
    assert concept_probe(always, np.array([0, 0, 0, 1]), always, np.array([0, 0, 0, 1])) == 50
