"""What may happen to a file: every way that a disk, another program or another version can spoil it."""

from pathlib import Path

HARMS = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "foreign": lambda content: bytes(range(256)) * 4,
    "null": lambda content: b"null\n",
    "no keys": lambda content: b"{}\n",
    "a list": lambda content: b"[1]\n",
    "nested": lambda content: b"[" * 100_000,
    "a huge number": lambda content: b'{"state": ' + b"9" * 5000 + b"}",
    "one bit": lambda content: flipped(content or b"\0", 4 * len(content)),
}


def harm(file: Path, kind: str) -> None:
    file.write_bytes(HARMS[kind](file.read_bytes()))


def flipped(content: bytes, bit: int) -> bytes:
    """With one bit the other way."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def flips(content: bytes, count: int) -> list[bytes]:
    """About so many contents with one bit the other way each, spread over the bytes and their bits."""
    bits = 8 * len(content)
    return [flipped(content, bit) for bit in range(0, bits, bits // count | 1)]
