"""The README of the set, and that of published/."""

import hashlib
import importlib.metadata
import subprocess

from .published import CRATES, EXCERPTS, FILES, JWKS, PASSWORDS, PYCA
from .tools import Bad, openssl, openssl_version, parse, unpem

TEXT = """# More test vectors

Throw-away test keys in every blob type and file format, made by `scripts/vectors-more`. They protect nothing; never use
one of them for anything but tests. None of these files was written by this project's Rust code. The first set,
one folder up, stays as it is; `scripts/vectors` makes that one.

Tools: {tools}.

The blobs are put together with `struct.pack` (`scripts/vectors_more/layouts.py`), straight from the documented layouts, from
numbers that a small DER reader takes out of openssl's keys (`scripts/vectors_more/tools.py`). The check reads them again
with code that shares nothing with the writer (`scripts/vectors_more/readers.py`). No Windows machine was at hand: see
"Unconfirmed" below.

## Files

`<key>.<type>.<ext>`, with `key` and `type` as in `manifest.tsv`: file, key, type, algorithm, bits, curve, notes,
provenance. What stands before the last dot in `type` tells variants of one type apart. `GENERIC-ECDSA.` and
`GENERIC-ECDH.` are blobs with the generic magics. `bits` of post-quantum keys is that of the public key's bytes.

`numbers.tsv`: key, field, value in lowercase hexadecimal, big-endian, whole bytes (curve25519: raw little-endian strings).
Fields: RSA n e d p q dp dq qinv; EC curve (the CNG name, no number) x y d in the width of the field (d in that of the
order where it is longer); `curve-<name>`: p a b gx gy n h seed; DSA p q g x y seed count; DH p g x y, with q and j where known;
post-quantum public private (expanded) seed; symmetric k.

* RSA `rsa<bits>`, EC `<CNG name of the curve>`, DSA `dsa*`, DH `dh*`: openssl genpkey. What openssl refuses to generate
  (DSA of 512 and 1536 bits, and of 2048 bits with a q of 160) has parameters by openssl and a fixed x; `dsa2048-512`, for
  the hash id of SHA-512, has a q by `openssl prime` and a p found in Python and tested by openssl.
* DSA seeds and counters are those openssl printed on generation; the check derives q and p from them again.
  `noseed.` types say that seed and counter are unknown (0xFF).
* `dh2048-x942`: X9.42 parameters with q; j = (p-1)/q was computed. The others: see the notes.
* `nist-*`: DSA domains and keys of NIST's CAVS files, see `published/`.
* `mldsa*-kat`, `mlkem*-kat`: known answers; `mldsa*-rfc9881`, `mlkem*-rfc9935`: the seeds of the examples in these RFCs
  (00 01 02 ...), expanded by PyPI's dilithium-py and kyber-py. `slhdsa-*`: NIST ACVP where the provenance says so,
  else fixed seeds by PyPI's slh-dsa.
* `3des`, `hmac256`, `aes*-more`: SHAKE-256 of a name.
* `opaque-*`: synthetic bytes for blobs that are only recognised.
* `d-is-1`: the private key 1 on P-256.

The files of the rest of the world:

* `PKCS8_PRIVATEKEY`, `pkcs8-pem`, `spki`, `spki-pem`, `pkcs1`, `pkcs1-public`, `sec1`, `dsa` (the traditional form of openssl),
  `encrypted-pkcs8`, `cert`, `pkcs12`, with `-pem` for PEM: written by the openssl program. What it cannot write was put together
  from its DER in `scripts/vectors_more/files.py`, and then read by openssl: `usage-*` (the keyUsage attribute, as
  Windows writes it), `nopublic.PKCS8_PRIVATEKEY`, `dsa`, and `v2.` (RFC 5958 with the public key, which openssl 3.0
  and cryptography do not read: the check takes the public key out first, and `published/ed25519-priv-pkcs8v2.der` is a second
  one). The password is `correct horse` wherever there is one; 2048 iterations (`*-empty`: the
  empty password, 1 iteration; scrypt has none).
* `explicit.*`: openssl with `-param_enc explicit`. `noparameters.sec1`, `hybrid.spki`: for refusals.
* `dsa2048-224` has no form in CNG.
* ML-DSA, ML-KEM and SLH-DSA: DER by hand after RFC 9881, RFC 9935 and RFC 9909, read by cryptography as far as it does
  (not ML-KEM-512, SLH-DSA, nor expanded keys without a seed); certificates by cryptography.
* `jwk` (JSON): by jwcrypto. In a set, `kid` is the key's name here.
* `bind` (`.private`), `bind-public` (`.key`): by dnssec-keygen; the HMAC ones by hand, because it makes none any more.
* `published/`: files by others, see the README there.

## Unconfirmed

No Windows has seen these blobs. The layouts are those of Microsoft's headers and documentation and of .NET; what these leave
open was filled in as follows, and the notes of `manifest.tsv` say so:

* `SSLECCPUBLICBLOB`: what follows the header, the unit of cbKey and the values of dwCurveType.
* `DSAParameters` version 2: the order seed, q, p, g.
* `ECCFULL*BLOB` and `ECCParameters` of curve25519: byte order and the meaning of a and b. With a seed: whether
  dwCurveGenerationAlgId is 0 or 0x8004 (.NET writes the ALG_ID of the hash); both are here.
* `V2CAPIDSA*`: taken to be the version 2 (DSS1, DSS2) bytes; `v3.CAPIDSA*` (DSS3, DSS4) the version 3 structure with p, q,
  g, j, y, x.
* `CAPIDH*` of version 2 (`v1.` types): documented as a CryptoAPI form, not as a CNG one.
* `KDFKeyBlob`, `ProtectedKeyBlob`: the body.
* SLH-DSA in `PQDSA*` blobs: no provider of Microsoft's has it.
* `PcpTpm*`, `ISOLATED_KEY_ENVELOPE`: structure only.

## Making them again

    scripts/vectors-more             # a fresh set in a temporary directory, then checked
    scripts/vectors-more --check     # check this folder, changing nothing
    scripts/vectors-more --write     # replace this folder, except published/

What openssl generates is random, so a new set differs in it. This README and the tables are written by the script.
"""

PUBLISHED = """# Test data by others

Copies of files that others have published, unchanged; of long files the first records only.

* From {pyca}, licence "Apache-2.0 OR BSD-3-Clause" (LICENSE, LICENSE.APACHE, LICENSE.BSD, as the package
  cryptography ships them).
  Among it, NIST's CAVS files (`nist-*`), which are works of the United States government.
* From the crates ml-dsa 0.1.2, ml-kem 0.3.4 and pkcs8 0.11.0, licence "Apache-2.0 OR MIT" (LICENSE.APACHE; LICENSE-MIT.ml-dsa,
  LICENSE-MIT.ml-kem, LICENSE-MIT.pkcs8): the examples of RFC 9881, RFC 9935 and RFC 8410, and encrypted forms of the latter.
* `rfc*.json`: the values of the examples in RFC 7517 and RFC 8037, as PyPI's jwcrypto 1.6.1 has them in its tests, written
  as JSON. (The RFCs break long values into lines, which no JSON may do.)
* `acvp-slh-dsa-keygen.json`: from NIST's ACVP-Server (works of the United States government), one test of
  seven parameter sets; the check computes the roots again.

`manifest.tsv` says of each key file whether openssl and Python's cryptography read it, with what password, and the SHA-256
of the public key (the content of the SubjectPublicKeyInfo's BIT STRING) that they find.

| file | there | what it is |
|---|---|---|
{rows}
"""


def tools():
    versions = ["%s (the program)" % openssl_version()]
    for package in ("cryptography", "jwcrypto", "dilithium-py", "kyber-py", "slh-dsa"):
        try:
            versions.append("Python %s %s" % (package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            pass
    try:
        shown = subprocess.run(["dnssec-keygen", "-V"], capture_output=True)
        versions.append("BIND dnssec-keygen %s" % (shown.stdout + shown.stderr).decode().split()[1])
    except OSError:
        pass
    return ", ".join(versions)


def write(root, files=""):
    (root / "README.md").write_text(TEXT.format(tools=tools(), files=files), encoding="utf-8")


def said(name):
    if "-des-" in name:
        return "encrypted with DES: to be refused by name"
    return "password `%s`" % PASSWORDS[name] if name in PASSWORDS else ""


def write_published(root):
    rows = []
    for name, (path, note) in sorted(FILES.items()):
        rows.append("| %s | %s | %s |" % (name, path, "; ".join(n for n in (note, said(name)) if n)))
    rows += ["| %s | %s | first records |" % (name, path) for name, (path, _, _) in sorted(EXCERPTS.items())]
    rows += ["| %s | %s/tests/examples | %s |" % (name, crate, said(name)) for crate, names in CRATES.items() for name in names]
    rows += ["| %s | jwcrypto.tests.%s | %s |" % (name, variable, note) for name, (variable, note) in JWKS.items()]
    text = PUBLISHED.format(pyca=PYCA, rows="\n".join(rows))
    (root / "published" / "README.md").write_text(text, encoding="utf-8")
    lines = ["\t".join(("file", "openssl", "cryptography", "password", "public", "note"))]
    lines += ["\t".join(readings(root / "published" / name, PASSWORDS.get(name), note)) for name, note in key_files()]
    (root / "published" / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def key_files():
    """The files that are one key, one certificate or one PFX, with what is to be known of them."""
    found = {name: note for name, (_, note) in FILES.items()}
    found.update({name: said(name) for names in CRATES.values() for name in names})
    return sorted(found.items())


def readings(path, password, note):
    """Who reads the file, and the SHA-256 of the key's bits in the SPKI that they make of it (both must agree)."""
    data = path.read_bytes()
    told = dict.fromkeys(("openssl", "cryptography"))
    for reader, read in (("openssl", by_openssl), ("cryptography", by_cryptography)):
        spki = read(data, password)
        if spki:
            told[reader] = hashlib.sha256(parse(spki)[1].bits()).hexdigest()
    prints = {value for value in told.values() if value}
    if len(prints) > 1:
        raise Bad("%s: openssl and cryptography read different keys" % path.name)
    return (path.name, *("reads" if told[r] else "refuses" for r in told), password or "-", *(prints or {"-"}), note or "-")


def by_openssl(data, password):
    env = {"VECTOR_PASSWORD": password or ""}
    for command in (("pkey", "-pubout"), ("pkey", "-pubin", "-pubout"), ("x509", "-pubkey", "-noout")):
        try:
            out = openssl(*command, "-passin", "env:VECTOR_PASSWORD", data=data, env=env)
            return unpem(out, "PUBLIC KEY")
        except Bad:
            pass
    return None


def by_cryptography(data, password):
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.serialization import pkcs12

    secret = password.encode() if password else None
    text = data.lstrip().startswith(b"-----") or b"-----BEGIN" in data
    readers = [lambda: (ser.load_pem_private_key if text else ser.load_der_private_key)(data, secret).public_key(),
               lambda: (ser.load_pem_public_key if text else ser.load_der_public_key)(data),
               lambda: (x509.load_pem_x509_certificate if text else x509.load_der_x509_certificate)(data).public_key(),
               lambda: pkcs12.load_pkcs12(data, secret).key.public_key()]
    for reader in readers:
        try:
            return reader().public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)
        except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
            pass
    return None
