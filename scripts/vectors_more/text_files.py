"""The text formats: JWK by jwcrypto, and BIND's .private files by dnssec-keygen."""

import base64
import json
import pathlib
import tempfile

from .keys import made_by, spki_of
from .tools import Bad, be, parse, pem, run, seeded, size_of

BIND = ("RSASHA256", "RSASHA512", "ECDSAP256SHA256", "ECDSAP384SHA384", "ED25519", "ED448")


def b64(text):
    return base64.b64decode(text)


def url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def dump(value, indent=None):
    return (json.dumps(value, indent=indent) + "\n").encode()


def jwk_files(s, key, name, algorithm, bits, curve, private):
    """One key of jwcrypto: private, public; gives both as dictionaries."""
    import importlib.metadata

    by = "%s; Python jwcrypto %s" % (made_by(), importlib.metadata.version("jwcrypto"))
    secret, public = private.export(as_dict=True), private.export_public(as_dict=True)
    s.add(key, "jwk", dump(secret), algorithm, bits, curve, name, by, "json")
    s.add(key, "public.jwk", dump(public, 2), algorithm, bits, curve, name, by, "json")
    return secret, public, by


def add_jwk(s, made):
    from jwcrypto import jwk

    private_set, public_set = [], []
    rows = [("rsa2048", "RSA", "RSA", 2048, "-", made["rsa"]["rsa2048"][0])]
    for key, crv, bits in (("nistP256", "P-256", 256), ("nistP384", "P-384", 384), ("nistP521", "P-521", 521),
                           ("secP256k1", "secp256k1", 256)):
        rows.append((key, crv, "EC", bits, key, made["ecc"][key][0]))
    for key, crv, bits in (("x25519", "X25519", 255), ("ed25519", "Ed25519", 255), ("x448", "X448", 448), ("ed448", "Ed448", 448)):
        rows.append((key, crv, crv, bits, "curve25519" if key == "x25519" else "-", made["okp"][key]))
    for key, crv, algorithm, bits, curve, pkcs8 in rows:
        if algorithm in ("RSA", "EC"):
            private = jwk.JWK.from_pem(pem("PRIVATE KEY", pkcs8))
        else:
            # jwcrypto takes X448 from no PEM, but from the members; what it makes of them is exported.
            d, x = parse(parse(pkcs8)[2].content).content, parse(spki_of(pkcs8))[1].bits()
            private = jwk.JWK(kty="OKP", crv=crv, d=url(d), x=url(x))
        secret, public, by = jwk_files(s, key, crv, algorithm, bits, curve, private)
        private_set.append(dict(secret, kid=key))
        public_set.append(dict(public, kid=key))
        if algorithm == "RSA":
            bare = {f: secret[f] for f in ("kty", "n", "e", "d")}
            by += "; members by scripts/vectors-more"
            s.add(key, "nocrt.jwk", dump(bare), algorithm, bits, notes="n, e and d only", provenance=by, ext="json")
            extra = dict(secret, use="sig", alg="PS256", kid="a key", key_ops=["sign"], unknown={"a": [1, None, True]})
            s.add(key, "members.jwk", dump(extra, 4), algorithm, bits, notes="members that do not make up the key",
                  provenance=by, ext="json")
    for key, k in made["symmetric"].items():
        secret = {"kty": "oct", "k": url(k)}
        if jwk.JWK(**secret).export(as_dict=True) != secret:
            raise Bad("jwcrypto has another oct key")
        s.add(key, "jwk", dump(secret), "oct", len(k) * 8, notes="oct", provenance="fixed bytes; read by jwcrypto", ext="json")
        private_set.append(dict(secret, kid=key))
    by = made_by() + "; Python jwcrypto; members by scripts/vectors-more"
    s.add("all", "set.jwk", dump({"keys": private_set}, 1), "-", 0, notes="%d private keys, kid = key" % len(private_set),
          provenance=by, ext="json")
    s.add("all", "public-set.jwk", dump({"keys": public_set}), "-", 0, notes="%d public keys, kid = key" % len(public_set),
          provenance=by, ext="json")
    s.add("rsa2048", "one-key-set.jwk", dump({"keys": private_set[:1]}), "RSA", 2048, notes="a set of one", provenance=by,
          ext="json")


RSA_FIELDS = {"Modulus": "n", "PublicExponent": "e", "PrivateExponent": "d", "Prime1": "p", "Prime2": "q",
              "Exponent1": "dp", "Exponent2": "dq", "Coefficient": "qinv"}


def bind_numbers(private, record):
    """The numbers of a .private file, the public ones of the .key file beside it."""
    fields = dict(line.split(": ", 1) for line in private.splitlines())
    algorithm = fields["Algorithm"].split()[0]
    public = b64("".join(record.splitlines()[-1].split("DNSKEY")[1].split()[3:]))
    if algorithm in ("8", "10"):
        v = {ours: int.from_bytes(b64(fields[theirs]), "big") for theirs, ours in RSA_FIELDS.items()}
        if public != bytes([size_of(v["e"])]) + be(v["e"], size_of(v["e"])) + be(v["n"], size_of(v["n"])):
            raise Bad("the .key file is of another key")
        return v, "RSA", v["n"].bit_length(), "-"
    d = b64(fields["PrivateKey"])
    if algorithm in ("13", "14"):
        half = len(public) // 2
        curve = {"13": "nistP256", "14": "nistP384"}[algorithm]
        return {"x": public[:half], "y": public[half:], "d": d}, "EC", half * 8, curve
    return {"x": public, "d": d}, {"15": "Ed25519", "16": "Ed448"}[algorithm], {"15": 255, "16": 448}[algorithm], "-"


def add_bind(s):
    for name in BIND:
        key = "bind-" + name.lower()
        with tempfile.TemporaryDirectory() as tmp:
            sizes = ("-b", "2048") if name.startswith("RSA") else ()
            base = run("dnssec-keygen", "-q", "-a", name, *sizes, "-K", tmp, "example.test").decode().split()[-1]
            private = pathlib.Path(tmp, base + ".private").read_bytes()
            record = pathlib.Path(tmp, base + ".key").read_bytes()
        v, algorithm, bits, curve = bind_numbers(private.decode(), record.decode())
        s.number(key, **v)
        by = "BIND dnssec-keygen -a " + name
        s.add(key, "bind", private, algorithm, bits, curve, name, by, "private")
        s.add(key, "bind-public", record, algorithm, bits, curve, "the DNSKEY record of it", by, "key")
    # dnssec-keygen 9.18 makes no HMAC keys any more; the form of those that older ones made.
    for number, name, size in ((157, "HMAC_MD5", 16), (163, "HMAC_SHA256", 32), (165, "HMAC_SHA512", 64)):
        key = "bind-" + name.lower().replace("_", "-")
        k = seeded(key, size)
        s.number(key, k=k)
        text = "Private-key-format: v1.3\nAlgorithm: %d (%s)\nKey: %s\nBits: AAA=\n" % (
            number, name, base64.b64encode(k).decode())
        s.add(key, "bind", text.encode(), "HMAC", size * 8, notes=name,
              provenance="fixed bytes; written by scripts/vectors-more as older dnssec-keygen did", ext="private")


def add(s, made):
    add_jwk(s, made)
    add_bind(s)
