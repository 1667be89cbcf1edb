"""How hypothesis draws its examples."""

from hypothesis import HealthCheck, settings


def always_the_same(count: int) -> settings:
    """So many examples, the same in every run."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
