"""What was received, as one line of JSON for each request:

    time            when, in seconds since 1970
    answer          the first word of the answer, or `invalid`, or `given up` if the client left before a slow answer
    transport       `grpc`, `http/protobuf` or `http/json`
    path            of the request
    encoding        the compression on the wire, such as `gzip`, or null
    tls             whether the connection was encrypted
    client          the subject of the client certificate, or null
    headers         by their names in lower case
    request         as protobuf's own mapping to JSON has it; null if it was not read or is invalid
    flaws           what OTLP forbids although the decoder reads it
    error           of an invalid request
"""

import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass, field

from google.protobuf.json_format import MessageToDict


@dataclass
class Connection:
    tls: bool = False
    client: str | None = None


@dataclass
class Arrival:
    transport: str
    path: str
    encoding: str | None
    headers: dict
    connection: Connection
    flaws: list = field(default_factory=list)


class Log:
    """The script of answers, and the file. Both advance together."""

    def __init__(self, out, append, script):
        self.script = list(script)
        self.lock = threading.Lock()
        self.file = os.open(out, os.O_RDWR | os.O_CREAT | os.O_APPEND | (0 if append else os.O_TRUNC), 0o644)
        self.drop_torn_line()

    def drop_torn_line(self):
        """Who was killed within a line had not acknowledged it."""
        size = end = os.fstat(self.file).st_size
        while end:
            start = max(0, end - 65536)
            newline = os.pread(self.file, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            os.ftruncate(self.file, end)

    def next_answer(self, only=None):
        """The next answer, as a list of its parts; with `only`, None unless it is that one."""
        with self.lock:
            if only and self.script[:1] != [only]:
                return None
            return (self.script.pop(0) if self.script else "ok").split(":", 2)

    def write(self, answer, arrival, request=None, error=None):
        """Returns once the line would outlive this process."""
        line = {"time": time.time(), "answer": answer, **asdict(arrival)} | asdict(arrival.connection)
        del line["connection"]
        line["request"] = None if request is None else MessageToDict(request)
        if error:
            line["error"] = error
        line = json.dumps(line).encode() + b"\n"
        with self.lock:
            while line:
                line = line[os.write(self.file, line) :]

    @staticmethod
    def misunderstood(answer, transport):
        print(f"the receiver cannot answer `{':'.join(answer)}` over {transport}", file=sys.stderr, flush=True)
        os._exit(2)
