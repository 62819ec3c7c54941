"""Writes the run of TensorBoard that is about all others: a page of text per study, and the columns of HParams."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from normbench.report.board.columns import Columns

if TYPE_CHECKING:
    from tensorboard.plugins.hparams.api_pb2 import Experiment, HParamInfo

PAGE = "question, settings and answer"


def write_about_run(folder: Path, pages: Mapping[str, str], columns: Columns) -> None:
    """Write the event file into a folder that exists.

    Args:
        folder: Where it is written.
        pages: The page of each study, in markdown.
        columns: The columns of the HParams page.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    with (folder / "events.out.tfevents.0.about").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(file_version="brain.Event:2").SerializeToString())
        for summary in _summaries(pages, columns):
            writer.write(Event(step=0, summary=summary).SerializeToString())
        writer.flush()


def _summaries(pages: Mapping[str, str], columns: Columns) -> list[Any]:
    from tensorboard.plugins.hparams.api_pb2 import Experiment, MetricInfo, MetricName
    from tensorboard.plugins.text.summary_v2 import text_pb

    metrics = [MetricInfo(name=MetricName(tag=tag), display_name=tag) for tag in columns.metrics]
    settings = [_setting_info(key, values) for key, values in columns.settings.items()]
    texts = [text_pb(f"{study}/{PAGE}", text) for study, text in pages.items()]
    return [*texts, _experiment_summary(Experiment(hparam_infos=settings, metric_infos=metrics))]


def _experiment_summary(experiment: "Experiment") -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    about = metadata.create_summary_metadata(HParamsPluginData(experiment=experiment))
    value = Summary.Value(tag=metadata.EXPERIMENT_TAG, metadata=about, tensor=metadata.NULL_TENSOR)
    return Summary(value=[value])


def _setting_info(key: str, values: Sequence[Any]) -> "HParamInfo":
    """Return a setting with its domain: an interval of numbers, or the values; of mixed ones their texts."""
    from tensorboard.plugins.hparams import api_pb2

    if all(isinstance(value, bool) for value in values):
        info = api_pb2.HParamInfo(name=key, type=api_pb2.DATA_TYPE_BOOL, differs=True)
        info.domain_discrete.extend(sorted(values))
        return info
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        info = api_pb2.HParamInfo(name=key, type=api_pb2.DATA_TYPE_FLOAT64, differs=True)
        info.domain_interval.min_value, info.domain_interval.max_value = min(values), max(values)
        return info
    info = api_pb2.HParamInfo(name=key, type=api_pb2.DATA_TYPE_STRING, differs=True)
    info.domain_discrete.extend(sorted({str(value) for value in values}))
    return info
