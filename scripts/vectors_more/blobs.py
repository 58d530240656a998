"""The blobs of the set: every key, and what is put together from its numbers."""

from . import keys, layouts as lay
from .keys import CURVES, made_by
from .published import read_dsa_groups, read_pq
from .tools import Curve, be, openssl_version, seeded

HERE = "; assembled by scripts/vectors-more"
CALG_SHA1 = 0x8004
# Curves with keys in the full form: CNG name -> why.
FULL = {
    "nistP256": "with the seed of FIPS 186 and without", "nistP384": "", "nistP521": "66-byte numbers",
    "secP256k1": "a = 0", "brainpoolP256r1": "", "brainpoolP512r1": "", "brainpoolP320t1": "a = p - 3, 40 bytes",
    "secP192k1": "", "secP224k1": "the order is a byte wider than the field",
    "secP160r1": "the order is a byte wider than the field", "nistP192": "",
    "x962P239v1": "field of 239 bits",
}
TLS_GROUPS = {"nistP256": 23, "nistP384": 24, "nistP521": 25}  # IANA supported groups


def add_rsa(s):
    made = {}
    for bits in (512, 1024, 2048, 4096):
        key = "rsa%d" % bits
        made[key] = pkcs8, v = keys.rsa(bits)
        s.number(key, **v)
        for private, kind in ((0, "CAPIPUBLICBLOB"), (1, "CAPIPRIVATEBLOB")):
            s.add(key, kind, lay.capi_rsa(v, private), "RSA", bits, notes="CALG_RSA_KEYX", provenance=made_by() + HERE)
            if bits == 2048:
                s.add(key, "sign." + kind, lay.capi_rsa(v, private, lay.CALG_RSA_SIGN), "RSA", bits,
                      notes="CALG_RSA_SIGN", provenance=made_by() + HERE)
    return made


def add_curves(s):
    """ECCParameters of every curve of CNG that openssl knows."""
    for name, theirs in CURVES.items():
        curve, key = Curve.named(theirs), "curve-" + name
        s.number(key, p=curve.p, a=curve.a, b=curve.b, gx=curve.gx, gy=curve.gy, n=curve.n, h=curve.h)
        by = "%s ecparam -name %s" % (openssl_version(), theirs)
        if curve.seed:
            s.number(key, seed=curve.seed)
            s.add(key, "seed.ECCParameters", lay.ecc_parameters(curve), "EC", curve.bits, name,
                  "with seed, hash id 0", by + HERE)
        s.add(key, "ECCParameters", lay.ecc_parameters(curve, seed=b""), "EC", curve.bits, name, "no seed", by + HERE)


class Curve25519:
    """RFC 7748 section 4.1: y^2 = x^3 + 486662 x^2 + x, as A and B of a Montgomery curve."""

    p, a, b = 2**255 - 19, 486662, 1
    gx, gy = 9, 0x20AE19A1B8A086B4E01EDD2C7748D14C923D4D7E6D7C61B229E9C5A27ECED3D9
    n, h, seed, bits = 2**252 + 0x14DEF9DEA2F79CD65812631A5CF5D3ED, 8, b"", 255
    field = order = 32


def add_ecc(s):
    made = {}
    for name, why in FULL.items():
        key = name[:1].lower() + name[1:]
        pkcs8, curve, x, y, d = keys.ec(name)
        made[key] = (pkcs8, curve, x, y, d)
        s.curve_of[key] = name
        w = curve.field
        s.text(key, "curve", name)
        s.number(key, x=be(x, w), y=be(y, w), d=be(d, max(w, curve.order)))
        kinds = [("", dict(seed=b""), "no seed")]
        if curve.seed:
            kinds += [("seed.", {}, "with seed, hash id 0 (none)"),
                      ("seed-sha1.", dict(hash_id=CALG_SHA1), "with seed, hash id 0x8004 (CALG_SHA1), as .NET writes")]
        for family, magics in lay.GENERIC.items():
            for prefix, how, notes in kinds:
                notes = "; ".join(n for n in (notes, why) if n)
                for private, kind in ((0, "ECCFULLPUBLICBLOB"), (1, "ECCFULLPRIVATEBLOB")):
                    blob = lay.ecc_full(curve, magics[private], be(x, w), be(y, w), d if private else None, **how)
                    s.add(key, "%sGENERIC-%s.%s" % (prefix, family, kind), blob, family, curve.bits, name, notes,
                          made_by() + HERE)
            if curve.order <= w:
                for private, kind in ((0, "ECCPUBLICBLOB"), (1, "ECCPRIVATEBLOB")):
                    blob = lay.ecc_key(magics[private], w, *((x, y, d) if private else (x, y)))
                    s.add(key, "GENERIC-%s.%s" % (family, kind), blob, family, curve.bits, name,
                          provenance=made_by() + HERE)
        if name in TLS_GROUPS:
            s.add(key, "SSLECCPUBLICBLOB", lay.ssl_ecc_public(TLS_GROUPS[name], w, x, y), "ECDH", curve.bits, name,
                  "UNCONFIRMED: dwCurveType as TLS named group, cbKey of one coordinate, then X and Y", made_by() + HERE)
    add_curve25519(s)
    return made


def add_curve25519(s):
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    d = bytearray(seeded("curve25519", 32))
    d[0], d[31] = d[0] & 0xF8, d[31] & 0x7F | 0x40
    u = X25519PrivateKey.from_private_bytes(bytes(d)).public_key().public_bytes_raw()
    key, c = "curve25519", Curve25519
    s.text(key, "curve", "curve25519")
    s.number(key, x=u, y=bytes(32), d=bytes(d), p=c.p, a=c.a, b=c.b, gx=c.gx, gy=c.gy, n=c.n, h=c.h)
    by = "scalar of fixed bytes (clamped), u by Python cryptography" + HERE
    doubt = "UNCONFIRMED: type 3, A and B for a and b, parameters big-endian, "
    for private, kind in ((0, "ECCFULLPUBLICBLOB"), (1, "ECCFULLPRIVATEBLOB")):
        blob = lay.ecc_full(c, lay.GENERIC["ECDH"][private], u, bytes(32), bytes(d) if private else None, kind=3)
        s.add(key, "GENERIC-ECDH." + kind, blob, "ECDH", 255, key, doubt + "key as in ECCPUBLICBLOB (little-endian u, zeros)", by)
    s.add(key, "ECCParameters", lay.ecc_parameters(c, kind=3), "ECDH", 255, key, doubt[:-2], "RFC 7748 section 4.1" + HERE)


DSA = (  # key, bits, bits of q, digest, openssl's generation type, CNG hash id (v2)
    ("dsa512", 512, 160, "sha1", "fips186_2", None),
    ("dsa1024", 1024, 160, "sha1", "fips186_2", None),
    ("dsa1024-fips186-4", 1024, 160, "sha1", "fips186_4", None),
    ("dsa1536-160", 1536, 160, "sha1", "fips186_4", 0),
    ("dsa1536-256", 1536, 256, "sha256", "fips186_4", 1),
    ("dsa2048-160", 2048, 160, "sha1", "fips186_4", 0),
    ("dsa2048", 2048, 256, "sha256", "fips186_4", 1),
    ("dsa3072", 3072, 256, "sha256", "fips186_4", 1),
)


def add_dsa(s):
    made = {}
    for key, bits, q_bits, md, kind, hash_id in DSA:
        pkcs8, v, seed, count = keys.dsa(bits, q_bits, md, kind)
        made[key] = (pkcs8, v)
        s.number(key, **v, seed=seed, count=count)
        by = keys.dsa_made_by(key) + " (%s, %s)" % (kind, md) + HERE
        notes = "q of %d bits, %s, seed and counter as generated" % (q_bits, md)
        add_dsa_blobs(s, key, v, bits, by, notes, hash_id, seed, count)
    pkcs8, v = made["dsa2048-512"] = keys.dsa_wide_q(2048, 512)
    s.number("dsa2048-512", **v)
    add_dsa_blobs(s, "dsa2048-512", v, 2048, keys.dsa_made_by("dsa2048-512") + HERE, "", 2, None, None)
    for group in read_dsa_groups(s.root):
        key, bits, v = group["key"], group["p"].bit_length(), group
        s.number(key, **{f: v[f] for f in ("p", "q", "g", "x", "y", "seed", "count") if f in v})
        v2 = bits > 1024
        add_dsa_blobs(s, key, v, bits, group["from"] + HERE, group["notes"], 1 if v2 else None,
                      v.get("seed"), v.get("count"))
    return made


def add_dsa_blobs(s, key, v, bits, by, notes, hash_id, seed, count):
    v2 = hash_id is not None
    how = dict(hash_id=hash_id) if v2 else {}
    blob, parameters = (lay.dsa_v2, lay.dsa_parameters_v2) if v2 else (lay.dsa_v1, lay.dsa_parameters_v1)
    forms = [("", count, seed, notes)] if seed else []
    forms.append(("noseed.", None, None, "seed and counter unknown: 0xFF"))
    doubt = "UNCONFIRMED: order seed, q, p, g by analogy; " if v2 else ""
    for prefix, c, sd, said in forms:
        if "x" in v:
            for private, kind in ((0, "DSAPUBLICBLOB"), (1, "DSAPRIVATEBLOB")):
                s.add(key, prefix + kind, blob(v, private, c, sd, **how), "DSA", bits, notes=said, provenance=by)
        s.add(key, prefix + "DSAParameters", parameters(v, c, sd, **how), "DSA", bits, notes=doubt + said, provenance=by)
        if "x" not in v:
            continue
        for private, kind in ((0, "CAPIDSAPUBLICBLOB"), (1, "CAPIDSAPRIVATEBLOB")):
            if not v2:
                data = lay.capi_dsa_v2(v, private, c, sd)
                s.add(key, prefix + kind, data, "DSA", bits, notes="DSS%d, version 2; %s" % (private + 1, said), provenance=by)
                s.add(key, prefix + "V2" + kind, data, "DSA", bits,
                      notes="UNCONFIRMED: taken to be the version 2 bytes; " + said, provenance=by)
            if sd is None or len(sd) == 20:
                s.add(key, prefix + "v3." + kind, lay.capi_dsa_v3(v, private, c, sd), "DSA", bits,
                      notes="UNCONFIRMED: DSS%d, version 3, no j; %s" % (private + 3, said), provenance=by)


DH = (  # key, options of openssl
    ("dh512", ("dh_paramgen_prime_len:512",)),
    ("dh1024", ("dh_paramgen_prime_len:1024", "dh_paramgen_generator:5")),
    ("dh2048-ffdhe", ("group:ffdhe2048",)),
    ("dh2048-x942", ("dh_paramgen_type:2", "dh_paramgen_prime_len:2048", "dh_paramgen_subprime_len:256")),
    ("dh3072-modp", ("group:modp_3072",)),
    ("dh4096-ffdhe", ("group:ffdhe4096",)),
)


def add_dh(s):
    made = {}
    for key, options in DH:
        pkcs8, v = keys.dh(*options)
        made[key] = (pkcs8, v)
        bits = v["p"].bit_length()
        if "q" in v:
            v["j"] = (v["p"] - 1) // v["q"]
        s.number(key, **v)
        by, notes = made_by() + HERE, "%s; x of %d bits" % (" ".join(options), v["x"].bit_length())
        for private, kind in ((0, "DHPUBLICBLOB"), (1, "DHPRIVATEBLOB")):
            s.add(key, kind, lay.dh_key(v, private), "DH", bits, notes=notes, provenance=by)
            kind = "CAPI" + kind
            bare = {f: v[f] for f in "pgyx"}
            s.add(key, kind, lay.capi_dh_v3(bare, private), "DH", bits,
                  notes="UNCONFIRMED: lengths in bits of whole bytes; version 3, CALG_DH_EPHEM, no q, no j, seed unknown", provenance=by)
            s.add(key, "v1." + kind, lay.capi_dh_v1(v, private, lay.CALG_DH_SF), "DH", bits,
                  notes="version 2 blob with magic DH%d, CALG_DH_SF%s" % (private + 1, "" if private else ": y only"),
                  provenance=by)
            if "q" in v:
                s.add(key, "q." + kind, lay.capi_dh_v3(dict(bare, q=v["q"]), private), "DH", bits,
                      notes="UNCONFIRMED: lengths in bits of whole bytes; version 3 with q", provenance=by)
                s.add(key, "qj." + kind, lay.capi_dh_v3(v, private), "DH", bits,
                      notes="UNCONFIRMED: lengths in bits of whole bytes; version 3 with q and j = (p-1)/q", provenance=by)
        s.add(key, "DHParameters", lay.dh_parameters(v), "DH", bits, notes=" ".join(options), provenance=by)
    return made


def add_pq(s):
    for group in read_pq(s.root):
        key, algorithm, name, by = group["key"], group["algorithm"], group["set"], group["from"] + HERE
        for form in ("public", "private", "seed"):
            if form not in group:
                continue
            s.number(key, **{form: group[form]})
            blob, kind = lay.pq(algorithm, form, name, group[form]), lay.pq_type(algorithm, form)
            bits = len(group["public"]) * 8
            s.add(key, kind, blob, algorithm, bits, notes=name, provenance=by)
            if form != "public" and group.get("wrapped"):
                s.add(key, kind + ".PQPrivateKeyBlob", lay.pq_private(kind, blob), algorithm, bits,
                      notes="%s, a %s inside" % (name, kind), provenance=by)


def add_symmetric(s):
    keys_ = {"3des": ("3DES", seeded("3des", 24)), "3des-112": ("3DES_112", seeded("3des-112", 16)),
             "hmac256": ("HMAC", seeded("hmac256", 32)), "aes128-more": ("AES", seeded("aes128", 16)),
             "aes256-more": ("AES", seeded("aes256", 32))}
    by = "fixed bytes (SHAKE-256 of a name)"
    for key, (algorithm, k) in keys_.items():
        s.number(key, k=k)
        bits = len(k) * 8
        s.add(key, "raw", k, algorithm, bits, provenance=by)
        if algorithm == "HMAC":
            continue
        s.add(key, "KeyDataBlob", lay.key_data(k), algorithm, bits, provenance=by + HERE)
        s.add(key, "CipherKeyBlob", lay.ncrypt_key(b"CPHR", algorithm, lay.key_data(k)), algorithm, bits,
              provenance=by + HERE)
    parity = bytes(b & 0xFE | (bin(b >> 1).count("1") + 1) % 2 for b in keys_["3des"][1])
    s.number("3des-parity", k=parity)
    s.add("3des-parity", "KeyDataBlob", lay.key_data(parity), "3DES", 192, notes="odd parity in every byte",
          provenance=by + HERE)
    s.add("3des-parity", "CipherKeyBlob", lay.ncrypt_key(b"CPHR", "3DES", lay.key_data(parity)), "3DES", 192,
          notes="odd parity in every byte", provenance=by + HERE)
    return {key: k for key, (_, k) in keys_.items()}


def add_wraps(s, rsa, ecc, symmetric):
    """PKCS11RsaAesWrapBlob: RSA-OAEP of an AES-256 key, then RFC 5649 of the target."""
    from cryptography.hazmat.primitives import hashes, keywrap
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.serialization import load_der_private_key
    import cryptography

    by = "OAEP and RFC 5649 by Python cryptography %s; OpenSSL keys" % cryptography.__version__ + HERE
    targets = {
        "aes256-more": (symmetric["aes256-more"], "AES", 256), "aes128-more": (symmetric["aes128-more"], "AES", 128),
        "nistP256": (ecc["nistP256"][0], "EC", 256), "nistP521": (ecc["nistP521"][0], "EC", 521),
        "rsa1024": (rsa["rsa1024"][0], "RSA", 1024),
    }
    for hash_name in ("SHA1", "SHA256", "SHA384", "SHA512"):
        for kek, label in (("rsa2048", b""), ("rsa2048", b"a label"), ("rsa4096", b"")):
            public = load_der_private_key(rsa[kek][0], None).public_key()
            digest = getattr(hashes, hash_name)()
            for key, (data, algorithm, bits) in targets.items():
                if kek == "rsa4096" and key != "aes256-more" or label and key not in ("aes256-more", "nistP256"):
                    continue
                kind = "%s-%s%s" % (kek, hash_name.lower(), "-label" if label else "")
                aes = seeded(kind + key, 32)
                wrapped = public.encrypt(aes, padding.OAEP(padding.MGF1(digest), digest, label or None))
                wrapped += keywrap.aes_key_wrap_with_padding(aes, data)
                notes = "wrapping key %s, OAEP %s%s; %s inside" % (
                    kek, hash_name, ", label 'a label'" if label else "", "raw key" if algorithm == "AES" else "PKCS#8")
                s.add(key, kind + ".PKCS11RsaAesWrapBlob", lay.rsa_aes_wrap(wrapped, hash_name, label), algorithm, bits,
                      notes=notes, provenance=by)


def add_opaque(s):
    """What is recognised by name only."""
    by = "synthetic: lengths as the layout has them, bodies of fixed bytes" + HERE
    put = lambda key, kind, data, notes: s.add(key, kind, data, "-", 0, notes=notes, provenance=by)
    for n, algorithm in enumerate(("HKDF", "PBKDF2", "SP800_108_CTR_HMAC")):
        body = seeded("kdf%d" % n, 32)
        put("opaque-kdf%d" % n, "KDFKeyBlob", lay.ncrypt_key(b"KDF1", algorithm, body), algorithm + "; body UNCONFIRMED")
    for n, algorithm in enumerate(("AES", "3DES", "RSA")):
        body = seeded("protected%d" % n, 48 + n)
        put("opaque-protected%d" % n, "ProtectedKeyBlob", lay.ncrypt_key(b"PRTK", algorithm, body),
            algorithm + "; body UNCONFIRMED")
    for n, sizes in enumerate(((280, 192, 34), (90, 126, 0), (0, 0, 0))):
        parts = [seeded("tpm%d%d" % (n, i), size) for i, size in enumerate(sizes)]
        put("opaque-tpm%d" % n, "PcpTpmProtectedKeyBlob", lay.tpm_loadable(*parts),
            "public %d, private %d, name %d bytes" % sizes)
        put("opaque-tpm%d" % n, "PcpTpmPersistentKeyBlob", lay.tpm_persistent(0x81000001 + n), "a TPM handle")
    for n, algorithm in enumerate(("RSA", "ECDSA_P256", "ECDH_P384")):
        parts = [seeded("isolated%d%d" % (n, i), size) for i, size in enumerate((12, 16, 256, 100 + n))]
        put("opaque-isolated%d" % n, "ISOLATED_KEY_ENVELOPE", lay.isolated_key(1 + n, n & 1, algorithm, *parts), algorithm)


def add_appendix(s):
    """The layouts' smallest worked examples: keys that can be written by hand."""
    p256 = Curve.named("prime256v1")
    s.text("d-is-1", "curve", "nistP256")
    s.number("d-is-1", x=be(p256.gx, 32), y=be(p256.gy, 32), d=be(1, 32))
    by = "base point as openssl has it, d = 1" + HERE
    for family, (public, private) in {"ECDSA": (0x31534345, 0x32534345), "ECDH": (0x314B4345, 0x324B4345)}.items():
        s.add("d-is-1", family + ".ECCPUBLICBLOB", lay.ecc_key(public, 32, p256.gx, p256.gy), family + "_P256", 256,
              "nistP256", "d = 1", by)
        s.add("d-is-1", family + ".ECCPRIVATEBLOB", lay.ecc_key(private, 32, p256.gx, p256.gy, 1), family + "_P256", 256,
              "nistP256", "d = 1", by)
    # The rest is literal, so that a mistake of layouts.py shows.
    key, u = bytes(range(16)), "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f"
    scalar = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e5f"
    data = "4b44424d0100000010000000" + key.hex()
    s.number("aes-00-0f", k=key)
    s.text("curve25519-00-5f", "curve", "curve25519")
    s.number("curve25519-00-5f", x=bytes.fromhex(u), y=bytes(32), d=bytes.fromhex(scalar))
    put = lambda key, kind, text, *args: s.add(key, kind, bytes.fromhex(text), *args, provenance="worked by hand, literal bytes")
    put("aes-00-0f", "KeyDataBlob", data, "AES", 128, "-", "key 00 01 ... 0f")
    put("aes-00-0f", "CipherKeyBlob", "1000000043504852080000001c0000004100450053000000" + data, "AES", 128, "-",
        "key 00 01 ... 0f")
    put("curve25519-00-5f", "GENERIC-ECDH.ECCPUBLICBLOB", "45434b5020000000" + u + "00" * 32, "ECDH", 255, "curve25519",
        "scalar 00 01 ... 1e 5f")
    put("curve25519-00-5f", "GENERIC-ECDH.ECCPRIVATEBLOB", "45434b5620000000" + u + "00" * 32 + scalar, "ECDH", 255,
        "curve25519", "scalar 00 01 ... 1e 5f")


def add(s):
    """All blobs; the keys they are of, for the files."""
    made = {"rsa": add_rsa(s)}
    add_curves(s)
    made["ecc"] = add_ecc(s)
    made["dsa"] = add_dsa(s)
    made["dh"] = add_dh(s)
    add_pq(s)
    made["symmetric"] = add_symmetric(s)
    add_wraps(s, made["rsa"], made["ecc"], made["symmetric"])
    add_opaque(s)
    add_appendix(s)
    return made
