"""Keys of an evaluation that attacks single rows."""

from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from unlearn_cli.config.dormant import ATTACKS
from unlearn_cli.config.settings import build
from unlearn_cli.data.names import unknown
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.base import Evaluation
from unlearn_cli.evaluation.membership.base import MembershipAttack
from unlearn_cli.evaluation.membership.klom import LEAST_MODELS
from unlearn_cli.methods.checkpoint import Checkpoint


class AttackedByRow(Evaluation):
    """An evaluation whose outputs have a table of logits: of each row, what does it tell of its training?"""

    attacks: list[str] = Field(
        description="attacks on single rows, by shadow models (`shadows`): ulira, rmia, iam; none: []",
    )
    ulira: MembershipAttack | None = Field(description="values of the attack, membership=ulira")
    rmia: MembershipAttack | None = Field(description="values of the attack, membership=rmia")
    iam: MembershipAttack | None = Field(description="values of the attack, membership=iam")

    klom: bool = Field(
        description="KLOM, how far unlearned models and oracles are from each other over oracle.count seeds"
    )

    @model_validator(mode="before")
    @classmethod
    def _off_where_it_says_nothing(cls, values: Any) -> Any:
        """A YAML of one's own need not know of these keys, nor does an earlier version's record."""
        return {"attacks": [], "klom": False, **dict.fromkeys(ATTACKS), **values}

    @field_validator(*ATTACKS, mode="before")
    @classmethod
    def _built(cls, node: Any, info: ValidationInfo) -> Any:
        return build(node, f"eval.{info.field_name}") if isinstance(node, dict) else node

    @model_validator(mode="after")
    def _attacks_are_known(self) -> Self:
        for name in self.attacks:
            if name not in ATTACKS:
                raise unknown("eval.attacks", "attack", name, ATTACKS)
            if getattr(self, name) is None:
                raise InputError(f"eval.{name}: missing; choose it by +membership@eval.{name}={name}")
        return self

    @property
    def membership(self) -> dict[str, MembershipAttack]:
        return {name: getattr(self, name) for name in ATTACKS if name in self.attacks}

    @property
    def has_klom(self) -> bool:
        return self.klom

    def check_pools(self, experiment: Any) -> None:
        choices = experiment.choices
        for key, off, is_on in (("eval.attacks", "[]", self.attacks), ("eval.klom", "false", self.klom)):
            if is_on and experiment.model.comes_trained:
                raise InputError(
                    f"{key}: model={choices['model']} is ready-made, and there is no recipe to train others "
                    f"like it; set {key}={off}"
                )
            if is_on and isinstance(experiment.method, Checkpoint):
                raise InputError(
                    f"{key}: method={choices['method']} does not say how other models would be unlearned; "
                    f"set {key}={off}"
                )
        for attack in self.membership.values():
            attack.check(experiment.shadows.count, experiment.shadows.fraction)
        if self.klom and experiment.oracle.count < LEAST_MODELS:
            raise InputError(
                f"oracle.count: {experiment.oracle.count}; eval.klom compares so many oracles with as many "
                f"unlearned models, and under {LEAST_MODELS} they are far apart by chance alone; give "
                f"{LEAST_MODELS} or more, or eval.klom=false"
            )
