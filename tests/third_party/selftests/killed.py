"""The receiver is killed and started again, as in long runs."""

import threading
import time

import grpc

from selftests.common import Test, post, request


class Killed(Test):
    def again(self, receiver, *answers, append=True):
        ports = ["--port", str(receiver.port), "--http-port", str(receiver.http_port)]
        return self.receiver(*answers, arguments=[*ports, *(["--append"] if append else [])])

    def test_what_was_acknowledged_outlives_the_receiver(self):
        receiver = self.receiver()
        acknowledged = []
        stop = threading.Event()
        # Also when this test fails.
        self.addCleanup(stop.set)

        def over_grpc():
            for index in range(10_000):
                export = self.grpc(receiver, options=[("grpc.use_local_subchannel_pool", 1)])
                while not stop.is_set():
                    name = f"grpc {index} {len(acknowledged)}"
                    try:
                        export(request(name).SerializeToString(), timeout=1)
                        acknowledged.append(name)
                    except grpc.RpcError:
                        break
                if stop.is_set():
                    return

        def over_http():
            while not stop.is_set():
                client = self.http(receiver)
                try:
                    while not stop.is_set():
                        name = f"http {len(acknowledged)}"
                        post(client, request(name).SerializeToString())
                        acknowledged.append(name)
                except OSError:
                    time.sleep(0.01)

        threads = [threading.Thread(target=over_grpc), threading.Thread(target=over_http)]
        for thread in threads:
            thread.start()
        ports = set()
        for _ in range(3):
            time.sleep(0.25)
            receiver.kill()
            receiver = self.again(receiver)
            ports.add((receiver.port, receiver.http_port))
        time.sleep(0.2)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(len(ports), 1)
        kept = set()
        for line in receiver.lines():
            (metrics,) = line["request"]["resourceMetrics"]
            kept.add(metrics["scopeMetrics"][0]["metrics"][0]["name"])
        self.assertEqual({name.split()[0] for name in acknowledged}, {"grpc", "http"})
        self.assertEqual(set(acknowledged) - kept, set())
        # What was kept and not acknowledged: at most one request of each client for each kill.
        self.assertLessEqual(len(kept - set(acknowledged)), 6)

    def test_a_torn_line_is_dropped(self):
        out = self.folder / "received.jsonl"
        out.write_bytes(b'{"answer": "ok"}\n{"answer": "torn' + b"x" * 100_000)
        receiver = self.receiver(arguments=["--append"])
        post(self.http(receiver))
        self.assertEqual(receiver.answers(), ["ok", "ok"])

    def test_without_append_it_begins_anew(self):
        receiver = self.receiver()
        post(self.http(receiver))
        receiver.kill()
        receiver = self.again(receiver, "404", append=False)
        post(self.http(receiver))
        self.assertEqual(receiver.answers(), ["404"])

    def test_a_port_is_never_shared(self):
        receiver = self.receiver()
        for taken in (["--port", receiver.port], ["--http-port", receiver.http_port]):
            with self.assertRaisesRegex(AssertionError, "ddress already in use"):
                self.receiver(arguments=["--append", *map(str, taken)])

    def test_a_unix_socket_is_taken_over_from_the_dead(self):
        path = str(self.folder / "socket")
        self.receiver(arguments=["--unix", path]).kill()
        receiver = self.receiver(arguments=["--unix", path])
        self.grpc(receiver, target=f"unix:{path}")()
        self.assertEqual(receiver.answers(), ["ok"])

    def test_the_receiver_ends_with_its_standard_input(self):
        receiver = self.receiver("hang")
        client = self.http(receiver)
        client.timeout = 0.2
        with self.assertRaises(TimeoutError):
            post(client)
        self.assertEqual(receiver.wait(), (0, ""))
