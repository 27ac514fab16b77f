"""An OTLP metrics receiver that shares no code with freewheel: Google's protobuf and gRPC, Python's HTTP and TLS.

    receiver.py [OPTION ...] OUT [ANSWER ...]

    --port PORT                 of gRPC; 0, and so any, if not given
    --http-port PORT            listen for HTTP too
    --unix PATH                 listen for gRPC on a Unix domain socket too
    --certificate, --key FILE   speak TLS on both ports, as PEM says
    --client-authority FILE     and demand a client certificate of this authority
    --append                    go on with OUT instead of beginning anew

Prints `listening PORT`, followed by `http PORT` and `unix PATH` as asked for, then writes one JSON object for each
request to OUT (see receiving/log.py). Each request takes the next ANSWER, whatever it came through; after the last one
all are accepted. Ends when its standard input does. Killed and started again, it can have the same ports at once.

    ok                          accept
    partial:COUNT:MESSAGE       accept, but reject so many points
    slow:SECONDS                accept after so long
    garbage                     accept, in bytes that mean nothing
    big                         accept, in a message of 5 MB
    hang                        never answer
    reset                       gRPC: break all connections; HTTP: break this one, with the body unread

    CODE                        gRPC: fail with this status, such as UNAVAILABLE
    CODE:SECONDS                the same, with RetryInfo

    STATUS                      HTTP: fail with this status, such as 503
    STATUS:SECONDS              the same, with Retry-After
    STATUS:date:SECONDS         the same, as the date so many seconds from now
    reset-mid-body              HTTP: break the connection after half of the body of the response
    redirect                    HTTP: send the client to another path of this receiver

An answer that the transport of a request does not know ends the receiver.
"""

import argparse
import socket
import sys
import threading

from receiving import tls
from receiving.front import Front
from receiving.log import Log
from receiving.over_grpc import GrpcServer
from receiving.over_http import HttpServer


def main():
    arguments = argparse.ArgumentParser(usage=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--http-port", type=int)
    arguments.add_argument("--unix")
    arguments.add_argument("--certificate")
    arguments.add_argument("--key")
    arguments.add_argument("--client-authority")
    arguments.add_argument("--append", action="store_true")
    arguments.add_argument("out")
    arguments.add_argument("script", nargs="*")
    arguments = arguments.parse_args()
    identity = arguments.certificate, arguments.key, arguments.client_authority

    # First, so that no port of the machinery behind is the one that was asked for.
    listener = socket.create_server(("127.0.0.1", arguments.port))
    log = Log(arguments.out, arguments.append, arguments.script)
    ended = threading.Event()
    front = Front()
    grpc_server = GrpcServer(log, front, ended)
    front.listen(listener, grpc_server.port, tls.context("h2", *identity))
    listening = ["listening", str(listener.getsockname()[1])]
    if arguments.http_port is not None:
        http_server = HttpServer(arguments.http_port, log, ended, tls.context("http/1.1", *identity))
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        listening += ["http", str(http_server.server_address[1])]
    if arguments.unix:
        front.listen_unix(arguments.unix, grpc_server.port)
        listening += ["unix", arguments.unix]
    print(*listening, flush=True)
    sys.stdin.read()
    ended.set()
    grpc_server.stop()


main()
