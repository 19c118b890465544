"""Packs several documents into each row of fixed length. Three empty places between documents keep the window of the
convolution (four tokens) inside one document. Segments tell attention and the recurrent state where a document begins.
"""

import random

import numpy as np

import dialogs

GAP = 3


class Packer:
    """An endless stream of batches: ids, segments (0 is empty) and weights, each [rows, length]."""

    def __init__(self, encoder, rows, length, seed, held_out=False, kind=None):
        self.encoder, self.rows, self.length = encoder, rows, length
        self.held_out, self.kind = held_out, kind
        self.rng, self.waiting = random.Random(seed), []

    def next_document(self, room):
        """Returns the first waiting document that fits into the room. Returns None if none fits: the row is full."""
        while len(self.waiting) < 64:
            ids, weights = self.encoder.document(dialogs.document(self.rng, self.held_out, self.kind))
            if len(ids) <= self.length:
                self.waiting.append((ids, weights))
        for i, (ids, _) in enumerate(self.waiting):
            if len(ids) <= room:
                return self.waiting.pop(i)
        return None

    def row(self):
        ids = np.full(self.length, self.encoder.end_of_text, np.int16)
        segments, weights = np.zeros(self.length, np.int16), np.zeros(self.length, np.float16)
        at, segment = 0, 0
        while (document := self.next_document(self.length - at)) is not None:
            segment, end = segment + 1, at + len(document[0])
            ids[at:end], segments[at:end], weights[at:end] = document[0], segment, document[1]
            at = end + GAP
        return ids, segments, weights

    def batch(self):
        return tuple(np.stack(part) for part in zip(*(self.row() for _ in range(self.rows))))
