"""CoOp: the words before a class' name are learnt."""

from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.clip.adapter_tuning import AdapterTask, AdapterTuning
from unlearn_cli.models.clip.prompts import Prompted, TextPrompts, check_context
from unlearn_cli.models.clip.zero_shot import Adapter, ZeroShotClip


class CoOp(AdapterTuning):
    """t_c is the text tower's output for [v_1 … v_n, name of c, .], v learnt (Zhou et al., IJCV 2022).

    The vision tower rests, so that no image's embedding changes.
    """

    context: int = Field(gt=0, description="n, learnable tokens before each class' name")
    words: str | None = Field(
        description="what stands before each name at first, at least n tokens, the first n of which are "
        "learnt; null = N(0, 0.02²)"
    )

    def check(self, task: AdapterTask, model: ZeroShotClip, data: ImageData, sets: Sets) -> None:
        check_context(model, "method.context", self.context, self.words)

    def adapter(self, model: ZeroShotClip) -> Adapter:
        return Prompted(text=TextPrompts(model, self.context, words=self.words))
