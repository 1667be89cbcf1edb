"""The noising process that a scheduler of diffusers stands for."""

from inspect import signature
from typing import Any, Literal, get_args

import diffusers
from diffusers import DDIMScheduler

from unlearn_cli.errors import InputError

BetaSchedule = Literal["linear", "scaled_linear", "squaredcos_cap_v2"]
Prediction = Literal["epsilon", "v_prediction", "sample"]
SCHEDULES, PREDICTIONS = get_args(BetaSchedule), get_args(Prediction)
SPACINGS = ("leading", "trailing", "linspace")
SCHEDULER = "scheduler_config.json"
"""The scheduler's file in a folder of diffusers."""


def ddpm_process(kind: str, config: dict[str, Any], key: str, path: object, remedy: str) -> DDIMScheduler:
    """The process of a scheduler of that class of diffusers, with its betas, prediction and spacing.

    Solvers do not matter: images are drawn by DDIM, whatever the folder's own scheduler is.

    key, path: what the user has set, and to what; remedy: how a refusal ends.

    Raises:
        InputError: it noises in another way than DDPM does, or in one from which no image can be drawn.
    """

    def refused(why: str) -> InputError:
        return InputError(f"{key}: the scheduler of '{path}' cannot be honoured: {why}; {remedy}")

    scheduler = getattr(diffusers, kind, None)
    if scheduler is None or "beta_schedule" not in signature(scheduler.__init__).parameters:
        raise refused(f"{kind} has no betas, so the model does not undo the noise of DDPM")
    given = {name: p.default for name, p in signature(scheduler.__init__).parameters.items()} | config
    predicts = "flow" if given.get("use_flow_sigmas") else given.get("prediction_type", "epsilon")
    if predicts not in PREDICTIONS:
        raise refused(f"the model predicts '{predicts}', and there is {', '.join(PREDICTIONS)}")
    betas, steps = given.get("trained_betas"), given.get("num_train_timesteps")
    if betas is None and given["beta_schedule"] not in SCHEDULES:
        raise refused(f"beta_schedule is '{given['beta_schedule']}', and there is {', '.join(SCHEDULES)}")
    if betas is not None and len(betas) != steps:
        raise refused(f"trained_betas are {len(betas)}, and num_train_timesteps is {steps}")
    if given.get("thresholding"):
        raise refused("thresholding, by each image's own brightness, is not drawn with")
    if (spacing := given.get("timestep_spacing", SPACINGS[0])) not in SPACINGS:
        raise refused(f"timestep_spacing is '{spacing}', and there is {', '.join(SPACINGS)}")
    if given.get("rescale_betas_zero_snr") and predicts == "epsilon":
        raise refused(
            "rescale_betas_zero_snr with prediction_type epsilon: the last state is noise alone, and from a "
            "prediction of the noise no image follows there"
        )
    kept = signature(DDIMScheduler.__init__).parameters.keys() & given.keys() - {"self"}
    return DDIMScheduler(**{name: given[name] for name in kept})
