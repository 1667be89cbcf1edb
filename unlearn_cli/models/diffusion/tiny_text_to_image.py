"""A text-to-image model of Stable Diffusion's make, small enough to be trained from nothing on a CPU."""

from typing import ClassVar

from diffusers import DDIMScheduler, UNet2DConditionModel
from pydantic import Field
from transformers import CLIPTextConfig, CLIPTextModel

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.models.diffusion.tokenizer import trained_tokenizer
from unlearn_cli.models.diffusion.unet_shape import UNetShape
from unlearn_cli.models.diffusion.unshuffle import PixelUnshuffle


class TinyTextToImage(UNetShape):
    """A CLIP text encoder and a UNet with cross-attention, trained together; captions make the tokenizer."""

    tasks: ClassVar[tuple[str, ...]] = ("text_to_image",)

    tokens: int = Field(gt=2, description="longest prompt in tokens, start and end included")
    text_width: int = Field(gt=0, description="width of the text encoder, and of what cross-attention reads")
    text_layers: int = Field(gt=0, description="blocks of the text encoder")
    text_heads: int = Field(gt=0, description="attention heads of the text encoder; divides `text_width`")

    def build(self, images: ImageSpec) -> TextToImage:
        """As `ModelSettings.build`; the classes are the captions. The task scales images to [-1, 1].

        Raises:
            InputError: levels that do not fit each other or the images.
        """
        self.check_levels(images.size, halvings=len(self.channels))  # the autoencoder halves once, too
        if self.text_width % self.text_heads:
            raise InputError(
                f"model.text_heads: {self.text_heads} does not divide model.text_width={self.text_width}; "
                "give a divisor"
            )
        tokenizer = trained_tokenizer(images.classes, self.tokens)
        text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=self.text_width,
                intermediate_size=2 * self.text_width,
                num_hidden_layers=self.text_layers,
                num_attention_heads=self.text_heads,
                max_position_embeddings=self.tokens,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        latent = images.channels * 4
        unet = UNet2DConditionModel(
            sample_size=(images.size[0] // 2, images.size[1] // 2),
            in_channels=latent,
            out_channels=latent,
            layers_per_block=self.layers,
            block_out_channels=tuple(self.channels),
            down_block_types=tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in self.attention),
            up_block_types=tuple(
                "CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(self.attention)
            ),
            cross_attention_dim=self.text_width,
            attention_head_dim=tuple(width // self.head_dim for width in self.channels),
            norm_num_groups=self.groups,
        )
        process = DDIMScheduler(
            num_train_timesteps=self.timesteps,
            beta_schedule=self.beta_schedule,
            prediction_type=self.prediction,
            timestep_spacing="trailing",
            clip_sample=False,
            steps_offset=1,
        )
        vae = PixelUnshuffle(
            block_out_channels=(latent, latent), latent_channels=latent, in_channels=images.channels
        )
        return TextToImage(unet, text_encoder, vae, tokenizer, process, images.classes, self.label_drop)
