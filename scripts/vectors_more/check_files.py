"""Check the files: openssl and Python's cryptography read them, and say the numbers of numbers.tsv."""

import base64
import json
import os
import re

from .pfx import PASSWORD
from .tools import Bad, Curve, Node, der_int, openssl, parse, seq, unpem

# What openssl pkey -text calls a number -> field, by kind of key.
LABELS = {
    "RSA": {"modulus": "n", "publicExponent": "e", "privateExponent": "d", "prime1": "p", "prime2": "q",
            "exponent1": "dp", "exponent2": "dq", "coefficient": "qinv"},
    "DSA": {"priv": "x", "pub": "y", "P": "p", "Q": "q", "G": "g"},
    "DH": {"private-key": "x", "public-key": "y", "P": "p", "Q": "q", "G": "g"},
    "EC": {"priv": "d", "pub": "point"},
    "OKP": {"priv": "d", "pub": "x"},
}
OKP = ("X25519", "X448", "Ed25519", "Ed448")


def text_numbers(shown, labels):
    """The numbers in what openssl -text prints: `name:` and lines of octets, or `name: 65537 (0x10001)`."""
    out = {}
    for name, number in re.findall(r"^(\w+): (\d+) \(0x", shown, re.M):
        if name in labels:
            out[labels[name]] = int(number)
    for name, block in re.findall(r"^([\w-]+):[ ]*\n((?: {4}[0-9a-f:]+\n)+)", shown, re.M):
        if name in labels:
            out[labels[name]] = bytes.fromhex(re.sub(r"[\s:]", "", block))
    return out


def by_openssl(data, algorithm, public):
    """Numbers of a DER key as the openssl program prints them."""
    args = ["pkey", "-inform", "DER", "-text", "-noout"] + (["-pubin"] if public else [])
    shown = openssl(*args, "-passin", "env:VECTOR_PASSWORD", data=data, env={"VECTOR_PASSWORD": PASSWORD}).decode()
    return text_numbers(shown.replace("Modulus:", "modulus:").replace("Exponent: ", "publicExponent: "),
                        LABELS["OKP" if algorithm in OKP else algorithm])


def expect_numbers(c, name, key, got, curve):
    got = dict(got)
    point = got.pop("point", None)
    if point is not None:
        wanted = c.numbers[key, "x"], c.numbers[key, "y"]
        width = len(wanted[0]) // 2
        if point[0] in (4, 6, 7):
            got.update(x=point[1:1 + width], y=point[1 + width:])
        else:
            got.update(x=point[1:])
    if not got:
        raise Bad("no number found in it")
    c.expect(name, key, got, curve)


def check_key(c, row, data, public):
    name, key, _, algorithm, _, curve, _, _ = row
    if algorithm in ("ML-DSA", "ML-KEM", "SLH-DSA"):
        return check_pq(c, name, key, algorithm, data, public)
    got = by_openssl(data, algorithm, public)
    if not public and not {"d", "x"} & set(got):
        raise Bad("openssl finds no private key")
    return expect_numbers(c, name, key, got, curve)


def check_v2(c, row, data):
    """RFC 5958 version 2, which neither openssl 3.0 nor cryptography reads: openssl, without the public key."""
    node = parse(data)
    if node[0].int() != 1 or node[3].tag != 0x81:
        raise Bad("not version 2 with a public key")
    check_key(c, row, seq(der_int(0), node[1].raw, node[2].raw), False)
    expect_numbers(c, row[0], row[1], {"point" if row[3] == "EC" else "x": node[3].bits()}, row[5])


def check_pq(c, name, key, algorithm, data, public):
    """cryptography, for what it knows; its own reading of the seed and of the public key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

    node = parse(data)
    if public:
        c.expect(name, key, {"public": node[1].bits()})
    else:
        inner = node[2].content
        if algorithm != "SLH-DSA":
            choice = Node(inner)
            fields = {0x80: ["seed"], 0x04: ["private"], 0x30: ["seed", "private"]}[choice.tag]
            parts = [n.content for n in choice.children] or [choice.content]
            c.expect(name, key, dict(zip(fields, parts)))
        else:
            c.expect(name, key, {"private": inner})
    if algorithm == "SLH-DSA" or key.startswith("mlkem512"):
        return
    try:
        got = load_der_public_key(data) if public else load_der_private_key(data, None).public_key()
    except (UnsupportedAlgorithm, ValueError):
        c.note("(post-quantum forms that cryptography does not take)")
        return
    c.expect(name, key, {"public": got.public_bytes_raw()})


def check_explicit(c, row, data):
    """The curve that is spelt out is the one of the manifest."""
    node = parse(data)
    if row[2].endswith("spki"):
        found = node[0][1]
    elif row[2].endswith("sec1"):
        found = next(n for n in node.children if n.tag == 0xA0)[0]
    else:
        found = node[1][1]
    curve = Curve(found.raw)
    fields = dict(p=curve.p, a=curve.a, b=curve.b, gx=curve.gx, gy=curve.gy, n=curve.n, h=curve.h)
    c.expect(row[0], "curve-" + row[5], dict(fields, seed=curve.seed) if curve.seed else fields)


def check_certificate(c, row, data):
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    tbs = parse(data)[0]
    spki = next(n for n in tbs.children if n.tag == 0x30 and len(n) == 2 and n[1].tag == 0x03)
    if "ML-" not in row[3]:
        theirs = unpem(openssl("x509", "-inform", "DER", "-pubkey", "-noout", data=data))
        if theirs != spki.raw:
            raise Bad("openssl takes another key out of the certificate")
    certificate = x509.load_der_x509_certificate(data)
    if row[6] == "self-signed":
        try:
            certificate.verify_directly_issued_by(certificate)
        except InvalidSignature:
            raise Bad("the signature is wrong") from None
        except (UnsupportedAlgorithm, TypeError):
            c.note("(certificates whose signature cryptography does not verify)")
    check_key(c, row, spki.raw, True)


def b64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


JWK_FIELDS = {"RSA": {"n": "n", "e": "e", "d": "d", "p": "p", "q": "q", "dp": "dp", "dq": "dq", "qi": "qinv"},
              "EC": {"x": "x", "y": "y", "d": "d"}, "OKP": {"x": "x", "d": "d"}, "oct": {"k": "k"}}


def check_jwk(c, row, data):
    value = json.loads(data)
    for key in value.get("keys", [value]):
        fields = {ours: b64url(key[theirs]) for theirs, ours in JWK_FIELDS[key["kty"]].items() if theirs in key}
        c.expect(row[0], key["kid"] if row[1] == "all" else row[1], fields, row[5])


def check_bind(c, row, data):
    from .text_files import RSA_FIELDS

    fields = dict(line.split(": ", 1) for line in data.decode().splitlines())
    names = dict(RSA_FIELDS, PrivateKey="d", Key="k")
    got = {names[f]: base64.b64decode(v) for f, v in fields.items() if f in names}
    c.expect(row[0], row[1], got, row[5])
    if row[3] == "RSA":
        v = {f: int.from_bytes(n, "big") for f, n in got.items()}
        if v["p"] * v["q"] != v["n"]:
            raise Bad("p q is not n")


def check_dnskey(c, row, data):
    field = data.decode().splitlines()[-1].split("DNSKEY")[1].split()
    raw = base64.b64decode("".join(field[3:]))
    if row[3] == "RSA":
        fields = {"e": raw[1:1 + raw[0]], "n": raw[1 + raw[0]:]}
    elif row[3] == "EC":
        fields = {"x": raw[:len(raw) // 2], "y": raw[len(raw) // 2:]}
    else:
        fields = {"x": raw}
    c.expect(row[0], row[1], fields, row[5])


def check_pkcs12(c, row, data):
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

    if row[1] == "two-keys":
        return check_two_keys(c, row, data)
    if "nomac" not in row[2]:
        got = pkcs12.load_pkcs12(data, PASSWORD.encode())
        der = got.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    else:
        der = unpem(openssl("pkcs12", "-nodes", "-nocerts", "-nomacver", "-passin", "env:VECTOR_PASSWORD", data=data,
                            env={"VECTOR_PASSWORD": PASSWORD}), "PRIVATE KEY")
    check_key(c, row, der, False)


def check_two_keys(c, row, data):
    """openssl shows every key bag."""
    mac = ["-nomacver"] if "nomac" in row[2] else []
    shown = openssl("pkcs12", "-nodes", *mac, "-passin", "env:VECTOR_PASSWORD", data=data, env={"VECTOR_PASSWORD": PASSWORD})
    blocks = shown.split(b"-----BEGIN PRIVATE KEY-----")[1:]
    for key, algorithm, curve, block in zip(("rsa2048", "nistP256"), ("RSA", "EC"), ("-", "nistP256"), blocks, strict=True):
        check_key(c, (row[0], key, row[2], algorithm, "", curve, "", ""), unpem(b"-----BEGIN PRIVATE KEY-----" + block), False)


def check_old_dsa(c, row, data):
    fields = dict(zip("pqgyx", (n.int() for n in parse(data).children[1:])))
    c.expect(row[0], row[1], fields)
    check_key(c, row, data, False)


def check_sec1(c, row, data):
    if "noparameters" in row[2]:
        c.expect(row[0], row[1], {"d": parse(data)[1].content})
        return
    check_key(c, row, data, False)


def check_pkcs1_public(c, row, data):
    node = parse(data)
    c.expect(row[0], row[1], {"n": node[0].int(), "e": node[1].int()})
    openssl("rsa", "-RSAPublicKey_in", "-inform", "DER", "-noout", data=data)


def check_encrypted(c, row, data):
    """openssl decrypts it; cryptography, the second reader, must have the same."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

    if "-empty." in row[2]:
        return check_key(c, row, openssl("pkcs8", "-inform", "DER", "-outform", "DER", "-passin", "pass:", data=data), False)
    got = load_der_private_key(data, PASSWORD.encode()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    theirs = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", "-passin", "env:VECTOR_PASSWORD", data=data,
                     env={"VECTOR_PASSWORD": PASSWORD})
    # OpenSSL may write the length of x of a named DH group beside it: the key itself is compared.
    if parse(got)[1].raw != parse(theirs)[1].raw:
        raise Bad("openssl and cryptography read different keys")
    check_key(c, row, data, False)


CHECKS = {
    "PKCS8_PRIVATEKEY": lambda c, row, data: check_v2(c, row, data) if row[2].startswith("v2.") else check_key(c, row, data, False),
    "pkcs8": lambda c, row, data: check_key(c, row, data, False),
    "pkcs1": lambda c, row, data: check_key(c, row, data, False),
    "spki": lambda c, row, data: check_key(c, row, data, True),
    "encrypted-pkcs8": check_encrypted, "pkcs1-public": check_pkcs1_public, "sec1": check_sec1, "dsa": check_old_dsa,
    "cert": check_certificate, "jwk": check_jwk, "bind": check_bind, "bind-public": check_dnskey, "pkcs12": check_pkcs12,
    "raw": lambda c, row, data: c.expect(row[0], row[1], {"k": data}),
}
PEM_LABELS = {"pkcs8": "PRIVATE KEY", "pkcs1": "RSA PRIVATE KEY", "pkcs1-public": "RSA PUBLIC KEY", "spki": "PUBLIC KEY",
              "sec1": "EC PRIVATE KEY", "dsa": "DSA PRIVATE KEY", "cert": "CERTIFICATE",
              "encrypted-pkcs8": "ENCRYPTED PRIVATE KEY"}


DER = ("PKCS8_PRIVATEKEY", "encrypted-pkcs8", "pkcs12", *(k for k in PEM_LABELS))


def check_file(c, row):
    kind = row[2].split(".")[-1]
    data = (c.root / row[0]).read_bytes()
    if kind.endswith("-pem"):
        kind = kind[:-4]
        data = unpem(data, PEM_LABELS[kind])
    if kind in DER:
        parse(data)
        if "explicit" in row[2]:
            check_explicit(c, row, data)
    CHECKS[kind](c, row, data)
    c.note(row[2].split(".")[-1])


def check_published(c):
    """Each file has its line in published/README.md, and each line its file."""
    folder = c.root / "published"
    words = set(re.split(r"[\s|`(),;:*\"]+", (folder / "README.md").read_text(encoding="utf-8")))
    for name in sorted(os.listdir(folder)):
        if name not in words and name not in ("README.md", "manifest.tsv"):
            c.failed.append("published/%s is not listed" % name)
