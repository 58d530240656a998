"""A PFX (RFC 7292) with two keys, which the openssl program reads but does not write."""

import hashlib
import hmac

from .tools import der, der_int, octets, oid, openssl, seeded, seq

PASSWORD = "correct horse"
ITERATIONS = 2048
DATA = "1.2.840.113549.1.7.1"
SHROUDED_KEY_BAG = "1.2.840.113549.1.12.10.1.2"
FRIENDLY_NAME = "1.2.840.113549.1.9.20"
SHA256 = "2.16.840.1.101.3.4.2.1"


def derive(password, salt, purpose, size):
    """RFC 7292 appendix B.2 with SHA-256, for at most 32 bytes: one round is enough."""
    v = 64
    stretch = lambda data: (data * v)[:-(-len(data) // v) * v]
    digest = hashlib.sha256(bytes([purpose]) * v + stretch(salt) + stretch((password + "\0").encode("utf-16-be"))).digest()
    for _ in range(ITERATIONS - 1):
        digest = hashlib.sha256(digest).digest()
    return digest[:size]


def content(data):
    return seq(oid(DATA), der(0xA0, octets(data)))


def bag(name, pkcs8):
    """A key, encrypted by openssl, under a friendlyName."""
    encrypted = openssl("pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256",
                        "-iter", str(ITERATIONS), "-passout", "env:VECTOR_PASSWORD", data=pkcs8,
                        env={"VECTOR_PASSWORD": PASSWORD})
    named = seq(oid(FRIENDLY_NAME), der(0x31, der(0x1E, name.encode("utf-16-be"))))
    return seq(oid(SHROUDED_KEY_BAG), der(0xA0, encrypted), der(0x31, named))


def two_keys(keys, mac):
    safe = seq(content(seq(*[bag(name, pkcs8) for name, pkcs8 in keys.items()])))
    parts = [der_int(3), content(safe)]
    if mac:
        salt = seeded("pfx", 8)
        value = hmac.new(derive(PASSWORD, salt, 3, 32), safe, "sha256").digest()
        parts.append(seq(seq(seq(oid(SHA256), der(0x05)), octets(value)), octets(salt), der_int(ITERATIONS)))
    return seq(*parts)
