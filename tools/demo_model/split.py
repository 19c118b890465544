"""Training or held out: decided by the content of a prompt, so that evaluation never meets what training saw."""

import zlib

HELD_OUT_SHARE = 20  # one of this many


def is_held_out(key):
    return zlib.crc32(key.encode()) % HELD_OUT_SHARE == 0


def draw(rng, held_out, sample, key_of):
    """The first sample(rng) whose key lies on the wanted side."""
    while True:
        value = sample(rng)
        if is_held_out(key_of(value)) == held_out:
            return value
