"""SAUCE at LLaVA-1.5 7B's true size: random weights, bf16, an autoencoder of 8 x 1,024 latents."""

from collections.abc import Iterator
from statistics import median

from scripts.benchmarks.vlm import LARGE, LLAVA, generation, network, streaming, tiny_config
from scripts.gpu.memory import fresh_memory, gigabytes
from scripts.gpu.part import Row, Wanted
from unlearn_cli.runtime.compute import Compute

BATCH = 4096
"""Vectors of a step."""


def measure(wanted: Wanted) -> Iterator[Row]:
    """Steps of the autoencoder with the activations it is fed by; answers with and without its edit."""
    compute = Compute("auto", "fp32" if wanted.tiny else "bf16", channels_last=False, compile=False)
    model = network(tiny_config() if wanted.tiny else LLAVA, compute)
    yield Row(what="LLaVA: memory of the model", value=gigabytes(compute.device), unit="GiB")
    fresh_memory(compute.device)
    values = () if wanted.tiny else (*LARGE, f"method.batch_size={BATCH}")
    count, tokens = (256, 16) if wanted.tiny else (1024, 64)
    for side, rate in streaming(model, compute, count, tokens, *values).items():
        yield Row(what=f"SAUCE: {side}", value=rate, unit="vectors/s")
        yield Row(what=f"SAUCE: {side}, a step of {BATCH:,}", value=BATCH / rate, unit="s")
    yield Row(what="SAUCE: most memory in training", value=gigabytes(compute.device), unit="GiB")
    fresh_memory(compute.device)
    answers, words = (4, 4) if wanted.tiny else (16, 16)
    for side, times in generation(model, answers, words).items():
        yield Row(what=f"{side}: {answers} answers of {words} tokens", value=median(times), unit="s")
    yield Row(what="SAUCE: most memory in answering", value=gigabytes(compute.device), unit="GiB")
