"""TLS, if asked for."""

import ssl


def context(protocol, certificate, key, client_authority):
    """What a server of this protocol presents and demands; None without a certificate."""
    if not certificate:
        return None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    server.set_alpn_protocols([protocol])
    if client_authority:
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(client_authority)
    return server


def subject(certificate):
    """The subject of a certificate as `getpeercert` tells it, such as `organizationName=trustme`; None without one."""
    if not certificate:
        return None
    return ",".join(f"{key}={value}" for names in certificate["subject"] for key, value in names)
