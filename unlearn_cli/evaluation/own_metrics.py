"""The metrics of one's own that a run has: the group `metric`, of which several options may be chosen."""

from typing import Any

from unlearn_cli.config.settings import build
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.meaning import check_meaning


def own_metrics(nodes: dict[str, Any]) -> dict[str, Any]:
    """The metrics of `metric=`, by key, each with a meaning."""
    found = {}
    for key, node in nodes.items():
        if not isinstance(node, dict):
            raise InputError(
                "metric: a metric's YAML begins with the line '# @package metric.KEY', KEY being its name in "
                "tables, and this one does not"
            )
        found[key] = build(node, f"metric.{key}")
        check_meaning(key, f"metric.{key}._target_: {node['_target_']}", found[key])
    names = [metric.meaning.name for metric in found.values()]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"metric: two metrics are called '{twice}' in tables; give one another name")
    return found
