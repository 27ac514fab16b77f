import time

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from selftests.common import EXPORT, Test, accepted


class OverGrpc(Test):
    def code(self, call):
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        return raised.exception.code()

    def test_a_request_is_accepted_and_written_down(self):
        receiver = self.receiver()
        self.assertEqual(self.grpc(receiver)(metadata=[("x-tenant", "north")]), b"")
        (line,) = receiver.lines()
        self.assertEqual((line["answer"], line["transport"], line["path"]), ("ok", "grpc", EXPORT))
        self.assertEqual((line["encoding"], line["tls"], line["client"], line["flaws"]), (None, False, None, []))
        self.assertEqual(line["headers"]["x-tenant"], "north")
        metric = line["request"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]
        self.assertEqual(metric["sum"]["dataPoints"][0]["asInt"], "7")

    def test_each_message_is_written_down_with_its_compression(self):
        receiver = self.receiver()
        for encoding in (grpc.Compression.Gzip, grpc.Compression.NoCompression, grpc.Compression.Deflate):
            self.grpc(receiver, compression=encoding)()
        self.assertEqual([line["encoding"] for line in receiver.lines()], ["gzip", None, "deflate"])

    def test_compression_may_change_within_a_connection(self):
        receiver = self.receiver()
        export = self.grpc(receiver)
        for encoding in (grpc.Compression.Gzip, grpc.Compression.NoCompression, grpc.Compression.Gzip):
            export(compression=encoding)
        self.assertEqual([line["encoding"] for line in receiver.lines()], ["gzip", None, "gzip"])

    def test_large_requests_arrive_in_many_frames(self):
        receiver = self.receiver()
        # Padding that the decoder skips: an unknown field.
        body = b"\xfa\x01" + b"\x80\x80\x80\x01" + b"x" * (1 << 21)
        self.grpc(receiver)(body)
        self.grpc(receiver, compression=grpc.Compression.Gzip)(body)
        self.assertEqual([line["encoding"] for line in receiver.lines()], [None, "gzip"])

    def test_a_unix_socket_serves_too(self):
        path = str(self.folder / "socket")
        receiver = self.receiver("ok", "UNAVAILABLE", arguments=["--unix", path])
        self.assertEqual(receiver.unix, path)
        export = self.grpc(receiver, target=f"unix:{path}")
        export()
        self.assertEqual(self.code(export), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(receiver.answers(), ["ok", "UNAVAILABLE"])

    def test_partial_success_says_what_was_rejected(self):
        export = self.grpc(self.receiver("partial:3:too: old"))
        success = accepted(export()).partial_success
        self.assertEqual((success.rejected_data_points, success.error_message), (3, "too: old"))

    def test_codes_come_with_and_without_retry_info(self):
        export = self.grpc(self.receiver("UNAVAILABLE", "RESOURCE_EXHAUSTED:1.5"))
        self.assertEqual(self.code(export), grpc.StatusCode.UNAVAILABLE)
        with self.assertRaises(grpc.RpcError) as raised:
            export()
        self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        (detail,) = rpc_status.from_call(raised.exception).details
        info = error_details_pb2.RetryInfo()
        self.assertTrue(detail.Unpack(info))
        self.assertEqual(info.retry_delay.ToMilliseconds(), 1500)

    def test_a_slow_answer_comes_later(self):
        receiver = self.receiver("slow:0.3", "slow:0.5")
        export = self.grpc(receiver)
        begun = time.monotonic()
        export()
        self.assertGreater(time.monotonic() - begun, 0.3)
        self.assertEqual(self.code(lambda: export(timeout=0.2)), grpc.StatusCode.DEADLINE_EXCEEDED)
        time.sleep(0.5)
        self.assertEqual(receiver.answers(), ["slow", "given up"])

    def test_a_hanging_answer_never_comes(self):
        export = self.grpc(self.receiver("hang"))
        self.assertEqual(self.code(lambda: export(timeout=0.3)), grpc.StatusCode.DEADLINE_EXCEEDED)
        export()

    def test_reset_breaks_all_connections(self):
        receiver = self.receiver("ok", "ok", "reset", "hang")
        # The first option makes channels that do not share a connection.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        idle, export = (self.grpc(receiver, options=options) for _ in range(2))
        idle()
        export()
        waiting = self.grpc(receiver, options=options)
        self.assertEqual(self.code(export), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.code(lambda: waiting(timeout=0.3)), grpc.StatusCode.DEADLINE_EXCEEDED)
        export()
        self.assertEqual(receiver.answers(), ["ok", "ok", "reset", "hang", "ok"])

    def test_garbage_is_no_message(self):
        with self.assertRaises(DecodeError):
            accepted(self.grpc(self.receiver("garbage"))())

    def test_a_big_answer_is_a_message_that_clients_refuse_by_its_size(self):
        receiver = self.receiver("big", "big")
        self.assertEqual(len(accepted(self.grpc(receiver)()).partial_success.error_message), 5_000_000)
        # grpcio takes 4 MiB unless told otherwise.
        export = self.grpc(receiver, options=[])
        self.assertEqual(self.code(export), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_what_is_no_request_is_refused(self):
        receiver = self.receiver()
        export = self.grpc(receiver)
        self.assertEqual(self.code(lambda: export(b"\xff" * 9)), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(receiver.answers(), ["invalid"])

    def test_an_answer_of_http_ends_the_receiver(self):
        receiver = self.receiver("503")
        self.assertEqual(self.code(self.grpc(receiver)), grpc.StatusCode.UNAVAILABLE)
        code, complaints = receiver.wait()
        self.assertEqual(code, 2)
        self.assertIn("cannot answer `503` over gRPC", complaints)
