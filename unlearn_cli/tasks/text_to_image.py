"""Text-to-image generation by latent diffusion: the third family of model."""

from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.captions import as_captioned
from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.layer_output import main_output
from unlearn_cli.runtime.compute import unwrapped
from unlearn_cli.runtime.progress import Progress
from unlearn_cli.tasks.diffusion import Diffusion
from unlearn_cli.tasks.verbs.diffusion import TextToImageVerbs
from unlearn_cli.training.trainer import Trainer


class TextToImage(Diffusion):
    """Diffusion models of latents, conditioned on a prompt: a class is a caption, known by number.

    What takes a forgotten prompt's place is the same prompt with the anchor in the concept's place
    (`Batch.anchor`, from forget=concept); of a whole class the next one's prompt (forget=class).
    """

    name: ClassVar[str] = "text_to_image"
    writes_delta: ClassVar[bool] = True  # a run keeps the changed tensors, not another whole model
    prompts: ClassVar[bool] = True  # conditions are texts: what a method asks for that edits words

    caption: str = Field(
        min_length=1, description="prompt of an image whose data have no captions, columns in braces"
    )

    def as_captioned(self, data: ImageData) -> ImageData:
        """The data with prompts as their classes."""
        return as_captioned(data, self.caption)

    def facts(self) -> dict[str, Any]:
        """What of the task moves the training of an original."""
        return {"name": self.name}

    def wrong_condition(self, model: nn.Module, batch: Batch, exclude_true: bool) -> Tensor:
        """The anchor prompt."""
        if batch.anchor is None:
            raise InputError(
                "forget: this method needs an anchor in the forgotten prompts' place; "
                "use forget=concept forget.concept=… forget.anchor=…"
            )
        return batch.anchor

    def clean(self, model: nn.Module, x: Tensor, t: Tensor, output: Tensor) -> Tensor:
        """x̂_0 (B, c, h, w) of states x_t, steps (B,) and the model's outputs, whatever it predicts.

        (x_t − √(1 − ᾱ_t)·ε) / √ᾱ_t for a prediction of the noise. Not clipped.
        """
        process = unwrapped(model).process
        alpha = process.alphas_cumprod.to(x.device)[t].view(-1, 1, 1, 1).float()
        if process.config.prediction_type == "sample":
            return output.float()
        if process.config.prediction_type == "v_prediction":
            return alpha.sqrt() * x - (1 - alpha).sqrt() * output.float()
        return (x - (1 - alpha).sqrt() * output.float()) / alpha.sqrt()

    @torch.no_grad()
    def activations(
        self, model: nn.Module, layer: str, prompts: Tensor, sampler: Sampler, trainer: Trainer
    ) -> tuple[Tensor, Tensor]:
        """What a layer of the UNet puts out while the prompts (n,) are sampled: (S, n, T, d) on the CPU, half
        precision on a GPU, and the steps' timesteps (S,). With guidance, of the passes with the prompt."""
        network = unwrapped(model).eval()
        shape = network.state_shape(trainer.data.channels, trainer.data.size)
        chunks, seen = [], []

        def record(module: nn.Module, arguments: Any, output: Any) -> None:
            x = main_output(output)
            x = x.flatten(2).transpose(1, 2) if x.ndim == 4 else x
            seen.append(x[:size].cpu())

        hook = network.unet.get_submodule(layer).register_forward_hook(record)
        with hook, Progress("recording", len(prompts), enabled=trainer.progress) as bar:
            for number, part in enumerate(prompts.split(sampler.batch_size)):
                trainer.seeded("activations", number)
                seen.clear()
                size = len(part)
                sampler.sample(network, torch.randn(size, *shape), part, trainer.compute)
                chunks.append(torch.stack(seen))
                bar.advance()
        trainer.count_passes(len(prompts) * len(seen), 0)
        return torch.cat(chunks, dim=1), network.process.timesteps.cpu()

    def token_positions(self, model: nn.Module, prompts: Tensor, words: str) -> Tensor:
        """(B, L) bool: where the words stand in the prompts (B,) after tokenization."""
        return unwrapped(model).shared.positions(prompts.cpu(), words).to(prompts.device)

    def token_embeddings(self, model: nn.Module, prompts: Tensor) -> Tensor:
        """(B, L, D): the prompts (B,) as the text encoder's input, before positions are added."""
        network = unwrapped(model)
        ids = network.shared.ids[prompts.cpu()].to(prompts.device)
        return network.text_encoder.get_input_embeddings()(ids)


_: type[TextToImageVerbs] = TextToImage  # what it claims, mypy verifies
