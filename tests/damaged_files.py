"""Files that a broken disk, a cut transfer or an enemy has changed, for the readers' tests."""

import random

WORDS = (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80")


def mutate(data: bytes, rng: random.Random, header: int) -> bytes:
    """A few bytes set, bits flipped, stretches dropped, doubled or zeroed; half of them in the first ``header`` bytes."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 12])):
        place = rng.randrange(len(changed)) if rng.random() < 0.5 else rng.randrange(min(header, len(changed)))
        kind = rng.randrange(6)
        if kind == 0:
            changed[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind == 1:
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 2 and len(changed) > 60:
            del changed[place : place + rng.randrange(1, 9)]
        elif kind == 3:
            changed[place:place] = changed[place : place + rng.randrange(1, 30)]
        elif kind == 4:
            length = rng.randrange(1, 9)
            changed[place : place + length] = bytes(length)
        else:
            changed[place : place + 4] = rng.choice(WORDS)
    return bytes(changed)
