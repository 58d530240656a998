"""The files of the rest of the world: PKCS#8, PKCS#1, SEC 1, SPKI, traditional PEM, certificates, PKCS#12."""

import pathlib
import tempfile

from . import keys, pfx
from .keys import CURVES, made_by, spki_of, to_pkcs8
from .pfx import PASSWORD
from .tools import Bad, bits, der, der_int, octets, oid, openssl, openssl_with_file, parse, pem, seq

ENV = {"VECTOR_PASSWORD": PASSWORD}
PBES2 = [("pbes2-%s-%s" % (cipher, prf), ("-v2", name, "-v2prf", "hmacWith" + prf.upper()))
         for cipher, name in (("aes128", "aes-128-cbc"), ("aes192", "aes-192-cbc"), ("aes256", "aes-256-cbc"), ("des3", "des3"))
         for prf in ("sha1", "sha256", "sha384", "sha512")]
SCHEMES = dict(PBES2, **{
    "scrypt": ("-scrypt", "-scrypt_N", "1024", "-scrypt_r", "8", "-scrypt_p", "1"),
    "scrypt-aes128": ("-v2", "aes-128-cbc", "-scrypt", "-scrypt_N", "2048", "-scrypt_r", "4", "-scrypt_p", "2"),
    "pbe-sha1-3des": ("-v1", "PBE-SHA1-3DES"),
})
# Bits of keyUsage as Windows writes them, with the unused bits of the BIT STRING.
KEY_USAGE = {"digitalSignature": (0x80, 7), "keyAgreement": (0x08, 3), "dataEncipherment": (0x10, 4)}


class Files:
    """Adds files of one key under one description."""

    def __init__(self, s, key, algorithm, bit_length, curve="-", by=None):
        self.s, self.key, self.by = s, key, by or made_by()
        self.args = dict(algorithm=algorithm, bits=bit_length, curve=curve)

    def add(self, kind, data, how="", notes="-", ext="bin"):
        self.s.add(self.key, kind, data, notes=notes, provenance="; ".join(p for p in (self.by, how) if p), ext=ext, **self.args)

    def both(self, kind, data, label, how, notes="-"):
        """DER, and the same in PEM under a type that ends in -pem."""
        self.add(kind, data, how, notes)
        kind = kind.replace("PKCS8_PRIVATEKEY", "pkcs8") + "-pem"
        self.add(kind, pem(label, data), how + "; PEM by scripts/vectors-more", notes, "pem")

    def pkcs8_and_spki(self, pkcs8, prefix="", notes="-", both=True):
        put = self.both if both else lambda kind, data, _, how, notes: self.add(kind, data, how, notes)
        put(prefix + "PKCS8_PRIVATEKEY", pkcs8, "PRIVATE KEY", "openssl pkcs8 -topk8", notes)
        put(prefix + "spki", spki_of(pkcs8), "PUBLIC KEY", "openssl pkey -pubout", notes)

    def encrypted(self, pkcs8, schemes):
        if "scrypt-aes128" in schemes:
            for name in ("pbes2-aes256-sha256", "pbe-sha1-3des"):
                data = openssl("pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-passout", "pass:", "-iter", "1",
                               *SCHEMES[name], data=pkcs8)
                self.add("%s-empty.encrypted-pkcs8" % name, data, "openssl pkcs8 -topk8 -iter 1", "password: none (empty)")
        for name in schemes:
            data = openssl("pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-passout", "env:VECTOR_PASSWORD",
                           *(() if "scrypt" in name else ("-iter", "2048")), *SCHEMES[name], data=pkcs8, env=ENV)
            self.add(name + ".encrypted-pkcs8", data, "openssl pkcs8 -topk8 " + " ".join(SCHEMES[name]),
                     "password: " + PASSWORD)
            if name in ("pbes2-aes256-sha256", "scrypt"):
                self.add(name + ".encrypted-pkcs8-pem", pem("ENCRYPTED PRIVATE KEY", data),
                         "openssl pkcs8 -topk8; PEM by scripts/vectors-more", "password: " + PASSWORD, "pem")

    def key_usage(self, pkcs8, usages):
        """PrivateKeyInfo with the attribute that Windows writes for a key of limited use."""
        for usage in usages:
            octet, unused = KEY_USAGE[usage]
            attribute = seq(oid("2.5.29.15"), der(0x31, bits(bytes([octet]), unused)))
            data = seq(*[c.raw for c in parse(pkcs8).children[:3]], der(0xA0, attribute))
            if spki_of(data) != spki_of(pkcs8):
                raise Bad("openssl does not read the attribute")
            self.add("usage-%s.PKCS8_PRIVATEKEY" % usage, data, "attribute keyUsage added by scripts/vectors-more", usage)

    def one_asymmetric_key(self, pkcs8):
        """RFC 5958 version 2, with the public key."""
        point = parse(spki_of(pkcs8))[1].content
        data = seq(der_int(1), *[c.raw for c in parse(pkcs8).children[1:3]], der(0x81, point))
        self.add("v2.PKCS8_PRIVATEKEY", data, "version and [1] publicKey by scripts/vectors-more", "RFC 5958 version v2")

    def certificate(self, pkcs8, *options):
        data = openssl_with_file("KEY", pem("PRIVATE KEY", pkcs8), "req", "-x509", "-new", "-key", "KEY", "-subj",
                                 "/CN=" + self.key, "-days", "36500", "-outform", "DER", *options)
        self.both("cert", data, "CERTIFICATE", "openssl req -x509", "self-signed")


def add_rsa(s, made):
    for key, (pkcs8, v) in made.items():
        f = Files(s, key, "RSA", v["n"].bit_length())
        large = key == "rsa2048"
        f.pkcs8_and_spki(pkcs8, both=large)
        pkcs1 = openssl("rsa", "-traditional", "-inform", "DER", "-outform", "DER", data=pkcs8)
        public = openssl("rsa", "-RSAPublicKey_out", "-inform", "DER", "-outform", "DER", data=pkcs8)
        f.both("pkcs1", pkcs1, "RSA PRIVATE KEY", "openssl rsa -traditional")
        f.both("pkcs1-public", public, "RSA PUBLIC KEY", "openssl rsa -RSAPublicKey_out")
        if not large:
            continue
        f.encrypted(pkcs8, SCHEMES)
        f.key_usage(pkcs8, ("digitalSignature", "dataEncipherment"))
        f.certificate(pkcs8)
    pkcs8 = keys.genpkey("RSA-PSS", "rsa_keygen_bits:2048", "rsa_pss_keygen_md:sha256", "rsa_pss_keygen_mgf1_md:sha256",
                         "rsa_pss_keygen_saltlen:32")
    s.number("rsa2048-pss", **keys.rsa_numbers(pkcs8))
    f = Files(s, "rsa2048-pss", "RSA", 2048, by=made_by() + " RSA-PSS with SHA-256, salt of 32")
    f.pkcs8_and_spki(pkcs8, notes="id-RSASSA-PSS with parameters")
    f.certificate(pkcs8)


def explicit(sec1):
    return openssl("ec", "-inform", "DER", "-outform", "DER", "-param_enc", "explicit", data=sec1)


def without_public(pkcs8):
    """The PKCS#8 with no public key inside."""
    info = parse(pkcs8)
    inner = parse(info[2].content)
    inner = seq(*[c.raw for c in inner.children if c.tag != 0xA1])
    return seq(info[0].raw, info[1].raw, octets(inner), *[c.raw for c in info.children[3:]])


def add_ec(s, made):
    for key, (pkcs8, curve, x, y, d) in made.items():
        name = s.curve_of[key]
        f = Files(s, key, "EC", curve.bits, name)
        main = name in ("nistP256", "nistP384", "nistP521", "secP256k1", "brainpoolP256r1")
        f.pkcs8_and_spki(pkcs8, both=name == "nistP256")
        sec1 = openssl("ec", "-inform", "DER", "-outform", "DER", data=pkcs8)
        f.both("sec1", sec1, "EC PRIVATE KEY", "openssl ec") if main else f.add("sec1", sec1, "openssl ec")
        full = explicit(sec1)
        full8 = to_pkcs8(full)
        f.add("explicit.PKCS8_PRIVATEKEY", full8, "openssl ec -param_enc explicit", "explicit parameters")
        f.add("explicit.spki", spki_of(full8), "openssl ec -param_enc explicit", "explicit parameters")
        f.add("explicit.sec1", full, "openssl ec -param_enc explicit", "explicit parameters")
        if not main:
            continue
        strip = "public key taken out by scripts/vectors-more"
        f.add("nopublic.PKCS8_PRIVATEKEY", without_public(pkcs8), strip, "no public key")
        f.add("explicit-nopublic.PKCS8_PRIVATEKEY", without_public(full8), strip, "explicit parameters, no public key")
        bare = openssl("ec", "-no_public", "-inform", "DER", "-outform", "DER", data=pkcs8)
        f.add("nopublic.sec1", bare, "openssl ec -no_public", "no public key")
        f.add("explicit-nopublic.sec1", explicit(bare), "openssl ec -no_public -param_enc explicit",
              "explicit parameters, no public key")
        parameters = openssl("ecparam", "-name", CURVES[name])
        f.add("parameters.sec1-pem", parameters + pem("EC PRIVATE KEY", sec1), "openssl ecparam, openssl ec",
              "block EC PARAMETERS before the key", "pem")
        inner = parse(sec1)
        f.add("noparameters.sec1", seq(*[c.raw for c in inner.children if c.tag != 0xA0]),
              "parameters taken out by scripts/vectors-more", "the curve is not named: to be refused unless told")
        f.add("compressed.spki", openssl("ec", "-conv_form", "compressed", "-pubout", "-inform", "DER", "-outform", "DER",
                                         data=pkcs8), "openssl ec -conv_form compressed", "compressed point")
        f.add("hybrid.spki", openssl("ec", "-conv_form", "hybrid", "-pubout", "-inform", "DER", "-outform", "DER",
                                     data=pkcs8), "openssl ec -conv_form hybrid", "hybrid point form (06 or 07)")
        f.certificate(pkcs8)
        if name in ("nistP256", "nistP521", "secP256k1"):
            f.key_usage(pkcs8, ("digitalSignature", "keyAgreement"))
        if name == "nistP256":
            f.encrypted(pkcs8, SCHEMES)
            f.one_asymmetric_key(pkcs8)
            add_odd_pem(f, pkcs8)


def add_odd_pem(f, pkcs8):
    """PEM as it comes along: other line ends, text around the block, several blocks."""
    text = pem("PRIVATE KEY", pkcs8)
    how = "PEM by scripts/vectors-more"
    shown = openssl("pkey", "-inform", "DER", "-text", data=pkcs8)
    f.add("crlf.pkcs8-pem", text.replace(b"\n", b"\r\n"), how, "line ends CR LF", "pem")
    f.add("text.pkcs8-pem", shown, "openssl pkey -text", "text behind the block", "pem")
    f.add("around.pkcs8-pem", b"Bag Attributes\n    friendlyName: a key\n" + text + b"the end\n", how,
          "text before and behind the block, as openssl pkcs12 writes it", "pem")
    f.add("public-after.pkcs8-pem", text + pem("PUBLIC KEY", spki_of(pkcs8)), how, "the public key in a second block", "pem")
    f.add("one-line.pkcs8-pem", text.replace(b"\n", b"").replace(b"KEY-----M", b"KEY-----\nM").replace(
        b"-----END", b"\n-----END") + b"\n", how, "all of Base64 in one line", "pem")


def add_dsa(s, made):
    pkcs8, v, seed, count = keys.dsa(2048, 224, "sha224")
    s.number("dsa2048-224", **v, seed=seed, count=count)
    made = dict(made, **{"dsa2048-224": (pkcs8, v)})
    for key, (pkcs8, v) in made.items():
        f = Files(s, key, "DSA", v["p"].bit_length(), by=keys.dsa_made_by(key))
        notes = "q of 224 bits: no CNG blob can say it" if key == "dsa2048-224" else "-"
        f.pkcs8_and_spki(pkcs8, notes=notes, both=key == "dsa2048")
        old = seq(der_int(0), *[der_int(v[n]) for n in "pqgyx"])
        how = "traditional form (version, p, q, g, y, x) by scripts/vectors-more"
        f.both("dsa", old, "DSA PRIVATE KEY", how)
        if openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", data=old) != spki_of(pkcs8):
            raise Bad("openssl reads another key in the traditional form of " + key)
        if key in ("dsa2048", "dsa1024"):
            f.certificate(pkcs8)
            f.key_usage(pkcs8, ("digitalSignature",))
            f.encrypted(pkcs8, ("pbes2-aes256-sha256", "pbe-sha1-3des"))


def add_dh(s, made):
    issuer = keys.genpkey("EC", "ec_paramgen_curve:P-256")
    for key, (pkcs8, v) in made.items():
        f = Files(s, key, "DH", v["p"].bit_length())
        f.pkcs8_and_spki(pkcs8, notes="X9.42, with q" if "q" in v else "PKCS#3", both=key == "dh2048-ffdhe")
        if key in ("dh2048-ffdhe", "dh2048-x942"):
            f.key_usage(pkcs8, ("keyAgreement",))
            f.encrypted(pkcs8, ("pbes2-aes256-sha256", "pbe-sha1-3des"))
            add_issued(f, pkcs8, issuer)


def add_issued(f, pkcs8, issuer):
    """A certificate of a key that cannot sign."""
    with tempfile.TemporaryDirectory() as tmp:
        at = lambda name, data: (pathlib.Path(tmp, name).write_bytes(data), pathlib.Path(tmp, name))[1]
        ca_key = at("ca.key", pem("PRIVATE KEY", issuer))
        ca = at("ca.pem", openssl("req", "-x509", "-new", "-key", ca_key, "-subj", "/CN=issuer", "-days", "36500"))
        public = at("pub.pem", pem("PUBLIC KEY", spki_of(pkcs8)))
        data = openssl("x509", "-new", "-force_pubkey", public, "-subj", "/CN=" + f.key, "-CA", ca, "-CAkey", ca_key,
                       "-days", "36500", "-outform", "DER")
        f.both("cert", data, "CERTIFICATE", "openssl x509 -force_pubkey", "issued by a P-256 key")


def add_okp(s):
    """X25519, X448, Ed25519 and Ed448 of RFC 8410."""
    issuer = keys.genpkey("EC", "ec_paramgen_curve:P-256")
    made = {}
    for name, size in (("X25519", 32), ("X448", 56), ("Ed25519", 32), ("Ed448", 57)):
        pkcs8 = keys.genpkey(name)
        key = name.lower()
        made[key] = pkcs8
        d, x = parse(parse(pkcs8)[2].content).content, parse(spki_of(pkcs8))[1].bits()
        if (len(d), len(x)) != (size, size):
            raise Bad("sizes of " + name)
        s.number(key, x=x, d=d)
        curve = "curve25519" if name == "X25519" else "-"
        f = Files(s, key, name, {"X25519": 255, "Ed25519": 255}.get(name, 448), curve)
        f.pkcs8_and_spki(pkcs8)
        f.one_asymmetric_key(pkcs8)
        f.encrypted(pkcs8, ("pbes2-aes256-sha256", "scrypt", "pbe-sha1-3des"))
        f.certificate(pkcs8) if name.startswith("Ed") else add_issued(f, pkcs8, issuer)
    return made


PQ_OID = {"44": "2.16.840.1.101.3.4.3.17", "65": "2.16.840.1.101.3.4.3.18", "87": "2.16.840.1.101.3.4.3.19",
          "512": "2.16.840.1.101.3.4.4.1", "768": "2.16.840.1.101.3.4.4.2", "1024": "2.16.840.1.101.3.4.4.3"}
SLH_OID = {"%s-%s" % (h, n): "2.16.840.1.101.3.4.3.%d" % (20 + 6 * i + j) for i, h in enumerate(("SHA2", "SHAKE"))
           for j, n in enumerate(("128s", "128f", "192s", "192f", "256s", "256f"))}


def add_pq(s):
    """RFC 9881 and RFC 9935: the seed, the expanded key, both; RFC 9909 for SLH-DSA."""
    from .published import read_pq

    for group in read_pq(s.root):
        algorithm, name, key = group["algorithm"], group["set"], group["key"]
        f = Files(s, key, algorithm, len(group["public"]) * 8, by=group["from"])
        here = "DER by scripts/vectors-more"
        info = lambda inner: seq(der_int(0), identifier, octets(inner))
        if algorithm == "SLH-DSA":
            identifier = seq(oid(SLH_OID[name]))
            f.add("PKCS8_PRIVATEKEY", info(group["private"]), here, "RFC 9909: " + name)
        elif key.endswith("-kat"):
            identifier = seq(oid(PQ_OID[name]))
            seed, expanded = group["seed"], group["private"]
            f.both("PKCS8_PRIVATEKEY", info(der(0x80, seed)), "PRIVATE KEY", here, name + ", seed")
            f.add("expanded.PKCS8_PRIVATEKEY", info(octets(expanded)), here, name + ", expanded key")
            f.add("both.PKCS8_PRIVATEKEY", info(seq(octets(seed), octets(expanded))), here, name + ", seed and expanded key")
        else:
            continue
        f.add("spki", seq(identifier, bits(group["public"])), here, name)
        if algorithm == "ML-DSA" and key.endswith("-kat"):
            add_mldsa_certificate(f, group)


def add_mldsa_certificate(f, group):
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import mldsa
    from cryptography.hazmat.primitives.serialization import Encoding
    import cryptography

    key = getattr(mldsa, "MLDSA%sPrivateKey" % group["set"]).from_seed_bytes(group["seed"])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f.key)])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime.datetime(2026, 1, 1),
                                   datetime.datetime(2126, 1, 1)).sign(key, None)
    f.add("cert", made.public_bytes(Encoding.DER), "signed by Python cryptography " + cryptography.__version__, "self-signed")


def add_pkcs12(s, made):
    """PFX files by openssl; those with two keys, which openssl reads but does not write, by hand."""
    kinds = {"pbes2": (), "des3": ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
             "nomac": ("-nomac",), "nocert": ("-nocerts",), "chain": ("-certfile", "CHAIN")}
    sources = {"rsa2048": (made["rsa"]["rsa2048"][0], "RSA", 2048, "-"),
               "nistP256": (made["ecc"]["nistP256"][0], "EC", 256, "nistP256")}
    for key, (pkcs8, algorithm, bit_length, curve) in sources.items():
        f = Files(s, key, algorithm, bit_length, curve)
        with tempfile.TemporaryDirectory() as tmp:
            both, chain = pathlib.Path(tmp, "both.pem"), pathlib.Path(tmp, "chain.pem")
            both.write_bytes(pem("PRIVATE KEY", pkcs8) + pem("CERTIFICATE", (s.root / (key + ".cert.bin")).read_bytes()))
            chain.write_bytes(b"".join((s.root / (other + ".cert-pem.pem")).read_bytes() for other in ("nistP384", "nistP521")))
            for kind, options in kinds.items():
                data = openssl("pkcs12", "-export", "-in", both, "-name", key, "-passout", "env:VECTOR_PASSWORD",
                               *[chain if o == "CHAIN" else o for o in options], env=ENV)
                notes = "two more certificates; " if kind == "chain" else ""
                f.add(kind + ".pkcs12", data, "openssl pkcs12 -export " + " ".join(options).replace(" CHAIN", ""),
                      notes + "password: " + PASSWORD, "p12")
    one, other = sources["rsa2048"][0], sources["nistP256"][0]
    f = Files(s, "two-keys", "-", 0)
    for kind, mac in (("two-keys", True), ("two-keys-nomac", False)):
        f.add(kind + ".pkcs12", pfx.two_keys({"rsa2048": one, "nistP256": other}, mac),
              "put together by scripts/vectors_more/pfx.py", "keys rsa2048 and nistP256 by friendlyName; password: " + PASSWORD,
              "p12")


def add(s, made):
    add_rsa(s, made["rsa"])
    add_ec(s, made["ecc"])
    add_dsa(s, made["dsa"])
    add_dh(s, made["dh"])
    made["okp"] = add_okp(s)
    add_pq(s)
    add_pkcs12(s, made)
