"""What a metric means, said once: the tables, W&B and the documents all take it from here.

Nothing heavy is imported: who only reads results does not wait for torch.
"""

from dataclasses import dataclass
from math import inf
from typing import Any, Literal, get_args

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.gaps import AVERAGED, AVERAGED_OF_PROMPTS
from unlearn_cli.evaluation.hidden.meanings import HIDDEN
from unlearn_cli.evaluation.membership.meanings import BY_EXAMPLE

Better = Literal["oracle", "higher", "lower"]
BOUNDS = {"%": (0.0, 100.0), **dict.fromkeys(("", "s", "MB", "nats", "steps"), (0.0, inf))}
"""What a mean can be, by unit: times, sizes, counts, distances and scores have no sign; of other units
anything."""


@dataclass(frozen=True)
class Meaning:
    """One metric: displayed name, unit, the direction that is better and a sentence for a reader."""

    name: str
    unit: str
    better: Better
    text: str

    @property
    def label(self) -> str:
        """Name, unit and arrow as the tables print them, for example `UA (%) →oracle`."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.name}{unit} {arrow(self.better)}"

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest that its mean can be."""
        return BOUNDS.get(self.unit, (-inf, inf))


def arrow(better: Better) -> str:
    """`→oracle`: closeness to the retrained model is the aim; `↑`, `↓`: more or less is better."""
    return {"oracle": "→oracle", "higher": "↑", "lower": "↓"}[better]


PARTS = ("forget", "retain", "test")
EXPOSED = {
    f"{part.upper()}_EXPOSED": f"nudenet_{part}"
    for part in (
        *("buttocks", "female_breast", "male_breast", "female_genitalia", "male_genitalia"),
        *("anus", "feet", "armpits", "belly"),
    )
}
"""NudeNet's classes of exposed parts, and the metric that counts each."""


def _attack(name: str, by: str) -> Meaning:
    return Meaning(name, "%", "oracle", f"forget samples taken for unseen, by {by}")


def _otherwise(name: str, how: str) -> Meaning:
    text = (
        f"eligible questions about the concept answered otherwise or refused, {how}; garbage does not count"
    )
    return Meaning(name, "%", "higher", text)


def _outside(name: str, better: Better) -> Meaning:
    return Meaning(f"{name} outside", "%", better, f"{name} for prompts worded unlike the unlearned")


def attack_success(name: str, by: str) -> Meaning:
    """Of an attack on a text-to-image model."""
    return Meaning(
        f"ASR {name}", "%", "lower", f"forgotten prompts whose image shows the concept, plain or {by}"
    )


MEANINGS = {
    "UA": Meaning("UA", "%", "oracle", "wrong on forget samples (or not drawn as such)"),
    "RA": Meaning("RA", "%", "oracle", "right on retain samples (or drawn as such)"),
    "IRA": Meaning("IRA", "%", "higher", "in-domain: kept prompts show what they ask of the concept's kind"),
    "CRA": Meaning("CRA", "%", "higher", "cross-domain: prompts show all else they ask for"),
    "UA_outside": _outside("UA", "oracle"),
    "IRA_outside": _outside("IRA", "higher"),
    "CRA_outside": _outside("CRA", "higher"),
    "Mem": Meaning("Mem", "%", "higher", "right on test images of domains (or classes) to be kept"),
    "For": Meaning("For", "%", "higher", "wrong on test images of domains (or classes) to be forgotten"),
    "H": Meaning(
        "H", "%", "higher", "harmonic mean of keeping and forgetting (Mem, For; UA direct, the kept cells)"
    ),
    "Mem_drop": Meaning("Mem drop", "points", "lower", "Mem of the original model less Mem"),
    "Mem_unseen": Meaning("Mem unseen", "%", "higher", "Mem on classes that the method has not seen"),
    "For_unseen": Meaning("For unseen", "%", "higher", "For on classes that the method has not seen"),
    "Mem_templates": Meaning("Mem templates", "%", "higher", "Mem by other texts of the classes, averaged"),
    "For_templates": Meaning("For templates", "%", "higher", "For by other texts of the classes, averaged"),
    "R1_retain": Meaning("R@1 retain", "%", "higher", "captions found for test images to be kept"),
    "R1_forget": Meaning("R@1 forget", "%", "lower", "captions found for test images to be forgotten"),
    "probe_forget": Meaning(
        "probe forget",
        "%",
        "oracle",
        "linear probe of classes, learnt from train rows, on test images to be forgotten",
    ),
    "relearn_forget": Meaning(
        "few-shot forget",
        "%",
        "oracle",
        "nearest mean of the seen shots' embeddings, on test images to be forgotten",
    ),
    "domain_accuracy": Meaning(
        "domain accuracy", "%", "higher", "linear probe of domains on embeddings, learnt from the seen shots"
    ),
    "eligible": Meaning(
        "eligible",
        "%",
        "higher",
        "questions about the concept that the original answers, from the image alone",
    ),
    "guessed": Meaning(
        "guessed", "%", "lower", "questions about the concept that the original answers from a blank image"
    ),
    "UA_direct": _otherwise("UA direct", "asked plainly"),
    "UA_indirect": Meaning("UA indirect", "%", "higher", "captions that no longer name the concept"),
    "UA_choice": Meaning("UA choice", "%", "higher", "another answer is likelier, of all to the question"),
    "UA_jailbreak": _otherwise("UA jailbreak", "urged by a text before it"),
    "UA_typographic": _otherwise("UA typographic", "the answer written on the image"),
    "UA_pixels": _otherwise("UA pixels", "the image perturbed towards the answer"),
    "UA_relearnt": _otherwise("UA relearnt", "after a little training on the concept"),
    "refusals": Meaning("refusals", "%", "oracle", "questions about the concept that are refused"),
    "invalid": Meaning(
        "invalid", "%", "lower", "questions about the concept answered with none of the answers"
    ),
    "same_image": Meaning("same image", "%", "higher", "right on other questions about the same images"),
    "in_domain": Meaning("in-domain", "%", "higher", "right on the same question about other images"),
    "cross_domain": Meaning("cross-domain", "%", "higher", "right on other questions about other images"),
    "false_positives": Meaning("false positives", "%", "lower", "answers that name the concept out of place"),
    "concept_probe": Meaning(
        "probe", "%", "oracle", "linear probe of the concept on what the language model reads, balanced"
    ),
    "agreement": Meaning("agree", "%", "higher", "same answer as the oracle, test questions"),
    "TA": Meaning("TA", "%", "oracle", "right on test samples"),
    "VA": Meaning("VA", "%", "oracle", "right on validation samples"),
    "TA_forget": Meaning("TA forget", "%", "oracle", "right on test samples of what is wholly forgotten"),
    **{
        f"agreement_{part}": Meaning(
            f"agree {part}", "%", "higher", f"same class as the oracle, {part} samples"
        )
        for part in PARTS
    },
    **{
        f"KL_{part}": Meaning(f"KL {part}", "nats", "lower", f"KL(oracle‖model), {part} samples")
        for part in PARTS
    },
    "seconds": Meaning("RTE", "s", "lower", "wall time of unlearning"),
    "mask_seconds": Meaning("mask", "s", "lower", "time of the saliency mask, not in RTE"),
    "sae_seconds": Meaning("SAE", "s", "lower", "time of the sparse autoencoder, not in RTE"),
    "peak_memory_mb": Meaning("peak memory", "MB", "lower", "largest memory held so far"),
    "delta_mb": Meaning("delta", "MB", "lower", "file of the changed tensors"),
    "epochs": Meaning("epochs", "", "lower", "epochs of unlearning that were made"),
    "samples": Meaning("samples", "", "lower", "samples passed through the model"),
    "FD": Meaning(
        "Fréchet distance", "", "lower", "to real images of retained classes, judge's features (no FID)"
    ),
    "KD": Meaning("kernel distance", "", "lower", "the same by a kernel (no KID)"),
    "FID": Meaning(
        "FID",
        "",
        "lower",
        "Fréchet distance of Inception-v3 features, to images of what is retained (real ones; the original's "
        "where data=generated)",
    ),
    "KID": Meaning("KID", "", "lower", "the same images by a kernel"),
    "CLIP_forget": Meaning(
        "CLIP forget", "", "lower", "100·max(cos, 0) of images and their prompts, forgotten prompts"
    ),
    "CLIP_retain": Meaning(
        "CLIP retain", "", "higher", "100·max(cos, 0) of images and their prompts, kept prompts"
    ),
    "CLIP_accuracy": Meaning(
        "CLIP accuracy",
        "%",
        "lower",
        "forgotten prompts' images nearer to their prompt than to the anchor's",
    ),
    "CLIP_error": Meaning("CER", "%", "higher", "100 − CLIP accuracy"),
    "LPIPS_forget": Meaning(
        "LPIPS forget", "", "higher", "distance to the original's image of equal noise, forgotten prompts"
    ),
    "LPIPS_retain": Meaning(
        "LPIPS retain", "", "lower", "distance to the original's image of equal noise, kept prompts"
    ),
    "nudenet": Meaning("NudeNet", "", "lower", "exposed parts found in all images"),
    "nudenet_images": Meaning("NudeNet images", "%", "lower", "images with an exposed part"),
    **{
        key: Meaning(name, "", "lower", f"exposed {name.removeprefix('NudeNet ')} found in all images")
        for key in EXPOSED.values()
        for name in [key.replace("nudenet", "NudeNet").replace("_", " ")]
    },
    "precision": Meaning("precision", "%", "higher", "samples among the real images, judge's features"),
    "recall": Meaning("recall", "%", "higher", "real images among the samples, judge's features"),
    "avg_gap": Meaning(
        "Avg Gap",
        "",
        "lower",
        f"mean gap of {', '.join(AVERAGED)} (of prompts: {', '.join(AVERAGED_OF_PROMPTS)})",
    ),
    "confidence_forget": Meaning(
        "confidence forget", "%", "oracle", "judge's probability of the forgotten class in its images"
    ),
    "entropy_forget": Meaning(
        "entropy forget", "nats", "oracle", "of the judge's probabilities, images of the forgotten class"
    ),
    "judge_TA": Meaning("judge TA", "%", "higher", "the judge itself, right on real test images"),
    "MIA": _attack("MIA", "true-class confidence"),
    "MIA_correctness": _attack("MIA correctness", "correctness"),
    "MIA_entropy": _attack("MIA entropy", "entropy"),
    "MIA_m_entropy": _attack("MIA m-entropy", "modified entropy"),
    "MIA_prob": _attack("MIA prob", "the whole softmax"),
    "MIA_leak_free": _attack("MIA leak-free", "confidence, TA's images not used"),
    **{key: Meaning(*parts) for key, parts in BY_EXAMPLE.items()},
    "pre_ASR": Meaning(
        "pre-ASR", "%", "lower", "attacked prompts whose image shows the concept, before any attack"
    ),
    "ASR_unlearndiffatk": attack_success("UnlearnDiffAtk", "with adversarial tokens before it"),
    "ASR_p4d": attack_success("P4D", "as a prompt sought for the original's predictions"),
    "ASR_ring_a_bell": attack_success("Ring-A-Bell", "as a prompt sought by its text embedding alone"),
    "ASR_cce": attack_success("CCE", "with a new word learnt for the concept"),
    "ASR_relearn": Meaning(
        "ASR relearn",
        "%",
        "lower",
        "plain prompts whose image shows the concept after training on forget images",
    ),
    "relearn_steps": Meaning(
        "relearning",
        "steps",
        "oracle",
        "on forget samples alone until UA < 50 %; the limit if it never is",
    ),
    **{key: Meaning(*parts) for key, parts in HIDDEN.items()},
}
"""Every metric that an evaluation yields, by its key."""


def check_meaning(key: str, whose: str, metric: Any) -> None:
    """Whether a metric that is not in MEANINGS says what it means.

    Args:
        key: its own. whose: what to call it in messages.

    Raises:
        InputError: no meaning, or a wrong one; or the key or the name is taken.
    """
    meaning = getattr(metric, "meaning", None)
    right = 'meaning = Meaning("name", "%", "oracle", "a sentence")'
    if not isinstance(meaning, Meaning):
        raise InputError(f"{whose} has no meaning; give it {right}")
    if meaning.better not in get_args(Better):
        raise InputError(
            f"{whose}: its meaning's direction is {meaning.better!r}; oracle, higher or lower is right"
        )
    if (
        not all(isinstance(part, str) for part in (meaning.name, meaning.unit, meaning.text))
        or not meaning.name
    ):
        raise InputError(f"{whose}: name, unit and text of its meaning are texts, the name not empty")
    if key in MEANINGS:
        raise InputError(f"{whose}: '{key}' is a metric of unlearn's own; give it another key")
    if meaning.name in {own.name for own in MEANINGS.values()}:
        raise InputError(f"{whose}: tables have a '{meaning.name}' of unlearn's own; give it another name")
