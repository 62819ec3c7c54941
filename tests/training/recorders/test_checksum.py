"""The checksum of TensorBoard's records is tensorboardX's, whatever the bytes."""

import random

import pytest
from tensorboardX.record_writer import masked_crc32c

from normbench.training.recorders.checksum import BLOCK, FEWEST, masked_checksum

SIZES = [0, 1, 8, FEWEST - 1, FEWEST, FEWEST + 1, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 3, 2 * BLOCK, 5 * BLOCK + 17]


@pytest.mark.parametrize("size", SIZES)
def test_the_checksum_is_that_of_tensorboardx(size):
    for content in (random.Random(size).randbytes(size), bytes(size), b"\xff" * size):
        assert masked_checksum(content) == masked_crc32c(content)


def test_the_check_value_of_crc_32c_is_met():
    """Of the digits 1 to 9 it is 0xE3069283; TensorFlow rotates it by 15 bits and adds a constant."""
    crc = 0xE3069283
    assert masked_checksum(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
