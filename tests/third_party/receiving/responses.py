"""The responses that accept a request, well or badly."""

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as messages

# No message of protobuf begins so: the number of the field does not end. Nor does any text.
GARBAGE = b"\xff" * 16


def acceptance(kind, details):
    if kind != "partial":
        return messages.ExportMetricsServiceResponse()
    return partial(int(details[0]), details[1])


def partial(rejected, message):
    success = messages.ExportMetricsPartialSuccess(rejected_data_points=rejected, error_message=message)
    return messages.ExportMetricsServiceResponse(partial_success=success)


def big():
    """A warning of 5 MB, more than any client should be willing to read."""
    return partial(0, "x" * 5_000_000)
