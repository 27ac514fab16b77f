"""OTLP over HTTP/1.1, as protobuf and as JSON."""

import email.utils
import gzip
import select
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

import zstandard
from google.protobuf.json_format import MessageToJson
from google.rpc import code_pb2, status_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as messages

from receiving import otlp_json, tls
from receiving.log import Arrival, Connection
from receiving.responses import acceptance, big, GARBAGE

PROTOBUF, JSON = "application/x-protobuf", "application/json"


class HttpServer(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, port, log, ended, context):
        self.log, self.ended, self.context = log, ended, context
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self):
        # Without looking up the name of the host.
        TCPServer.server_bind(self)

    def finish_request(self, request, client_address):
        # In the thread of the connection, as the client may take its time.
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        with request:
            super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """Clients may leave; what is wrong otherwise shows in their tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Says nothing."""

    def do_POST(self):
        log = self.server.log
        media = self.headers.get_content_type()
        secured = self.server.context is not None
        connection = Connection(secured, tls.subject(self.connection.getpeercert() if secured else None))
        headers = {key.lower(): value for key, value in self.headers.items()}
        transport = "http/json" if media == JSON else "http/protobuf"
        arrival = Arrival(transport, self.path, headers.get("content-encoding"), headers, connection)
        if answer := log.next_answer(only="reset"):
            log.write(answer[0], arrival)
            return self.reset()
        body = self.body()
        # As with gRPC: what is given up at the moment of sending is not to arrive.
        time.sleep(0.02)
        if self.given_up():
            return self.leave()
        try:
            request = self.decode(media, arrival, body)
        except Exception as error:
            log.write("invalid", arrival, error=str(error))
            return self.fail(media, 400, str(error))
        kind, *details = answer = log.next_answer()
        if kind == "slow":
            self.server.ended.wait(float(details[0]))
            kind = "given up" if self.given_up() else kind
        log.write(kind, arrival, request)
        self.answer(kind, details, answer, media)

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.exactly(int(self.headers["content-length"]))
        body = b""
        while length := int(self.rfile.readline().split(b";")[0], 16):
            body += self.exactly(length)
            self.end_of_line()
        # Trailers, none of which means anything here.
        while self.rfile.readline().strip():
            pass
        return body

    def exactly(self, length):
        data = self.rfile.read(length)
        if len(data) < length:
            raise ConnectionError("the body ends too early")
        return data

    def end_of_line(self):
        if self.rfile.readline() != b"\r\n":
            raise ValueError("a chunk is longer than it says")

    @staticmethod
    def decode(media, arrival, body):
        if arrival.encoding == "gzip":
            body = gzip.decompress(body)
        elif arrival.encoding == "zstd":
            decompressor = zstandard.ZstdDecompressor().decompressobj()
            body = decompressor.decompress(body)
            if not decompressor.eof or decompressor.unused_data:
                raise ValueError("not exactly one frame of zstd")
        elif arrival.encoding:
            raise ValueError(f"unknown encoding {arrival.encoding}")
        request = messages.ExportMetricsServiceRequest()
        if media == JSON:
            arrival.flaws = otlp_json.parse(body, request)
        elif media == PROTOBUF:
            request.ParseFromString(body)
        else:
            raise ValueError(f"unknown content type {media}")
        return request

    def answer(self, kind, details, answer, media):
        if kind in ("ok", "partial", "slow"):
            self.send(200, media, self.encode(acceptance(kind, details), media))
        elif kind == "garbage":
            self.send(200, media, GARBAGE)
        elif kind == "big":
            self.send(200, media, self.encode(big(), media))
        elif kind == "hang":
            while not self.given_up() and not self.server.ended.wait(0.05):
                pass
            self.leave()
        elif kind == "given up":
            self.leave()
        elif kind == "reset-mid-body":
            body = self.encode(acceptance("partial", ["0", "half of this"]), media)
            self.send(200, media, body, sent=len(body) // 2)
            # So that the half arrives first.
            time.sleep(0.05)
            self.reset()
        elif kind == "redirect":
            self.send(307, media, b"", {"Location": "/elsewhere"})
        elif kind.isdigit():
            self.fail(media, int(kind), "as scripted", *self.retry_after(details))
        else:
            self.server.log.misunderstood(answer, "HTTP")

    @staticmethod
    def retry_after(details):
        if not details:
            return []
        if details[0] == "date":
            return [email.utils.formatdate(time.time() + float(details[1]), usegmt=True)]
        return [details[0]]

    @staticmethod
    def encode(message, media):
        return MessageToJson(message).encode() if media == JSON else message.SerializeToString()

    def fail(self, media, status, message, retry_after=None):
        code = code_pb2.INVALID_ARGUMENT if status == 400 else code_pb2.UNKNOWN
        body = self.encode(status_pb2.Status(code=code, message=message), media)
        self.send(status, media, body, {"Retry-After": retry_after} if retry_after else {})

    def send(self, status, media, body, headers={}, sent=None):
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[:sent])

    def given_up(self):
        """Whether the client has left: it has nothing to say while it waits."""
        if not select.select([self.connection], [], [], 0)[0]:
            return False
        try:
            seen = socket.socket.recv(self.connection, 1, socket.MSG_PEEK)
        except OSError:
            return True
        return not seen or self.server.context is not None

    def leave(self):
        self.close_connection = True

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.leave()
