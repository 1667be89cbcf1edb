"""Keys of an evaluation that attacks single rows."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from unlearn_cli.config.dormant import ATTACKS
from unlearn_cli.config.run_keys import Shadows
from unlearn_cli.config.settings import build
from unlearn_cli.data.names import unknown
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.base import Evaluation
from unlearn_cli.evaluation.membership.base import MembershipAttack
from unlearn_cli.methods.checkpoint import Checkpoint


class AttackedByRow(Evaluation):
    """An evaluation whose outputs have a table of logits: of each row, what does it tell of its training?"""

    attacks: list[str] = Field(
        description="attacks on single rows, by shadow models (`shadows`): ulira, rmia, iam; none: []",
    )
    ulira: MembershipAttack | None = Field(description="values of the attack, membership=ulira")
    rmia: MembershipAttack | None = Field(description="values of the attack, membership=rmia")
    iam: MembershipAttack | None = Field(description="values of the attack, membership=iam")

    @model_validator(mode="before")
    @classmethod
    def _off_where_it_says_nothing(cls, values: Any) -> Any:
        """A YAML of one's own need not know of these keys, nor does an earlier version's record."""
        return {"attacks": [], **dict.fromkeys(ATTACKS), **values}

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

    def check_pool(self, model: Any, method: Any, pool: Shadows, choices: Mapping[str, str]) -> None:
        if not self.attacks:
            return
        if model.ready_made:
            raise InputError(
                f"eval.attacks: model={choices['model']} is ready-made, and there is no recipe to train "
                "shadow models by; set eval.attacks=[]"
            )
        if isinstance(method, Checkpoint):
            raise InputError(
                f"eval.attacks: method={choices['method']} does not say how shadow models would be "
                "unlearned; set eval.attacks=[]"
            )
        for attack in self.membership.values():
            attack.check(pool.count, pool.fraction)
