"""What clients of gRPC connect to: ends TLS, looks at the messages as they are on the wire, and can break connections.

gRPC for Python does not say how a message was compressed, so the front notes it under the digest of the message.
"""

import asyncio
import hashlib
import socket
import struct
import threading
import zlib
from collections import defaultdict

from receiving import tls
from receiving.log import Connection

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Types of frames, and flags (RFC 9113, section 6).
DATA, RST_STREAM = 0, 3
END_STREAM, PADDED = 1, 8


class Wire:
    """What a client says in HTTP/2, as far as it is data."""

    def __init__(self, finished):
        self.finished = finished
        self.unread = b""
        self.skip = len(PREFACE)
        self.streams = defaultdict(bytearray)

    def feed(self, data):
        self.unread += data
        if self.skip:
            if len(self.unread) < self.skip:
                return
            self.unread, self.skip = self.unread[self.skip :], 0
        while len(self.unread) >= 9:
            length = int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < 9 + length:
                return
            kind, flags, stream = self.unread[3], self.unread[4], int.from_bytes(self.unread[5:9], "big") & 0x7FFFFFFF
            payload, self.unread = self.unread[9 : 9 + length], self.unread[9 + length :]
            self.frame(kind, flags, stream, payload)

    def frame(self, kind, flags, stream, payload):
        if kind == RST_STREAM:
            self.streams.pop(stream, None)
        elif kind == DATA:
            if flags & PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            self.streams[stream] += payload
            if flags & END_STREAM:
                self.finished(bytes(self.streams.pop(stream)))


def message_of(body):
    """The encoding and the message of a gRPC body: a flag, four bytes of length, the message."""
    compressed, message = body[:1] == b"\1", body[5:]
    if not compressed:
        return None, message
    encoding = "gzip" if message.startswith(b"\x1f\x8b") else "deflate"
    # 32: either header.
    return encoding, zlib.decompress(message, 32 + zlib.MAX_WBITS)


class Front:
    def __init__(self):
        self.lock = threading.Lock()
        self.noted = defaultdict(list)
        self.transports = set()
        self.loop = asyncio.new_event_loop()
        # Handshakes that fail are the client's affair.
        self.loop.set_exception_handler(lambda *_: None)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def listen(self, listener, back, context):
        self.run(asyncio.start_server(self.forwarder(back), sock=listener, ssl=context, backlog=128))

    def listen_unix(self, path, back):
        self.run(asyncio.start_unix_server(self.forwarder(back), path))

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def seen(self, message):
        """How this message came: its encoding, and the connection."""
        with self.lock:
            digest = hashlib.sha256(message).digest()
            ways = self.noted[digest]
            way = ways.pop(0)
            if not ways:
                del self.noted[digest]
            return way

    def reset(self):
        def break_all():
            for transport in self.transports:
                connection = transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()

        self.loop.call_soon_threadsafe(break_all)

    def forwarder(self, back):
        async def forward(from_client, to_client):
            security = to_client.get_extra_info("ssl_object")
            if security and security.selected_alpn_protocol() != "h2":
                to_client.transport.abort()
                return
            connection = Connection(bool(security), tls.subject(to_client.get_extra_info("peercert")))
            from_server, to_server = await asyncio.open_connection("127.0.0.1", back)
            wire = Wire(lambda body: self.note(body, connection))
            transports = {to_client.transport, to_server.transport}
            self.transports |= {to_client.transport}
            both = self.copy(from_client, to_server, wire.feed), self.copy(from_server, to_client, lambda _: None)
            await asyncio.gather(*both)
            self.transports -= {to_client.transport}
            for transport in transports:
                transport.close()

        return forward

    def note(self, body, connection):
        try:
            encoding, message = message_of(body)
        except zlib.error:
            return
        with self.lock:
            self.noted[hashlib.sha256(message).digest()].append((encoding, connection))

    @staticmethod
    async def copy(source, sink, look):
        try:
            while data := await source.read(65536):
                look(data)
                sink.write(data)
                await sink.drain()
            if sink.can_write_eof():
                sink.write_eof()
            else:
                sink.close()
        except OSError:
            sink.transport.abort()
