"""An OTLP metrics receiver that shares no code with freewheel: Google's protobuf and gRPC.

    receiver.py [--port PORT] OUT [ANSWER ...]

Prints `listening PORT`, then writes one JSON object for each request to OUT. Each request takes the next ANSWER;
after the last one all are accepted. Ends when its standard input does.

    ok                          accept
    partial:COUNT:MESSAGE       accept, but reject so many points
    CODE                        fail with this gRPC status, such as UNAVAILABLE
    CODE:SECONDS                the same, with RetryInfo
    hang                        never answer
    reset                       break all connections
"""

import argparse
import json
import socket
import struct
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as messages
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as service


class Proxy:
    """Forwards connections to the server, so that they can be broken."""

    def __init__(self, port, server_port):
        self.server_port = server_port
        self.lock = threading.Lock()
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.server_port))
            with self.lock:
                self.open += [client, server]
            for source, sink in [(client, server), (server, client)]:
                threading.Thread(target=self.forward, args=(source, sink), daemon=True).start()

    @staticmethod
    def forward(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def reset(self):
        with self.lock:
            connections, self.open = self.open, []
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                # Wakes the thread that reads from it; without that the socket would stay open.
                connection.shutdown(socket.SHUT_RD)
            except OSError:
                pass
            connection.close()


class Receiver(service.MetricsServiceServicer):
    def __init__(self, out, script):
        self.out = open(out, "w", encoding="utf-8", buffering=1)
        self.script = list(script)
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.proxy = None

    def Export(self, request, context):
        # A request that its sender gives up at the moment of sending is not to arrive: it would be accepted here and
        # unacknowledged there.
        time.sleep(0.02)
        if not context.is_active():
            context.abort(grpc.StatusCode.CANCELLED, "given up")
        with self.lock:
            answer = self.script.pop(0) if self.script else "ok"
            kind, *details = answer.split(":", 2)
            record = {
                "answer": kind,
                "metadata": {key: str(value) for key, value in context.invocation_metadata()},
                "request": MessageToDict(request),
            }
            self.out.write(json.dumps(record) + "\n")
        if kind == "ok":
            return messages.ExportMetricsServiceResponse()
        if kind == "partial":
            partial = messages.ExportMetricsPartialSuccess(
                rejected_data_points=int(details[0]), error_message=details[1]
            )
            return messages.ExportMetricsServiceResponse(partial_success=partial)
        if kind in ("hang", "reset"):
            if kind == "reset":
                self.proxy.reset()
            self.ended.wait()
            context.abort(grpc.StatusCode.ABORTED, "the receiver ends")
        status = status_pb2.Status(code=grpc.StatusCode[kind].value[0], message="as scripted")
        if details:
            delay = duration_pb2.Duration()
            delay.FromNanoseconds(int(float(details[0]) * 1e9))
            info = any_pb2.Any()
            info.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
            status.details.append(info)
        context.abort_with_status(rpc_status.to_status(status))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("out")
    arguments.add_argument("script", nargs="*")
    arguments = arguments.parse_args()

    receiver = Receiver(arguments.out, arguments.script)
    # Without SO_REUSEPORT, so that no other server can take part of the requests.
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
    service.add_MetricsServiceServicer_to_server(receiver, server)
    server_port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    receiver.proxy = Proxy(arguments.port, server_port)
    print(f"listening {receiver.proxy.port}", flush=True)
    sys.stdin.read()
    receiver.ended.set()
    server.stop(grace=None)


main()
