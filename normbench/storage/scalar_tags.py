"""Names the scalars of TensorBoard by the columns of metrics.csv."""


def scalar_tag(column: str) -> str:
    """Return TensorBoard's tag for a column of metrics.csv; its quantity comes first, since TensorBoard groups by it.

    Example:
        >>> [scalar_tag(column) for column in ("test_loss", "reestimated_test_loss", "batch_loss_max", "test_f1_macro")]
        ['loss/test', 'loss/reestimated_test', 'batch_loss/max', 'f1_macro/test']
    """
    if column.startswith("batch_loss_"):
        return f"batch_loss/{column.removeprefix('batch_loss_')}"
    own = next((split for split in ("train", "validation", "test") if column.startswith(f"{split}_")), None)
    if own:
        return f"{column.removeprefix(f'{own}_')}/{own}"
    split, _, quantity = column.rpartition("_")
    return f"{quantity}/{split}" if split else quantity
