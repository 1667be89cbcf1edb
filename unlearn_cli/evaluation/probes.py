"""Forgotten or only hidden: what simple classifiers still find in frozen embeddings."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from unlearn_cli.data.splits import Sets

ITERATIONS = 1000
STRENGTH = 100.0  # inverse of the L2 penalty: embeddings of length 1 want large weights


def linear_probe(features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Accuracy in percent on the rows `test` of a logistic regression on embeddings of the rows `train`."""
    probe = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS).fit(features[train], labels[train])
    return 100 * float(probe.score(features[test], labels[test]))


def few_shots(features: np.ndarray, labels: np.ndarray, shots: np.ndarray, test: np.ndarray) -> float:
    """Accuracy in percent of the nearest class mean of the few embeddings `shots`."""
    classes = np.unique(labels[shots])
    means = np.stack([features[shots][labels[shots] == c].mean(0) for c in classes])
    nearest = ((features[test][:, None] - means) ** 2).sum(-1).argmin(1)
    return 100 * float((classes[nearest] == labels[test]).mean())


def domain_accuracy(features: np.ndarray, domains: np.ndarray, sets: Sets) -> float:
    """Accuracy in percent of naming the domain of a test image, learnt from those that methods saw."""
    seen, tested = (
        np.concatenate([sets.forget, sets.retain]),
        np.concatenate([sets.test, sets.test_forgotten]),
    )
    return linear_probe(features, domains, seen, tested)


def concept_probe(features: np.ndarray, has: np.ndarray, tested: np.ndarray, tested_has: np.ndarray) -> float:
    """Balanced accuracy in percent of telling whether an embedding is of a concept, learnt from the first."""
    scale = features.std(0) + 1e-6
    probe = LogisticRegression(max_iter=ITERATIONS, class_weight="balanced").fit(features / scale, has)
    return 100 * float(balanced_accuracy_score(tested_has, probe.predict(tested / scale)))
