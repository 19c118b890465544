"""Splits problems into training and held-out ones. The content of a prompt decides, so that evaluation never meets a
problem that training saw."""

import zlib

HELD_OUT_SHARE = 20  # one problem of this many is held out


def is_held_out(key):
    return zlib.crc32(key.encode()) % HELD_OUT_SHARE == 0


def draw(rng, held_out, sample, key_of):
    """Returns the first sample(rng) whose key lies on the wanted side of the split."""
    while True:
        value = sample(rng)
        if is_held_out(key_of(value)) == held_out:
            return value
