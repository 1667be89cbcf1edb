"""What a vision transformer asks of images."""

from unlearn_cli.errors import InputError


def check_patches(channels: int, size: tuple[int, int], patch_size: int, what: str) -> None:
    """InputError: images that are not in colour, not square, or that the patches do not divide."""
    if channels != 3:
        raise InputError(f"data: images of {channels} channel(s), but a {what} takes 3")
    if size[0] != size[1] or size[0] % patch_size:
        raise InputError(
            f"model.patch_size: {patch_size} does not divide images of {size[0]} x {size[1]}; "
            "give a divisor of a square image's side"
        )
