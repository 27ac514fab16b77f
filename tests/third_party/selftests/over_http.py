import email.utils
import gzip
import json
import time
from http.client import IncompleteRead, RemoteDisconnected

import zstandard
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from selftests.common import JSON, PROTOBUF, REQUEST, REQUEST_JSON, Test, accepted, post

BODIES = {PROTOBUF: REQUEST, JSON: REQUEST_JSON}


class OverHttp(Test):
    def test_protobuf_and_json_arrive_the_same(self):
        receiver = self.receiver()
        client = self.http(receiver)
        response, body = post(client, x_tenant="north")
        self.assertEqual((response.status, response.headers["content-type"], body), (200, PROTOBUF, b""))
        response, body = post(client, REQUEST_JSON, JSON)
        self.assertEqual((response.status, response.headers["content-type"], body), (200, JSON, b"{}"))
        binary, text = receiver.lines()
        self.assertEqual((binary["transport"], text["transport"]), ("http/protobuf", "http/json"))
        self.assertEqual((binary["path"], binary["encoding"], binary["tls"]), ("/v1/metrics", None, False))
        self.assertEqual((binary["headers"]["x-tenant"], text["flaws"]), ("north", []))
        self.assertEqual(binary["request"], text["request"])
        metric = text["request"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
        self.assertEqual(metric["sum"]["dataPoints"][0]["asInt"], "7")

    def test_both_compressions_are_undone(self):
        receiver = self.receiver()
        for body, media in [(REQUEST, PROTOBUF), (REQUEST_JSON, JSON)]:
            client = self.http(receiver)
            streamed = zstandard.ZstdCompressor().compressobj()
            for encoding, compressed in [
                ("gzip", gzip.compress(body)),
                ("zstd", zstandard.compress(body)),
                # Without the length of the contents.
                ("zstd", streamed.compress(body) + streamed.flush()),
            ]:
                self.assertEqual(post(client, compressed, media, content_encoding=encoding)[0].status, 200)
        self.assertEqual([line["encoding"] for line in receiver.lines()], ["gzip", "zstd", "zstd"] * 2)
        self.assertTrue(all(line["request"] == receiver.lines()[0]["request"] for line in receiver.lines()))

    def test_what_is_no_request_is_refused(self):
        receiver = self.receiver()
        client = self.http(receiver)
        short = {"gzip": gzip.compress(REQUEST)[:-1], "zstd": zstandard.compress(REQUEST)[:-1], "br": REQUEST}
        for encoding, body in short.items():
            self.assertEqual(post(client, body, content_encoding=encoding)[0].status, 400)
        self.assertEqual(post(client, b"\xff" * 9)[0].status, 400)
        self.assertEqual(post(client, b"{", JSON)[0].status, 400)
        self.assertEqual(post(client, b'{"resourceMetrics": NaN}', JSON)[0].status, 400)
        self.assertEqual(post(client, b'{"unknown": 1}', JSON)[0].status, 400)
        self.assertEqual(post(client, REQUEST, "text/plain")[0].status, 400)
        self.assertEqual(receiver.answers(), ["invalid"] * 8)

    def test_flaws_of_json_are_written_down(self):
        receiver = self.receiver()
        data = '{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": %s}]}]}]}'
        temporality = '{"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA"}'
        number, snake = '{"dataPoints": [{"timeUnixNano": 12}]}', '{"data_points": []}'
        client = self.http(receiver)
        for flawed in (temporality, number, snake):
            self.assertEqual(post(client, (data % flawed).encode(), JSON)[0].status, 200)
        self.assertEqual(
            [line["flaws"] for line in receiver.lines()],
            [
                ["aggregationTemporality is not a number"],
                ["timeUnixNano is not a string"],
                ["data_points is not in lowerCamelCase"],
            ],
        )

    def test_identifiers_in_json_are_hexadecimal(self):
        receiver = self.receiver()
        point = {"exemplars": [{"traceId": "00" * 15 + "ff", "spanId": "01" * 8}]}
        metrics = [{"name": "a", "sum": {"dataPoints": [point]}}]
        body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
        post(self.http(receiver), body, JSON)
        metric = receiver.lines()[0]["request"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
        (exemplar,) = metric["sum"]["dataPoints"][0]["exemplars"]
        self.assertEqual((exemplar["traceId"], exemplar["spanId"]), ("A" * 20 + "/w==", "AQEBAQEBAQE="))

    def test_a_connection_serves_many_requests_in_either_framing(self):
        receiver = self.receiver("ok", "503", "ok", "ok")
        client = self.http(receiver)
        post(client)
        connection = client.sock
        post(client)
        half = len(REQUEST) // 2
        # Without a Content-Length, http.client sends chunks.
        response, _ = post(client, iter([REQUEST[:half], REQUEST[half:]]))
        self.assertEqual(response.status, 200)
        post(client)
        self.assertIs(client.sock, connection)
        lines = receiver.lines()
        self.assertEqual(receiver.answers(), ["ok", "503", "ok", "ok"])
        self.assertEqual(lines[2]["headers"]["transfer-encoding"], "chunked")
        self.assertEqual(lines[2]["request"], lines[0]["request"])

    def test_chunks_may_have_extensions_and_trailers(self):
        receiver = self.receiver()
        client = self.http(receiver)
        client.connect()
        length = len(REQUEST)
        client.sock.sendall(
            b"POST /v1/metrics HTTP/1.1\r\nhost: here\r\ncontent-type: application/x-protobuf\r\n"
            b"transfer-encoding: chunked\r\n\r\n%x;a=b\r\n%b\r\n0\r\nx: y\r\n\r\n" % (length, REQUEST)
        )
        self.assertTrue(client.sock.recv(1000).startswith(b"HTTP/1.1 200 "))
        post(client)
        self.assertEqual(receiver.answers(), ["ok", "ok"])

    def test_partial_success_says_what_was_rejected(self):
        client = self.http(self.receiver(*["partial:3:too: old"] * 2))
        for media, body in BODIES.items():
            success = accepted(post(client, body, media)[1], media).partial_success
            self.assertEqual((success.rejected_data_points, success.error_message), (3, "too: old"))

    def test_statuses_come_with_a_status_message(self):
        client = self.http(self.receiver("400", "503"))
        response, body = post(client)
        self.assertEqual((response.status, response.headers["retry-after"]), (400, None))
        self.assertEqual(status_pb2.Status.FromString(body).message, "as scripted")
        response, body = post(client, REQUEST_JSON, JSON)
        self.assertEqual((response.status, Parse(body, status_pb2.Status()).message), (503, "as scripted"))

    def test_retry_after_is_seconds_or_a_date(self):
        client = self.http(self.receiver("429:7", "503:date:100"))
        self.assertEqual(post(client)[0].headers["retry-after"], "7")
        response, _ = post(client)
        date = email.utils.parsedate_to_datetime(response.headers["retry-after"])
        self.assertTrue(response.headers["retry-after"].endswith(" GMT"))
        self.assertTrue(95 < date.timestamp() - time.time() <= 100)

    def test_a_slow_answer_comes_later(self):
        receiver = self.receiver("slow:0.3", "slow:0.5")
        client = self.http(receiver)
        begun = time.monotonic()
        self.assertEqual(post(client)[0].status, 200)
        self.assertGreater(time.monotonic() - begun, 0.3)
        client.sock.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            post(client)
        client.close()
        time.sleep(0.5)
        self.assertEqual(receiver.answers(), ["slow", "given up"])

    def test_a_hanging_answer_never_comes(self):
        receiver = self.receiver("hang")
        client = self.http(receiver)
        client.timeout = 0.3
        with self.assertRaises(TimeoutError):
            post(client)
        self.assertEqual(post(self.http(receiver))[0].status, 200)

    def test_reset_breaks_the_connection_with_the_body_unread(self):
        receiver = self.receiver("reset")
        with self.assertRaises((ConnectionResetError, BrokenPipeError, RemoteDisconnected)):
            post(self.http(receiver), b"\0" * (1 << 24))
        self.assertEqual(post(self.http(receiver))[0].status, 200)
        self.assertEqual([(line["answer"], bool(line["request"])) for line in receiver.lines()], [("reset", False), ("ok", True)])

    def test_reset_mid_body_breaks_the_connection_within_the_response(self):
        receiver = self.receiver("reset-mid-body")
        client = self.http(receiver)
        client.request("POST", "/v1/metrics", REQUEST, {"Content-Type": PROTOBUF})
        response = client.getresponse()
        self.assertEqual(response.status, 200)
        length = int(response.headers["content-length"])
        with self.assertRaises((ConnectionResetError, IncompleteRead)):
            response.read()
        self.assertGreater(length, 1)
        self.assertEqual(receiver.answers(), ["reset-mid-body"])

    def test_garbage_is_no_message(self):
        client = self.http(self.receiver("garbage", "garbage"))
        response, body = post(client)
        self.assertEqual(response.status, 200)
        with self.assertRaises(DecodeError):
            accepted(body)
        with self.assertRaises((ParseError, UnicodeDecodeError)):
            accepted(post(client, REQUEST_JSON, JSON)[1], JSON)

    def test_a_big_answer_is_a_message(self):
        client = self.http(self.receiver("big", "big"))
        for media, body in BODIES.items():
            self.assertEqual(len(accepted(post(client, body, media)[1], media).partial_success.error_message), 5_000_000)

    def test_a_redirect_leads_elsewhere(self):
        receiver = self.receiver("redirect")
        client = self.http(receiver)
        response, _ = post(client)
        self.assertEqual((response.status, response.headers["location"]), (307, "/elsewhere"))
        client.request("POST", response.headers["location"], REQUEST, {"Content-Type": PROTOBUF})
        self.assertEqual(client.getresponse().status, 200)
        self.assertEqual([line["path"] for line in receiver.lines()], ["/v1/metrics", "/elsewhere"])

    def test_an_answer_of_grpc_ends_the_receiver(self):
        receiver = self.receiver("UNAVAILABLE")
        with self.assertRaises((ConnectionResetError, RemoteDisconnected)):
            post(self.http(receiver))
        code, complaints = receiver.wait()
        self.assertEqual(code, 2)
        self.assertIn("cannot answer `UNAVAILABLE` over HTTP", complaints)
