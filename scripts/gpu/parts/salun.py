"""SalUn's 10 % row with three seeds: CIFAR-10 where it is given, digits elsewhere."""

import time
from collections.abc import Iterator
from statistics import mean, stdev
from tempfile import TemporaryDirectory

import unlearn_cli as unlearn
from scripts.gpu.part import TINY, Row, Wanted
from unlearn_cli.evaluation.gaps import AVERAGED

SEEDS = (0, 1, 2)


def measure(wanted: Wanted) -> Iterator[Row]:
    """Seconds of each run from nothing (original, oracle, SalUn, evaluation), then means over the seeds."""
    fast = ("experiment=salun/cifar10_fast", f"data.path={wanted.data}")
    data = fast if wanted.data else TINY if wanted.tiny else ("data=digits",)
    words = ("method=salun", "progress=false", *data)
    results, name = [], "CIFAR-10" if wanted.data else "digits"
    with TemporaryDirectory() as folder:
        for seed in SEEDS:
            begun = time.perf_counter()
            results.append(unlearn.run(*words, f"seed={seed}", f"paths.outputs={folder}"))
            yield Row(what=f"{name}, seed {seed}: all of it", value=time.perf_counter() - begun, unit="s")
    for model in ("original", "oracle", "metrics"):
        said = "SalUn" if model == "metrics" else model
        for metric in AVERAGED:
            values = [getattr(result, model)[metric] for result in results]
            yield Row(what=f"{name}, {said}: {metric}", value=mean(values), unit=f"± {stdev(values):.2f} %")
    for what, values, unit in (
        ("Avg Gap", [result.avg_gap for result in results], "points"),
        ("RTE", [result.cost["seconds"] for result in results], "s"),
    ):
        yield Row(what=f"{name}, SalUn: {what}", value=mean(values), unit=f"± {stdev(values):.2f} {unit}")
