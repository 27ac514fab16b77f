"""OTLP over gRPC."""

import time
from concurrent import futures

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as messages

from receiving.log import Arrival
from receiving.responses import acceptance, big, GARBAGE

SERVICE = "opentelemetry.proto.collector.metrics.v1.MetricsService"


class GrpcServer:
    """Listens on a port of its own, for the front."""

    def __init__(self, log, front, ended):
        self.log, self.front, self.ended = log, front, ended
        # Without SO_REUSEPORT, so that no other server can take part of the requests.
        self.server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
        # Without serializers, so that messages come and go as bytes.
        export = grpc.unary_unary_rpc_method_handler(self.export)
        self.server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"Export": export})])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def stop(self):
        self.server.stop(grace=None)

    def export(self, message, context):
        # A request that its sender gives up at the moment of sending is not to arrive: it would be accepted here and
        # unacknowledged there.
        time.sleep(0.02)
        encoding, connection = self.front.seen(message)
        if not context.is_active():
            context.abort(grpc.StatusCode.CANCELLED, "given up")
        headers = {key: str(value) for key, value in context.invocation_metadata()}
        arrival = Arrival("grpc", f"/{SERVICE}/Export", encoding, headers, connection)
        try:
            request = messages.ExportMetricsServiceRequest.FromString(message)
        except Exception as error:
            self.log.write("invalid", arrival, error=str(error))
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        kind, *details = answer = self.log.next_answer()
        if kind == "slow":
            self.ended.wait(float(details[0]))
            kind = kind if context.is_active() else "given up"
        self.log.write(kind, arrival, request)
        return self.answer(kind, details, answer, context)

    def answer(self, kind, details, answer, context):
        if kind in ("ok", "partial", "slow"):
            return acceptance(kind, details).SerializeToString()
        if kind == "garbage":
            return GARBAGE
        if kind == "big":
            return big().SerializeToString()
        if kind in ("hang", "reset"):
            if kind == "reset":
                self.front.reset()
            while context.is_active() and not self.ended.wait(0.05):
                pass
            context.abort(grpc.StatusCode.ABORTED, "the receiver ends")
        if kind == "given up":
            context.abort(grpc.StatusCode.CANCELLED, kind)
        if kind not in grpc.StatusCode.__members__:
            self.log.misunderstood(answer, "gRPC")
        status = status_pb2.Status(code=grpc.StatusCode[kind].value[0], message="as scripted")
        if details:
            delay = duration_pb2.Duration()
            delay.FromNanoseconds(int(float(details[0]) * 1e9))
            info = any_pb2.Any()
            info.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            status.details.append(info)
        context.abort_with_status(rpc_status.to_status(status))
