import ssl
import urllib.request

import grpc
import trustme

from selftests.common import PROTOBUF, REQUEST, Test, post


class Encrypted(Test):
    @classmethod
    def setUpClass(cls):
        cls.authority, cls.stranger = trustme.CA(), trustme.CA()
        cls.server = cls.authority.issue_cert("localhost")
        cls.client = cls.authority.issue_cert("client.example", organization_name="a client")
        cls.impostor = cls.stranger.issue_cert("client.example")

    def arguments(self, *, demanding=False):
        files = {name: self.folder / f"{name}.pem" for name in ("certificate", "key", "authority")}
        self.server.cert_chain_pems[0].write_to_path(files["certificate"])
        self.server.private_key_pem.write_to_path(files["key"])
        self.authority.cert_pem.write_to_path(files["authority"])
        demand = ["--client-authority", files["authority"]] if demanding else []
        return ["--certificate", files["certificate"], "--key", files["key"], *demand]

    def context(self, identity=None, authority=None):
        context = ssl.create_default_context()
        (authority or self.authority).configure_trust(context)
        if identity:
            identity.configure_cert(context)
        return context

    def credentials(self, identity=None, authority=None):
        pair = (identity.private_key_pem.bytes(), identity.cert_chain_pems[0].bytes()) if identity else (None, None)
        return grpc.ssl_channel_credentials((authority or self.authority).cert_pem.bytes(), *pair)

    def test_both_transports_are_encrypted(self):
        receiver = self.receiver(arguments=self.arguments())
        self.grpc(receiver, self.credentials(), compression=grpc.Compression.Gzip)()
        post(self.http(receiver, self.context()))
        headers = {"Content-Type": PROTOBUF}
        url = f"https://localhost:{receiver.http_port}/v1/metrics"
        with urllib.request.urlopen(urllib.request.Request(url, REQUEST, headers), context=self.context()) as response:
            self.assertEqual(response.status, 200)
        lines = receiver.lines()
        self.assertEqual([line["transport"] for line in lines], ["grpc", "http/protobuf", "http/protobuf"])
        self.assertEqual([(line["tls"], line["client"]) for line in lines], [(True, None)] * 3)
        self.assertEqual(lines[0]["encoding"], "gzip")

    def test_clients_of_another_authority_do_not_trust_it(self):
        receiver = self.receiver(arguments=self.arguments())
        with self.assertRaises(ssl.SSLCertVerificationError):
            post(self.http(receiver, self.context(authority=self.stranger)))
        with self.assertRaises(grpc.RpcError) as raised:
            self.grpc(receiver, self.credentials(authority=self.stranger))()
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(receiver.lines(), [])

    def test_plain_clients_get_nowhere(self):
        receiver = self.receiver(arguments=self.arguments())
        with self.assertRaises(OSError):
            post(self.http(receiver))
        with self.assertRaises(grpc.RpcError):
            self.grpc(receiver)()
        self.assertEqual(receiver.lines(), [])

    def test_client_certificates_are_demanded_and_written_down(self):
        receiver = self.receiver(arguments=self.arguments(demanding=True))
        self.grpc(receiver, self.credentials(self.client))()
        post(self.http(receiver, self.context(self.client)))
        for line in receiver.lines():
            self.assertIn("organizationName=a client", line["client"])
        for identity in (None, self.impostor):
            with self.assertRaises(OSError):
                post(self.http(receiver, self.context(identity)))
            with self.assertRaises(grpc.RpcError):
                self.grpc(receiver, self.credentials(identity))()
        self.assertEqual(receiver.answers(), ["ok", "ok"])

    def test_answers_are_the_same(self):
        receiver = self.receiver("reset", "reset", "hang", "slow:0.2", "slow:0.2", arguments=self.arguments())
        with self.assertRaises(grpc.RpcError) as raised:
            self.grpc(receiver, self.credentials())()
        self.assertEqual(raised.exception.code(), grpc.StatusCode.UNAVAILABLE)
        with self.assertRaises(OSError):
            post(self.http(receiver, self.context()), b"\0" * (1 << 24))
        client = self.http(receiver, self.context())
        client.timeout = 0.3
        with self.assertRaises(TimeoutError):
            post(client)
        self.grpc(receiver, self.credentials())()
        self.assertEqual(post(self.http(receiver, self.context()))[0].status, 200)
        self.assertEqual(receiver.answers(), ["reset", "reset", "hang", "slow", "slow"])
