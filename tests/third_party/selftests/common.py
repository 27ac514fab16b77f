"""What the tests share: the receiver as a process, clients, and a request."""

import json
import subprocess
import sys
import tempfile
import unittest
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as messages

FOLDER = Path(__file__).parent.parent
EXPORT = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
PATIENCE = 10


def request(name="events"):
    """A request with a sum in it, long enough for gRPC to find that compression pays."""
    request = messages.ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name, description="x" * 500)
    metric.sum.aggregation_temporality = 2
    metric.sum.data_points.add(start_time_unix_nano=1, time_unix_nano=2**60, as_int=7)
    return request


REQUEST = request().SerializeToString()
# The same as OTLP has it, with enumerations as numbers.
REQUEST_JSON = json_format.MessageToJson(request(), use_integers_for_enums=True).encode()


class Receiver:
    def __init__(self, out, arguments, answers):
        self.out = out
        command = [sys.executable, FOLDER / "receiver.py", *arguments, out, *answers]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        words = self.process.stdout.readline().decode().split()
        if words[:1] != ["listening"]:
            raise AssertionError(self.wait())
        self.port = int(words[1])
        others = dict(zip(words[2::2], words[3::2]))
        self.http_port, self.unix = int(others.get("http", 0)), others.get("unix")

    def kill(self):
        self.process.kill()
        self.wait()

    def wait(self):
        """Returns how the process ended, and what it complained of."""
        if not self.process.stderr.closed:
            self.process.stdin.close()
            self.process.stdout.close()
            with self.process.stderr as stderr:
                self.complaints = stderr.read().decode()
        return self.process.wait(PATIENCE), self.complaints

    def lines(self):
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def answers(self):
        return [line["answer"] for line in self.lines()]


class Test(unittest.TestCase):
    def setUp(self):
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))

    def receiver(self, *answers, arguments=()):
        receiver = Receiver(self.folder / "received.jsonl", ["--http-port", "0", *arguments], answers)
        self.stack.callback(receiver.kill)
        return receiver

    def grpc(self, receiver, credentials=None, target=None, **options):
        """Sends the bytes of a request over gRPC, and returns those of the response."""
        target = target or f"localhost:{receiver.port}"
        options = {"options": [("grpc.max_receive_message_length", -1)]} | options
        if credentials:
            channel = grpc.secure_channel(target, credentials, **options)
        else:
            channel = grpc.insecure_channel(target, **options)
        self.stack.enter_context(channel)
        export = channel.unary_unary(EXPORT)
        return lambda body=REQUEST, timeout=PATIENCE, **how: export(body, timeout=timeout, **how)

    def http(self, receiver, context=None):
        port = receiver.http_port
        if context:
            client = HTTPSConnection("localhost", port, timeout=PATIENCE, context=context)
        else:
            client = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.stack.callback(client.close)
        return client


def post(client, body=REQUEST, media=PROTOBUF, **headers):
    """Sends a request over HTTP, and returns the response and its body."""
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    client.request("POST", "/v1/metrics", body, {"Content-Type": media} | headers)
    response = client.getresponse()
    return response, response.read()


def accepted(body, media=PROTOBUF):
    """The message of the response."""
    response = messages.ExportMetricsServiceResponse()
    return json_format.Parse(body, response) if media == JSON else response.FromString(body)
