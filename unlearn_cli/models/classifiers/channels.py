"""The first layer of a network says how many channels its images have."""

from collections.abc import Mapping

from torch import Tensor, nn


def first_conv(net: nn.Module) -> str:
    """Name of the convolution that the images go into, the first to be defined."""
    return next(name for name, module in net.named_modules() if isinstance(module, nn.Conv2d))


def channels_of(state: Mapping[str, Tensor], layer: str) -> int | None:
    """Channels that the weights of that layer read; None: the file has no such layer. Wrappers' prefixes of
    the names do not count."""
    weight = f"{layer}.weight"
    found = next((one for name, one in state.items() if f".{name}".endswith(f".{weight}")), None)
    return found.shape[1] if found is not None and found.ndim == 4 else None


def set_channels(net: nn.Module, channels: int) -> None:
    """Have the first convolution read so many channels, freshly initialised; three stay as they are."""
    name = first_conv(net)
    parent, _, leaf = name.rpartition(".")
    old = net.get_submodule(name)
    assert isinstance(old, nn.Conv2d)
    if old.in_channels == channels:
        return
    form = (old.out_channels, old.kernel_size, old.stride, old.padding, old.dilation)
    new = nn.Conv2d(channels, *form, bias=old.bias is not None)  # type: ignore[arg-type]
    setattr(net.get_submodule(parent), leaf, new)
