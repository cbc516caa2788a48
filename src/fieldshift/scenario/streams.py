"""Names of random streams: what a draw is for, as a key that is the same on every machine."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["stream_key"]


def stream_key(seed: int, *names: str) -> int:
    """Return the 64-bit key of a stream: the same on every machine, in every process and version of Python.

    Args:
        seed: The run's seed, any whole number.
        names: What the stream is for. `("a", "b")` and `("ab",)` are different streams.
    """
    digest = blake2b(digest_size=8, person=b"fieldshift")
    for name in (str(int(seed)), *names):
        text = name.encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return int.from_bytes(digest.digest(), "little")
