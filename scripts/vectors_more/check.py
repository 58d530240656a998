"""Check a set: every file listed, every number found again by another reader, every number what it must be."""

import hashlib
import os

from . import check_files
from .readers import READERS, read
from .tools import Bad, Curve, be

# Fields of a blob that are no number of the key.
OPAQUE = ("wrapped", "hash", "label", "body")


def rows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


class Checked:
    def __init__(self, root):
        self.root = root
        self.manifest = rows(root / "manifest.tsv")
        self.numbers = {(key, field): text for key, field, text in rows(root / "numbers.tsv")}
        self.failed, self.counts = [], {}

    def note(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def expect(self, name, key, fields, curve=None):
        """Each field as numbers.tsv has it, of the key or, for parameters, of its curve."""
        for field, got in fields.items():
            wanted = self.numbers.get((key, field)) or self.numbers.get(("curve-%s" % curve, field))
            if wanted is None:
                raise Bad("numbers.tsv has no %s of %s" % (field, key))
            got = got if isinstance(got, int) else int.from_bytes(got, "big")
            if got != int(wanted, 16):
                raise Bad("%s is not that of numbers.tsv" % field)

    def of(self, key):
        return {field: int(text, 16) for (k, field), text in self.numbers.items() if k == key and field != "curve"}


def check_blob(c, row, kind):
    name, key, _, _, _, curve, _, _ = row
    fields = read(kind, (c.root / name).read_bytes())
    # The algorithm that the blob names.
    if "name" in fields and fields.pop("name") != (row[3] if kind == "CipherKeyBlob" else row[6].split(";")[0]):
        raise Bad("the name of another algorithm")
    numbers = {f: v for f, v in fields.items() if f not in OPAQUE and not f.startswith(("tpm-", "isolated"))}
    c.expect(name, key, numbers, curve)
    if kind == "PKCS11RsaAesWrapBlob":
        check_wrap(c, row, fields)
    c.note(kind)


def check_wrap(c, row, fields):
    """Unwrapped: the OAEP part by the wrapping key of the type's name, then RFC 5649 by Python."""
    from cryptography.hazmat.primitives import hashes, keywrap
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    key = load_der_private_key((c.root / (row[2].split("-")[0] + ".PKCS8_PRIVATEKEY.bin")).read_bytes(), None)
    size = key.key_size // 8
    digest = getattr(hashes, fields["hash"].decode())()
    aes = key.decrypt(fields["wrapped"][:size], padding.OAEP(padding.MGF1(digest), digest, fields["label"] or None))
    inside = keywrap.aes_key_unwrap_with_padding(aes, fields["wrapped"][size:])
    other = c.root / ("%s.%s.bin" % (row[1], "raw" if row[3] == "AES" else "PKCS8_PRIVATEKEY"))
    if inside != other.read_bytes():
        raise Bad("what is wrapped is not " + other.name)


# ---------------------------------------------------------------- the numbers


def fips186_4(v, bits, hash_name):
    """q and p from seed and counter, FIPS 186-4 A.1.1.2."""
    h = lambda n, size: int.from_bytes(hashlib.new(hash_name, be(n % 2**(8 * size), size)).digest(), "big")
    seed, size = v["seed"], v["seed-size"]
    n_bits, out = v["q"].bit_length(), hashlib.new(hash_name).digest_size * 8
    u = h(seed, size) % 2**(n_bits - 1)
    q = 2**(n_bits - 1) + u + 1 - u % 2
    blocks = -(-bits // out) - 1
    offset = 1 + v["count"] * (blocks + 1)
    w = sum(h(seed + offset + j, size) % (2**(bits - 1 - blocks * out) if j == blocks else 2**out) << j * out
            for j in range(blocks + 1))
    x = w + 2**(bits - 1)
    return q, x - (x % (2 * q) - 1)


def fips186_2(v, bits):
    """FIPS 186-2 appendix 2.2."""
    h = lambda n: int.from_bytes(hashlib.sha1(be(n % 2**160, 20)).digest(), "big")
    u = h(v["seed"]) ^ h(v["seed"] + 1)
    q = u | 2**159 | 1
    blocks = (bits - 1) // 160
    offset = 2 + v["count"] * (blocks + 1)
    w = sum(h(v["seed"] + offset + k) % (2**((bits - 1) % 160) if k == blocks else 2**160) << k * 160
            for k in range(blocks + 1))
    x = w + 2**(bits - 1)
    return q, x - (x % (2 * q) - 1)


def check_dsa_group(c, key):
    v = c.of(key)
    p, q, g = v["p"], v["q"], v["g"]
    if (p - 1) % q or pow(g, q, p) != 1 or g < 2 or "y" in v and pow(g, v["x"], p) != v["y"]:
        raise Bad("not a DSA domain or key")
    if "seed" in v:
        bits = p.bit_length()
        v["seed-size"] = len(c.numbers[key, "seed"]) // 2
        made = [fips186_2(v, bits)] if q.bit_length() == 160 and v["seed-size"] == 20 else []
        made += [fips186_4(v, bits, name) for name in ("sha1", "sha224", "sha256")
                 if hashlib.new(name).digest_size * 8 >= q.bit_length()]
        if (q, p) not in made:
            raise Bad("q and p do not come from seed and counter")
        c.note("(DSA domains that come from seed and counter)")


def check_curve_key(c, key, curves):
    name = c.numbers[key, "curve"]
    if name == "curve25519":
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
        d, x = (bytes.fromhex(c.numbers[key, f]) for f in "dx")
        if X25519PrivateKey.from_private_bytes(d).public_key().public_bytes_raw() != x:
            raise Bad("not an X25519 key")
        return
    if name not in curves:
        from .keys import CURVES
        curves[name] = Curve.named(CURVES[name])
    v, curve = c.of(key), curves[name]
    if not curve.holds(v["x"], v["y"]) or curve.times(v["d"]) != (v["x"], v["y"]):
        raise Bad("not a key of " + name)
    c.note("(EC keys with d G = Q)")


def check_pq_numbers(c, key):
    """Expanded keys from seeds once more, where the pure Python packages are there."""
    try:
        from dilithium_py import ml_dsa
        from kyber_py import ml_kem
        from .published import slh_root
    except ImportError:
        c.note("(post-quantum keys NOT computed again: dilithium-py, kyber-py or slh-dsa is missing)")
        return
    raw = {f: bytes.fromhex(c.numbers[key, f]) for f in ("public", "private", "seed") if (key, f) in c.numbers}
    if key.startswith("slhdsa"):
        n = len(raw["public"]) // 2
        root = slh_root(key[len("slhdsa-"):], raw["private"][:n], raw["public"][:n])
        good = raw["private"][2 * n:] == raw["public"] and raw["public"][n:] == root
    else:
        digits = "".join(ch for ch in key.split("-")[0] if ch.isdigit())
        maker = getattr(ml_dsa, "ML_DSA_" + digits) if key.startswith("mldsa") else getattr(ml_kem, "ML_KEM_" + digits)
        good = maker.key_derive(raw["seed"]) == (raw["public"], raw["private"])
    if not good:
        raise Bad("another computation gives another key")
    c.note("(post-quantum keys computed again)")


def check_numbers(c):
    curves = {}
    for key in dict.fromkeys(key for key, _ in c.numbers):
        try:
            v = c.of(key)
            if (key, "curve") in c.numbers:
                check_curve_key(c, key, curves)
            elif "qinv" in v:
                if v["p"] * v["q"] != v["n"] or v["e"] * v["d"] % (v["p"] - 1) != 1 or v["qinv"] * v["q"] % v["p"] != 1:
                    raise Bad("not an RSA key")
            elif "public" in v:
                check_pq_numbers(c, key)
            elif key.startswith(("dsa", "nist-")):
                check_dsa_group(c, key)
            elif key.startswith("dh") and pow(v["g"], v["x"], v["p"]) != v["y"]:
                raise Bad("not a DH key")
        except Bad as error:
            c.failed.append("numbers of %s: %s" % (key, error))


def check(root):
    c = Checked(root)
    for row in c.manifest:
        kind = row[2].split(".")[-1]
        try:
            if kind in READERS:
                check_blob(c, row, kind)
            else:
                check_files.check_file(c, row)
        except (Bad, ValueError, KeyError, IndexError, StopIteration) as error:
            c.failed.append("%s: %s %s" % (row[0], type(error).__name__, error))
    check_numbers(c)
    check_files.check_published(c)
    listed = {row[0] for row in c.manifest} | {"manifest.tsv", "numbers.tsv", "README.md", "published"}
    c.failed += ["%s is not listed" % name for name in sorted(os.listdir(root)) if name not in listed]
    if c.failed:
        raise Bad("%d things are wrong:\n  %s" % (len(c.failed), "\n  ".join(c.failed)))
    for kind in sorted(c.counts):
        print("%5d  %s" % (c.counts[kind], kind))
