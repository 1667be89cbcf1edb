import numpy as np
import torch

from unlearn_cli.evaluation.accuracy import accuracy
from unlearn_cli.evaluation.agreement import agreement
from unlearn_cli.evaluation.classification.mia import MIASettings, mia
from unlearn_cli.evaluation.gaps import AVERAGED
from unlearn_cli.evaluation.hidden.meanings import HIDDEN
from unlearn_cli.evaluation.meaning import EXPOSED, MEANINGS, arrow
from unlearn_cli.evaluation.membership.rates import RATES


def test_every_number_that_an_evaluation_yields_has_a_meaning(make_sets):
    rng = np.random.default_rng(0)
    logits, labels = torch.tensor(rng.normal(size=(40, 3)), dtype=torch.float32), rng.integers(0, 3, 40)
    parts = {name: np.arange(8 * i, 8 * i + 8) for i, name in enumerate(("forget", "retain", "val", "test"))}
    sets = make_sets(**parts, test_forgotten=np.arange(32, 40))
    features = ("confidence", "correctness", "entropy", "m_entropy", "prob")
    settings = MIASettings(features=features, members="first", max_samples=None, leak_free=True, seed=0)
    values = (
        accuracy(logits, labels, sets)
        | mia(logits, labels, sets, settings)
        | agreement(logits, logits, sets.parts)
    )
    costs = {"seconds", "mask_seconds", "peak_memory_mb", "samples", "epochs", "delta_mb", "sae_seconds"}
    distances = {"FD", "KD", "FID", "KID", "precision", "recall"}
    of_samples = distances | {"confidence_forget", "entropy_forget", "judge_TA", "relearn_steps"}
    of_prompts = {"IRA", "CRA", *(f"{name}_outside" for name in ("UA", "IRA", "CRA"))}
    attacks = {"pre_ASR", *(f"ASR_{by}" for by in ("unlearndiffatk", "p4d", "ring_a_bell", "cce", "relearn"))}
    of_images = {"CLIP_accuracy", "CLIP_error", "nudenet", "nudenet_images", *EXPOSED.values()} | {
        f"{name}_{part}" for name in ("CLIP", "LPIPS") for part in ("forget", "retain")
    }
    of_domains = {"Mem", "For", "H", "Mem_drop", "probe_forget", "relearn_forget", "domain_accuracy"}
    of_domains |= {"R1_retain", "R1_forget"}
    of_domains |= {f"{name}_{kind}" for name in ("Mem", "For") for kind in ("unseen", "templates")}
    ways = ("direct", "indirect", "choice", "jailbreak", "typographic", "pixels", "relearnt")
    of_answers = {
        "eligible",
        "guessed",
        "refusals",
        "invalid",
        "false_positives",
        "concept_probe",
        "agreement",
    }
    of_answers |= {"same_image", "in_domain", "cross_domain", *(f"UA_{way}" for way in ways)}
    by_example = {
        f"{attack}_{rate}{of}"
        for attack in ("ULiRA", "RMIA", "IAM")
        for rate in RATES
        for of in ("", "_retain")
    } | {f"KLOM{of}_{part}" for of in ("", "_95") for part in ("forget", "retain", "val")}
    known = (
        costs
        | by_example
        | of_samples
        | of_prompts
        | attacks
        | of_images
        | of_domains
        | of_answers
        | {"avg_gap"}
    )
    known |= HIDDEN.keys()
    assert set(MEANINGS) == set(values) | known


def test_directions():
    known = MEANINGS
    assert {known[name].better for name in AVERAGED} == {"oracle"}
    assert (known["avg_gap"].better, known["seconds"].better) == ("lower", "lower")
    assert known["agreement_forget"].better == "higher"
    assert [arrow(way) for way in ("oracle", "higher", "lower")] == ["→oracle", "↑", "↓"]
    assert known["UA"].label == "UA (%) →oracle"
    assert known["samples"].label == "samples ↓"


def test_names_and_texts_tell_the_metrics_apart():
    known = MEANINGS.values()
    assert len({m.name for m in known}) == len({m.text for m in known}) == len(known)
