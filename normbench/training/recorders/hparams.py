"""Makes the values of an event that TensorBoard's HParams page reads: a run's settings, and how it ended."""

import time
from collections.abc import Mapping
from typing import Any

from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata


def settings_value(settings: Mapping[str, Any], group: str) -> Summary.Value:
    """Return a run's settings; TensorBoard averages the runs of one group.

    Without an experiment summary beside it, of which it reads only the first, it takes all settings of all runs.
    """
    info = SessionStartInfo(group_name=group, start_time_secs=time.time())
    for key, value in settings.items():
        if isinstance(value, bool):
            info.hparams[key].bool_value = value
        elif isinstance(value, int | float):
            info.hparams[key].number_value = value
        elif value is not None:
            info.hparams[key].string_value = str(value)
    return _plugin_value("_hparams_/session_start_info", HParamsPluginData(session_start_info=info))


def end_value(*, succeeded: bool) -> Summary.Value:
    """Return how a run ended."""
    status = Status.Value("STATUS_SUCCESS" if succeeded else "STATUS_FAILURE")
    end = SessionEndInfo(status=status, end_time_secs=time.time())
    return _plugin_value("_hparams_/session_end_info", HParamsPluginData(session_end_info=end))


def _plugin_value(tag: str, data: HParamsPluginData) -> Summary.Value:
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    return Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))
