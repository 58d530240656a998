"""Read the blobs back, field by field with a cursor, apart from the code that wrote them.

read(type, bytes) gives {field of numbers.tsv: bytes}, big-endian whatever the blob has. Every byte must be accounted
for, every header value must be one that the layout allows.
"""

from .tools import Bad


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise Bad("%d bytes wanted at %d of %d" % (size, self.at, len(self.data)))
        self.at += size
        return self.data[self.at - size:self.at]

    def u32(self):
        return int.from_bytes(self.take(4), "little")

    def little(self, size):
        return self.take(size)[::-1]

    def text(self, size):
        raw = self.take(size).decode("utf-16-le")
        if not raw.endswith("\0") or "\0" in raw[:-1]:
            raise Bad("string not ended by one NUL")
        return raw[:-1]

    def one_of(self, *allowed):
        got = self.take(4)
        if got not in allowed:
            raise Bad("magic %r at %d" % (got, self.at - 4))
        return got

    def end(self):
        if self.at != len(self.data):
            raise Bad("%d bytes too many" % (len(self.data) - self.at))


def must(condition, what):
    if not condition:
        raise Bad(what)


def seed_fields(count, seed):
    """Nothing, when seed and counter are said to be unknown."""
    if set(count) | set(seed) == {0xFF}:
        return {}
    return {"count": count, "seed": seed}


def read_curve(c):
    must(c.u32() == 1, "dwVersion")
    kind, hash_id, field, order, cofactor, seed = [c.u32() for _ in range(6)]
    must(kind in (1, 3) and hash_id in (0, 0x8004), "curve type or hash")
    out = {name: c.take(field) for name in ("p", "a", "b", "gx", "gy")}
    out.update(n=c.take(order), h=c.take(cofactor))
    if seed:
        out["seed"] = c.take(seed)
    return out, field, order


def ecc_full(c, private):
    c.one_of(*((b"ECKV", b"ECDV") if private else (b"ECKP", b"ECDP")))
    out, field, order = read_curve(c)
    out.update(x=c.take(field), y=c.take(field))
    if private:
        out["d"] = c.take(order)
    return out


def ecc_key(c, private):
    c.one_of(*((b"ECKV", b"ECDV", b"ECS2", b"ECK2") if private else (b"ECKP", b"ECDP", b"ECS1", b"ECK1")))
    width = c.u32()
    return {f: c.take(width) for f in ("xyd" if private else "xy")}


def ssl_ecc(c, _):
    must(c.u32() in (23, 24, 25), "dwCurveType")
    width = c.u32()
    return {"x": c.take(width), "y": c.take(width)}


def dsa_key(c, private):
    magic = c.one_of(*((b"DSPV", b"DPV2") if private else (b"DSPB", b"DPB2")))
    width = c.u32()
    if magic[2:] != b"B2" and magic[2:] != b"V2":
        count, seed, group = c.take(4), c.take(20), 20
    else:
        hash_id, standard, seed_size, group = [c.u32() for _ in range(4)]
        must(hash_id < 3 and standard < 2 and group == (20, 32, 64)[hash_id], "hash, standard or group")
        count, seed = c.take(4), c.take(seed_size)
    out = dict(seed_fields(count, seed), q=c.take(group))
    out.update({f: c.take(width) for f in "pgy"})
    if private:
        out["x"] = c.take(group)
    return out


def dsa_parameters(c, _):
    must(c.u32() == len(c.data), "cbLength")
    version = c.one_of(b"DSPM", b"DPM2")
    width = c.u32()
    if version == b"DSPM":
        count, seed, group = c.take(4), c.take(20), 20
    else:
        must(c.u32() < 3 and c.u32() < 2, "hash or standard")
        seed_size, group = c.u32(), c.u32()
        count, seed = c.take(4), c.take(seed_size)
    return dict(seed_fields(count, seed), q=c.take(group), p=c.take(width), g=c.take(width))


def dh_key(c, private):
    c.one_of(b"DHPV" if private else b"DHPB")
    width = c.u32()
    return {f: c.take(width) for f in ("pgyx" if private else "pgy")}


def dh_parameters(c, _):
    must(c.u32() == len(c.data), "cbLength")
    c.one_of(b"DHPM")
    width = c.u32()
    return {"p": c.take(width), "g": c.take(width)}


def capi(c, private, algorithms):
    """The BLOBHEADER; gives the version."""
    kind, version = c.take(2)
    must(kind == (7 if private else 6) and c.take(2) == b"\0\0" and c.u32() in algorithms, "BLOBHEADER")
    return version


def capi_rsa(c, private):
    must(capi(c, private, (0xA400, 0x2400)) == 2, "bVersion")
    c.one_of(b"RSA2" if private else b"RSA1")
    size = c.u32() // 8
    out = {"e": c.little(4), "n": c.little(size)}
    if private:
        out.update({f: c.little(size // 2) for f in ("p", "q", "dp", "dq", "qinv")}, d=c.little(size))
    return out


def capi_group(c, private, algorithms, magics):
    """DSS and DH; magics of version 2 (public, private) and of version 3."""
    version = capi(c, private, algorithms)
    magic = c.one_of(magics[(version - 2) * 2 + private])
    size = c.u32() // 8
    if version == 3:
        q, j = c.u32(), c.u32()
        x = c.u32() if private else 0
        seed = seed_fields(c.little(4), c.take(20))
        out = dict(seed, p=c.little(size))
        if q:
            out["q"] = c.little((q + 7) // 8)
        out["g"] = c.little(size)
        if j:
            out["j"] = c.little((j + 7) // 8)
        out["y"] = c.little(size)
        if private:
            out["x"] = c.little((x + 7) // 8)
    elif magic.startswith(b"DSS"):
        out = {"p": c.little(size), "q": c.little(20), "g": c.little(size)}
        out["x" if private else "y"] = c.little(20 if private else size)
        out.update(seed_fields(c.little(4), c.take(20)))
    else:
        out = {f: c.little(size) for f in ("pgx" if private else "y")}
    return out


def capi_dsa(c, private):
    return capi_group(c, private, (0x2200,), (b"DSS1", b"DSS2", b"DSS3", b"DSS4"))


def capi_dh(c, private):
    return capi_group(c, private, (0xAA01, 0xAA02), (b"\0DH1", b"\0DH2", b"\0DH3", b"\0DH4"))


# (magic) -> (form, parameter sets, length of the key in each), FIPS 203 to 205
PQ = {
    b"DSPK": ("public", {"44": 1312, "65": 1952, "87": 2592}), b"DSSK": ("private", {"44": 2560, "65": 4032, "87": 4896}),
    b"DSSS": ("seed", {"44": 32, "65": 32, "87": 32}),
    b"MLKP": ("public", {"512": 800, "768": 1184, "1024": 1568}),
    b"MLKR": ("private", {"512": 1632, "768": 2400, "1024": 3168}), b"MLKS": ("seed", {"512": 64, "768": 64, "1024": 64}),
}
SLH = {"%s-%d%s" % (h, n, s): n // 4 for h in ("SHA2", "SHAKE") for n in (128, 192, 256) for s in "sf"}
PQ[b"SHPK"] = ("public", SLH)
PQ[b"SHSK"] = ("private", {name: 2 * size for name, size in SLH.items()})


def pq(c, form):
    magic = c.one_of(*[m for m, (f, _) in PQ.items() if f == form])
    name_size, size = c.u32(), c.u32()
    name = c.text(name_size)
    must(PQ[magic][1].get(name) == size, "no %s of %d bytes" % (name, size))
    return {form: c.take(size)}


def pq_private(c, _):
    c.one_of(b"PQPR")
    name_size, size = c.u32(), c.u32()
    return read(c.text(name_size), c.take(size))


def key_data(c, _):
    c.one_of(b"KDBM")
    must(c.u32() == 1, "dwVersion")
    return {"k": c.take(c.u32())}


def ncrypt_header(c, magic):
    must(c.u32() == 16, "cbSize")
    c.one_of(magic)
    name_size, size = c.u32(), c.u32()
    return {"name": c.text(name_size), "body": c.take(size)}


def cipher_key(c, _):
    outer = ncrypt_header(c, b"CPHR")
    return dict(read("KeyDataBlob", outer["body"]), name=outer["name"])


def rsa_aes_wrap(c, _):
    c.one_of(b"RAPW")
    size, name_size, label_size = c.u32(), c.u32(), c.u32()
    out = {"wrapped": c.take(size), "hash": c.text(name_size).encode(), "label": c.take(label_size)}
    return out


def tpm_loadable(c, _):
    c.one_of(b"KPTM")
    must(c.u32() == 20, "cbHeader")
    sizes = [c.u32() for _ in range(3)]
    return dict(zip(("tpm-public", "tpm-private", "tpm-name"), map(c.take, sizes)))


def tpm_persistent(c, _):
    c.one_of(b"KPTM")
    must(c.u32() == 12, "cbHeader")
    return {"tpm-handle": c.take(4)}


def isolated(c, _):
    must(c.u32() == 0, "Version")
    c.u32(), c.u32()
    name, *sizes = [c.u32() for _ in range(5)]
    return {"name": c.text(name), **{"isolated%d" % i: c.take(size) for i, size in enumerate(sizes)}}


READERS = {
    "ECCFULLPUBLICBLOB": (ecc_full, False), "ECCFULLPRIVATEBLOB": (ecc_full, True),
    "ECCPUBLICBLOB": (ecc_key, False), "ECCPRIVATEBLOB": (ecc_key, True),
    "ECCParameters": (lambda c, _: read_curve(c)[0], None), "SSLECCPUBLICBLOB": (ssl_ecc, False),
    "DSAPUBLICBLOB": (dsa_key, False), "DSAPRIVATEBLOB": (dsa_key, True), "DSAParameters": (dsa_parameters, None),
    "DHPUBLICBLOB": (dh_key, False), "DHPRIVATEBLOB": (dh_key, True), "DHParameters": (dh_parameters, None),
    "CAPIPUBLICBLOB": (capi_rsa, False), "CAPIPRIVATEBLOB": (capi_rsa, True),
    "CAPIDSAPUBLICBLOB": (capi_dsa, False), "CAPIDSAPRIVATEBLOB": (capi_dsa, True),
    "V2CAPIDSAPUBLICBLOB": (capi_dsa, False), "V2CAPIDSAPRIVATEBLOB": (capi_dsa, True),
    "CAPIDHPUBLICBLOB": (capi_dh, False), "CAPIDHPRIVATEBLOB": (capi_dh, True),
    "PQDSAPUBLICBLOB": (pq, "public"), "PQDSAPRIVATEBLOB": (pq, "private"), "PQDSAPRIVATESEEDBLOB": (pq, "seed"),
    "MLKEMPUBLICBLOB": (pq, "public"), "MLKEMPRIVATEBLOB": (pq, "private"), "MLKEMPRIVATESEEDBLOB": (pq, "seed"),
    "PQPrivateKeyBlob": (pq_private, None), "KeyDataBlob": (key_data, None),
    "CipherKeyBlob": (cipher_key, None),
    "KDFKeyBlob": (lambda c, _: ncrypt_header(c, b"KDF1"), None),
    "ProtectedKeyBlob": (lambda c, _: ncrypt_header(c, b"PRTK"), None),
    "PKCS11RsaAesWrapBlob": (rsa_aes_wrap, None), "PcpTpmProtectedKeyBlob": (tpm_loadable, None),
    "PcpTpmPersistentKeyBlob": (tpm_persistent, None), "ISOLATED_KEY_ENVELOPE": (isolated, None),
}


def read(kind, data):
    reader, argument = READERS[kind]
    cursor = Cursor(data)
    out = reader(cursor, argument)
    cursor.end()
    return out
