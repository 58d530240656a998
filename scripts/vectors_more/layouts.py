"""The CNG and CryptoAPI key blobs, put together with struct.pack straight from the documented layouts.

Nothing here reads a blob: that is readers.py, which shares no code with this file.
"""

import struct

from .tools import be, le, size_of

# family -> (public, private) magic of the generic form
GENERIC = {"ECDH": (0x504B4345, 0x564B4345), "ECDSA": (0x50444345, 0x56444345)}
CALG_RSA_KEYX, CALG_RSA_SIGN = 0xA400, 0x2400
CALG_DSS_SIGN, CALG_DH_SF, CALG_DH_EPHEM = 0x2200, 0xAA01, 0xAA02
NO_SEED = 0xFFFFFFFF


def wide(text):
    return (text + "\0").encode("utf-16-le")


# ---------------------------------------------------------------- elliptic curves


def curve_header(curve, kind=1, seed=None, hash_id=0):
    """dwVersion to cbSeed, common to the full blobs and ECCParameters."""
    seed = curve.seed if seed is None else seed
    return struct.pack("<7I", 1, kind, hash_id, curve.field, curve.order, size_of(curve.h), len(seed))


def curve_body(curve, seed=None):
    seed = curve.seed if seed is None else seed
    field = [be(n, curve.field) for n in (curve.p, curve.a, curve.b, curve.gx, curve.gy)]
    return b"".join(field) + be(curve.n, curve.order) + be(curve.h, size_of(curve.h)) + seed


def ecc_parameters(curve, seed=None, **kw):
    return curve_header(curve, seed=seed, **kw) + curve_body(curve, seed)


def ecc_full(curve, magic, x, y, d=None, **kw):
    """x and y are bytes of the field's width; d, when there, is a number."""
    tail = b"" if d is None else be(d, curve.order) if isinstance(d, int) else d
    return struct.pack("<I", magic) + ecc_parameters(curve, **kw) + x + y + tail


def ecc_key(magic, width, *numbers):
    return struct.pack("<2I", magic, width) + b"".join(be(n, width) for n in numbers)


def ssl_ecc_public(named_group, width, x, y):
    return struct.pack("<2I", named_group, width) + be(x, width) + be(y, width)


# ---------------------------------------------------------------- DSA and DH


def dsa_v1(v, private, count=None, seed=None):
    width = size_of(v["p"])
    head = struct.pack("<4sI", b"DSPV" if private else b"DSPB", width)
    head += struct.pack(">I", NO_SEED if count is None else count) + (seed or b"\xff" * 20) + be(v["q"], 20)
    return head + b"".join(be(v[f], width) for f in "pgy") + (be(v["x"], 20) if private else b"")


def dsa_v2(v, private, count=None, seed=None, hash_id=1, standard=1):
    width, group = size_of(v["p"]), size_of(v["q"])
    seed = seed or b"\xff" * group
    head = struct.pack("<4s5I", b"DPV2" if private else b"DPB2", width, hash_id, standard, len(seed), group)
    head += struct.pack(">I", NO_SEED if count is None else count) + seed + be(v["q"], group)
    return head + b"".join(be(v[f], width) for f in "pgy") + (be(v["x"], group) if private else b"")


def dsa_parameters_v1(v, count=None, seed=None):
    width = size_of(v["p"])
    body = struct.pack(">I", NO_SEED if count is None else count) + (seed or b"\xff" * 20) + be(v["q"], 20)
    body += be(v["p"], width) + be(v["g"], width)
    return struct.pack("<I4sI", 12 + len(body), b"DSPM", width) + body


def dsa_parameters_v2(v, count=None, seed=None, hash_id=1, standard=1):
    width, group = size_of(v["p"]), size_of(v["q"])
    seed = seed or b"\xff" * group
    body = struct.pack("<4I", hash_id, standard, len(seed), group)
    body += struct.pack(">I", NO_SEED if count is None else count)
    body += seed + be(v["q"], group) + be(v["p"], width) + be(v["g"], width)
    return struct.pack("<I4sI", 12 + len(body), b"DPM2", width) + body


def dh_key(v, private):
    width = size_of(v["p"])
    fields = "pgyx" if private else "pgy"
    return struct.pack("<4sI", b"DHPV" if private else b"DHPB", width) + b"".join(be(v[f], width) for f in fields)


def dh_parameters(v):
    width = size_of(v["p"])
    return struct.pack("<I4sI", 12 + 2 * width, b"DHPM", width) + be(v["p"], width) + be(v["g"], width)


# ---------------------------------------------------------------- CryptoAPI: little-endian


def blob_header(private, version, algorithm):
    return struct.pack("<BBHI", 7 if private else 6, version, 0, algorithm)


def capi_rsa(v, private, algorithm=CALG_RSA_KEYX):
    size, half = size_of(v["n"]), size_of(v["n"]) // 2
    out = blob_header(private, 2, algorithm)
    out += struct.pack("<4sII", b"RSA2" if private else b"RSA1", v["n"].bit_length(), v["e"]) + le(v["n"], size)
    if private:
        out += b"".join(le(v[f], half) for f in ("p", "q", "dp", "dq", "qinv")) + le(v["d"], size)
    return out


def dss_seed(count, seed):
    return struct.pack("<I", NO_SEED if count is None else count) + (seed or b"\xff" * 20)


def capi_dsa_v2(v, private, count=None, seed=None):
    size = size_of(v["p"])
    out = blob_header(private, 2, CALG_DSS_SIGN)
    out += struct.pack("<4sI", b"DSS2" if private else b"DSS1", v["p"].bit_length())
    out += le(v["p"], size) + le(v["q"], 20) + le(v["g"], size)
    out += le(v["x"], 20) if private else le(v["y"], size)
    return out + dss_seed(count, seed)


def version3(v, private, magics, algorithm, count, seed):
    """DSS v3 and DH v3: the same structure. q and j are there when they are known.

    The arrays are documented as BYTE q[bitlenQ/8] and so on: the lengths count the bits of whole bytes.
    """
    size, q, j = size_of(v["p"]), v.get("q", 0), v.get("j", 0)
    out = blob_header(private, 3, algorithm)
    q_size, j_size = (size_of(n) if n else 0 for n in (q, j))
    out += struct.pack("<4s3I", magics[private], v["p"].bit_length(), 8 * q_size, 8 * j_size)
    if private:
        out += struct.pack("<I", 8 * size_of(v["x"]))
    out += dss_seed(count, seed) + le(v["p"], size)
    if q:
        out += le(q, size_of(q))
    out += le(v["g"], size)
    if j:
        out += le(j, size_of(j))
    return out + le(v["y"], size) + (le(v["x"], size_of(v["x"])) if private else b"")


def capi_dsa_v3(v, private, count=None, seed=None):
    return version3(v, private, (b"DSS3", b"DSS4"), CALG_DSS_SIGN, count, seed)


def capi_dh_v3(v, private, algorithm=CALG_DH_EPHEM):
    return version3(v, private, (b"\0DH3", b"\0DH4"), algorithm, None, None)


def capi_dh_v1(v, private, algorithm=CALG_DH_EPHEM):
    size = size_of(v["p"])
    out = blob_header(private, 2, algorithm)
    out += struct.pack("<4sI", b"\0DH2" if private else b"\0DH1", v["p"].bit_length())
    return out + b"".join(le(v[f], size) for f in ("pgx" if private else "y"))


# ---------------------------------------------------------------- post-quantum, containers


PQ_MAGIC = {
    ("ML-DSA", "public"): b"DSPK", ("ML-DSA", "private"): b"DSSK", ("ML-DSA", "seed"): b"DSSS",
    ("SLH-DSA", "public"): b"SHPK", ("SLH-DSA", "private"): b"SHSK",
    ("ML-KEM", "public"): b"MLKP", ("ML-KEM", "private"): b"MLKR", ("ML-KEM", "seed"): b"MLKS",
}
PQ_TYPE = {"public": "PUBLICBLOB", "private": "PRIVATEBLOB", "seed": "PRIVATESEEDBLOB"}


def pq_type(algorithm, form):
    return ("MLKEM" if algorithm == "ML-KEM" else "PQDSA") + PQ_TYPE[form]


def pq(algorithm, form, parameter_set, key):
    name = wide(parameter_set)
    return struct.pack("<4sII", PQ_MAGIC[algorithm, form], len(name), len(key)) + name + key


def pq_private(inner_type, inner):
    name = wide(inner_type)
    return struct.pack("<4sII", b"PQPR", len(name), len(inner)) + name + inner


def rsa_aes_wrap(wrapped, hash_name, label=b""):
    name = wide(hash_name)
    return struct.pack("<4sIII", b"RAPW", len(wrapped), len(name), len(label)) + wrapped + name + label


def key_data(key):
    return struct.pack("<4sII", b"KDBM", 1, len(key)) + key


def ncrypt_key(magic, algorithm, body):
    """CipherKeyBlob, KDFKeyBlob and ProtectedKeyBlob have this header."""
    name = wide(algorithm)
    return struct.pack("<I4sII", 16, magic, len(name), len(body)) + name + body


def tpm_loadable(public, private, name):
    return struct.pack("<5I", 0x4D54504B, 20, len(public), len(private), len(name)) + public + private + name


def tpm_persistent(handle):
    return struct.pack("<3I", 0x4D54504B, 12, handle)


def isolated_key(usage, per_boot, algorithm, nonce, tag, wrapping_key, isolated):
    name = wide(algorithm)
    head = struct.pack("<8I", 0, usage, per_boot, len(name), len(nonce), len(tag), len(wrapping_key), len(isolated))
    return head + name + nonce + tag + wrapping_key + isolated
