"""Makes the values of an event: scalars and histograms by tag."""

import math
from collections.abc import Mapping
from functools import lru_cache

from tensorboardX import summary
from tensorboardX.proto.summary_pb2 import HistogramProto, Summary

from normbench.storage.histogram_table import HistogramTable
from normbench.training.recorders.tags import ENDINGS, LayerTags


def scalar_values(scalars: Mapping[str, float]) -> list[Summary.Value]:
    """Return the finite scalars by tag; TensorBoard cannot show others, which the CSV files hold."""
    return [
        Summary.Value(tag=_plain_tag(tag), simple_value=value) for tag, value in scalars.items() if math.isfinite(value)
    ]


def histogram_values(table: HistogramTable, tags: LayerTags) -> list[Summary.Value]:
    """Return the histograms of a table's only step, and the share of values that are not finite where there are any.

    Of a tensor that is hidden the share alone is shown.
    """
    values, edges, counts = list[Summary.Value](), table.right_edges[0], table.counts[0]
    is_kept = counts > 0
    is_kept[:, :-1] |= counts[:, 1:] > 0  # of empty bins in a row the last, which TensorBoard draws as all of them
    for i, (kind, name) in enumerate(zip(table.kinds, table.names, strict=True)):
        tag, num, num_nonfinite = tags.tag(kind, name), table.num[0, i], table.num_nonfinite[0, i]
        if num_nonfinite:
            values += scalar_values({f"nonfinite_share/{tag}": num_nonfinite / (num + num_nonfinite)})
        if num and (kind not in ENDINGS or name not in tags.hidden):
            bins = {"bucket_limit": edges[i, is_kept[i]].tolist(), "bucket": counts[i, is_kept[i]].tolist()}
            sums = {key: getattr(table, key)[0, i] for key in ("min", "max", "sum", "sum_squares")}
            values.append(Summary.Value(tag=tag, histo=HistogramProto(num=num, **sums, **bins)))
    return values


@lru_cache(maxsize=10_000)
def _plain_tag(tag: str) -> str:
    """Return a tag as tensorboardX writes it, without characters that were once forbidden."""
    return str(summary.scalar(tag, 0.0).value[0].tag)
