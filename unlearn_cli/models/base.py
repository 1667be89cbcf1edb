"""What every `model=` option offers."""

from abc import ABC, abstractmethod
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from torch import nn
from typing_extensions import Self

from unlearn_cli.config.dormant import AS_EVER_IN
from unlearn_cli.config.settings import Settings, described
from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import InputError
from unlearn_cli.models.class_order import in_order
from unlearn_cli.models.input import Input, Known
from unlearn_cli.models.own_weights import KEY, filled, read, write_like
from unlearn_cli.models.recorded import recorded
from unlearn_cli.storage.identity import by_content, content_of

WRITTEN = "unlearned"
"""Name, in a run's folder, of the model in the format that it came in."""


class AnyModel(Settings, ABC):
    """A family of models. A subclass' fields are the keys of its YAML."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    ready_made: ClassVar[bool] = False
    """`build` gives trained weights, which are the original model: nothing is trained, and nothing can be
    retrained."""

    takes_colour: ClassVar[bool] = False
    """It takes three channels alone: grey images are given to it as such."""

    @model_validator(mode="before")
    @classmethod
    def _without_the_task_s_keys(cls, values: Any) -> Any:
        """One that does not know the keys of weights of one's own is not told: a task gives them to all."""
        if not isinstance(values, dict):
            return values
        ever = {key: value for key, value in AS_EVER_IN["model"].items() if key not in cls.model_fields}
        return {key: value for key, value in values.items() if ever.get(key, values) != value}

    @abstractmethod
    def build(self, images: ImageSpec) -> nn.Module:
        """A freshly initialised model for the data; it draws from torch's global RNG, the caller seeds.

        A classifier takes float images (B, channels, height, width) in [0, 1] to logits (B, classes).
        """

    @property
    def comes_trained(self) -> bool:
        """Whether the original is not to be trained here."""
        return self.ready_made

    @property
    def learnt_rows(self) -> Literal["train"] | Path | None:
        """Where it stands which rows the original has learnt; None: it is trained here, or nobody knows."""
        return None

    def original(self, images: ImageSpec) -> nn.Module:
        """The original of a model that comes trained."""
        return self.build(images)

    def preprocessing(self, size: int | None) -> Preprocessing | None:
        """What a ready-made model's library does with a picture; None: pictures come as `data.size` says.

        size: `data.size`, for models that leave it open. InputError: no such model.
        """
        return None

    def as_taken(self, data: ImageData) -> ImageData:
        """The data as the model takes them: in colour, by its own mean and std, classes in its order."""
        return data.in_colour() if self.takes_colour else data

    def facts(self) -> dict[str, Any]:
        """What determines a model's weights, beside its training, fit for JSON: files by their content."""
        return by_content(described(self))

    def weights_facts(self) -> dict[str, Any]:
        """What tells an original that comes trained from others, beside `facts`."""
        return {}

    def write_back(self, model: nn.Module, folder: Path) -> None:
        """Into a run's folder, in the format that the original came in, where that is another than ours."""


class TakesWeights(AnyModel):
    """A family whose original may be weights of one's own, fed with images as the task scales them."""

    weights: Path | None = Field(
        default=None,
        description="a trained model of one's own, which is the original then: a state dict (.pt, .pth, "
        ".safetensors), or the folder of model=timm, model=transformers or model=diffusers",
    )
    trained_on: Literal["train"] | Path = Field(
        default="train",
        description="rows that those weights have learnt: train, all of the data's training part; or a file "
        "that lists them as forget.file does",
    )

    @model_validator(mode="after")
    def _has_weights(self) -> Self:
        fields = type(self).model_fields
        for name in ("trained_on", "input"):
            if name in fields and self.weights is None and getattr(self, name) != fields[name].default:
                raise InputError(f"model.{name}: tells of {KEY}, and that is not set; set {KEY}=FILE")
        return self

    @property
    def own_weights(self) -> Path | None:
        """`weights`, unless a class of one's own reads them itself."""
        return None if self.ready_made or self.weights is None else self.weights.expanduser()

    @property
    def comes_trained(self) -> bool:
        return self.ready_made or self.weights is not None

    @property
    def learnt_rows(self) -> Literal["train"] | Path | None:
        return self.trained_on if self.own_weights else None

    def original(self, images: ImageSpec) -> nn.Module:
        """`build`, with `weights`. InputError: they do not fit it, or are for other classes."""
        model = self.build(images)
        return filled(model, read(self.own_weights), images.classes) if self.own_weights else model

    def known(self) -> Known:
        """What the weights' own files say: of a run of this program all of it."""
        return recorded(self.own_weights) if self.own_weights else Known()

    @cached_property
    def _known(self) -> Known:
        return self.known()

    def as_taken(self, data: ImageData) -> ImageData:
        """In colour and with classes in the order that the weights' own files say."""
        if self.own_weights is None:
            return super().as_taken(data)
        if self.takes_colour or self._known.channels == 3:
            data = data.in_colour()
        return in_order(data, self._known.classes, KEY)

    def normalisation(self, data: ImageData) -> dict[str, Any]:
        """What becomes of the pixels of data as they are taken, for a run's record: what the task does."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Weights of one's own are not among them: an oracle has never seen them."""
        own = described(self)
        given = () if self.ready_made else AS_EVER_IN["model"].keys()
        return by_content({name: value for name, value in own.items() if name not in given})

    def weights_facts(self) -> dict[str, Any]:
        return {"weights": content_of(self.own_weights)} if self.own_weights else {}

    def write_back(self, model: nn.Module, folder: Path) -> None:
        """As a file like `weights`, with the same names in the same place."""
        if self.own_weights:
            write_like(read(self.own_weights), model, folder / f"{WRITTEN}{self.own_weights.suffix}")


class ModelSettings(TakesWeights):
    """A family of classifiers, whose weights come with a preprocessing; a class of one's own derives from
    this."""

    input: Input = Input()

    def preprocessing(self, size: int | None) -> Preprocessing | None:
        return self.input.geometry(self._known) if self.own_weights else None

    def as_taken(self, data: ImageData) -> ImageData:
        """As `TakesWeights.as_taken`. InputError: nobody says with which mean and std the weights were
        trained."""
        data = super().as_taken(data)
        if self.own_weights is None:
            return data
        found = {name: self._per_channel(name, self._known, data.channels) for name in ("mean", "std")}
        return replace(data, mean=found["mean"], std=found["std"])

    def normalisation(self, data: ImageData) -> dict[str, Any]:
        return {"mean": list(data.mean), "std": list(data.std)}

    def _per_channel(self, name: str, known: Known, channels: int) -> tuple[float, ...]:
        values = getattr(self.input, name) or getattr(known, name)
        if values is None:
            raise InputError(
                f"model.input.{name}: not said in {self.weights}; give that of the training's Normalize, as "
                "in model.input.mean=[0.485,0.456,0.406]; mean [0] and std [1] are no normalisation"
            )
        spread = tuple(values) * (channels if len(values) == 1 else 1)
        if len(spread) != channels:
            raise InputError(
                f"model.input.{name}: {len(values)} values for images of {channels} channel(s); "
                "give one for each"
            )
        return spread
