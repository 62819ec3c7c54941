"""Numerics: what torch is set to while a run is made."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Numerics:
    """Settings of torch that decide bits; all of them belong to a run's identity.

    Attributes:
        threads: Threads of one operation; sums over several are taken in another order.
        flush_denormal: Numbers below 1.2e-38 count as 0 on the CPU; they slow a matrix product a hundred times.
        deterministic: Only algorithms that give the same bits again; torch warns where it has none.
        default_dtype: Of tensors that name none.
        tf32: Matrix products and convolutions on a GPU may round their factors to 10 bits.
        transformer_fast_path: ``torch.nn.TransformerEncoderLayer`` may skip its own submodules in evaluation.
    """

    threads: int = 1
    flush_denormal: bool = True
    deterministic: bool = True
    default_dtype: str = "float32"
    tf32: bool = False
    transformer_fast_path: bool = False

    def changed(self) -> dict[str, Any]:
        """Return what differs from the defaults."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
