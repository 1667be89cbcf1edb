"""Values of a whole recipe and of a tiny model, of which a test changes some."""

SGD = {
    "epochs": 2,
    "lr": 0.1,
    "batch_size": 8,
    "optimizer": "sgd",
    "momentum": 0.9,
    "nesterov": False,
    "weight_decay": 5e-4,
    "bias_lr_factor": 1.0,
    "schedule": "constant",
    "milestones": [],
    "decay": 0.1,
    "warmup_epochs": 0,
    "warmup_lr": 1e-5,
    "clip_norm": None,
    "lookahead": None,
    "ema": None,
    "label_smoothing": 0.0,
    "parameters": None,
    "max_steps": None,
}
PLAIN = SGD | {"momentum": 0.0, "weight_decay": 0.0}
TINY_TEXT = {
    "tokens": 8,
    "text_width": 16,
    "text_layers": 1,
    "text_heads": 2,
    "channels": [8, 8],
    "attention": [True, True],
    "layers": 1,
    "head_dim": 4,
    "groups": 4,
    "label_drop": 0.1,
    "timesteps": 60,  # a multiple of the samplers' steps
    "beta_schedule": "linear",
    "prediction": "epsilon",
}
"""A text-to-image model for images of 8 x 8 pixels."""
TINY_UNET = {
    "channels": [8, 8],
    "attention": [False, True],
    "layers": 1,
    "head_dim": 4,
    "groups": 4,
    "dropout": 0.0,
    "label_drop": 0.25,
    "timesteps": 50,
    "beta_schedule": "linear",
    "prediction": "epsilon",
}
"""A class-conditional diffusion model."""
