"""The README of the set, and that of published/."""

import importlib.metadata
import subprocess

from .published import CRATES, EXCERPTS, FILES, PYCA, PASSWORDS
from .tools import openssl_version

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
  (DSA of 512 bits, and of 1536 and 2048 bits with a q of 160) has parameters by openssl and a fixed x.
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
{files}
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
* From the crates ml-dsa 0.1.2 and ml-kem 0.3.4, licence "Apache-2.0 OR MIT" (LICENSE.APACHE; LICENSE-MIT.ml-dsa,
  LICENSE-MIT.ml-kem): the examples of RFC 9881 and RFC 9935.
* `acvp-slh-dsa-keygen.json`: from NIST's ACVP-Server (works of the United States government), one test of
  seven parameter sets; the check computes the roots again.

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


def write_published(root):
    rows = []
    for name, (path, note) in sorted(FILES.items()):
        password = "; password `%s`" % PASSWORDS[name] if name in PASSWORDS else ""
        rows.append("| %s | %s | %s%s |" % (name, path, note, password))
    rows += ["| %s | %s | first records |" % (name, path) for name, (path, _, _) in sorted(EXCERPTS.items())]
    rows += ["| %s | %s/tests/examples | |" % (name, crate) for crate, names in CRATES.items() for name in names]
    text = PUBLISHED.format(pyca=PYCA, rows="\n".join(rows))
    (root / "published" / "README.md").write_text(text, encoding="utf-8")
