"""Numerics: the settings of torch that decide the bits of a run."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Numerics:
    """Settings of torch that decide the bits of a run; all of them are part of its identity.

    Attributes:
        threads: Threads of one operation; each number of threads adds in another order.
        flush_denormal: Replace numbers below 1.2e-38 by 0 on the CPU, where they make matrix products 100 times slower.
        deterministic: Use only algorithms that give the same bits each time; torch warns where it has none.
        default_dtype: Dtype of tensors that are made without one.
        tf32: Let matrix products and convolutions on a GPU round their factors to 10 bits.
        transformer_fast_path: Let ``torch.nn.TransformerEncoderLayer`` skip its submodules in evaluation.
    """

    threads: int = 1
    flush_denormal: bool = True
    deterministic: bool = True
    default_dtype: str = "float32"
    tf32: bool = False
    transformer_fast_path: bool = False

    def changed(self) -> dict[str, Any]:
        """Return the settings that are not at their default."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
