"""Computes the checksum of TensorBoard's records, masked CRC-32C, of many bytes at once."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 256
"""Bytes whose contributions are looked up at once."""
FEWEST = 64
"""Bytes from which on this is faster than one byte after the other."""
POLYNOMIAL = 0x82F63B78
"""CRC-32C (Castagnoli, 1993), least significant bit first."""


def masked_checksum(content: bytes) -> int:
    """Return the masked CRC-32C of a record's bytes, as TensorBoard's reader expects it."""
    crc = 0xFFFFFFFF
    if len(content) < FEWEST:
        of_byte = _of_places(BLOCK - 1)
        for byte in content:
            crc = of_byte[0][(crc ^ byte) & 255] ^ (crc >> 8)
    else:
        crc = _of_blocks(content)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _of_blocks(content: bytes) -> int:
    """Return the register after some bytes: linear in the bits, so each byte adds what its value and place make of it.

    A register counts as if it were in the four bytes that follow: at the start it holds ones. Zeros before these,
    which fill the first block, add nothing.
    """
    blocks = np.zeros((-(-len(content) // BLOCK), BLOCK), dtype=np.uint8)
    flat = blocks.reshape(-1)
    start = flat.size - len(content)
    flat[start:] = np.frombuffer(content, dtype=np.uint8)
    flat[start : start + 4] ^= 0xFF
    first, second, third, fourth = _of_places(0, 1, 2, 3)
    crc = 0
    for of_block in np.bitwise_xor.reduce(_contributions()[np.arange(BLOCK), blocks], axis=1).tolist():
        carried = first[crc & 255] ^ second[crc >> 8 & 255] ^ third[crc >> 16 & 255] ^ fourth[crc >> 24]
        crc = carried ^ of_block
    return crc


@cache
def _contributions() -> NDArray[Any]:
    """Return what a byte contributes: (256 places in a block, 256 values)."""
    values: NDArray[Any] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = (values >> 1) ^ np.where(values & 1, np.uint32(POLYNOMIAL), np.uint32(0))
    table = np.empty((BLOCK, 256), dtype=np.uint32)
    table[-1] = values
    for place in range(BLOCK - 2, -1, -1):  # one byte further from the end
        table[place] = (table[place + 1] >> 8) ^ values[table[place + 1] & 255]
    return table


@cache
def _of_places(*places: int) -> list[list[int]]:
    """Return what bytes at some places of a block contribute, as lists, in which single values are found faster."""
    return [_contributions()[place].tolist() for place in places]
