"""What batches share is made once for the same key, and forgotten when newer arrays need the memory."""

from __future__ import annotations

import numpy as np
import pytest

from fieldshift.engines import kernel_memory
from fieldshift.engines.kernel_memory import remembered


def test_an_array_is_made_once_for_a_key_and_cannot_be_written():
    made = []

    def make():
        made.append(1)
        return np.arange(3)

    first = remembered(("test", "once"), make)
    assert remembered(("test", "once"), make) is first
    assert len(made) == 1
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 7
    assert remembered(("test", "another"), make) is not first


def test_the_array_asked_for_longest_ago_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(kernel_memory, "_SHARED_BYTES", 2 * 800)
    monkeypatch.setattr(kernel_memory, "_SHARED", type(kernel_memory._SHARED)())
    kept = [remembered(name, lambda: np.zeros(100)) for name in "ab"]
    assert remembered("a", lambda: np.ones(100)) is kept[0]
    remembered("c", lambda: np.zeros(100))
    assert remembered("a", lambda: np.ones(100)) is kept[0]
    assert remembered("b", lambda: np.ones(100))[0] == 1.0
