"""The keys: made by openssl and others, with their numbers taken from the DER."""

import re

from .tools import (Bad, Curve, der_int, octets, oid, openssl, openssl_version, openssl_with_file, parse, seeded, seq,
                    pem, undotted, unpem)

# Name in CNG -> name in openssl. The rest of the curves of CNG is not in openssl.
CURVES = {
    "brainpoolP160r1": "brainpoolP160r1", "brainpoolP160t1": "brainpoolP160t1",
    "brainpoolP192r1": "brainpoolP192r1", "brainpoolP192t1": "brainpoolP192t1",
    "brainpoolP224r1": "brainpoolP224r1", "brainpoolP224t1": "brainpoolP224t1",
    "brainpoolP256r1": "brainpoolP256r1", "brainpoolP256t1": "brainpoolP256t1",
    "brainpoolP320r1": "brainpoolP320r1", "brainpoolP320t1": "brainpoolP320t1",
    "brainpoolP384r1": "brainpoolP384r1", "brainpoolP384t1": "brainpoolP384t1",
    "brainpoolP512r1": "brainpoolP512r1", "brainpoolP512t1": "brainpoolP512t1",
    "nistP192": "prime192v1", "nistP224": "secp224r1", "nistP256": "prime256v1",
    "nistP384": "secp384r1", "nistP521": "secp521r1",
    "secP160k1": "secp160k1", "secP160r1": "secp160r1", "secP160r2": "secp160r2",
    "secP192k1": "secp192k1", "secP224k1": "secp224k1", "secP256k1": "secp256k1",
    "wtls7": "wap-wsg-idm-ecid-wtls7", "wtls9": "wap-wsg-idm-ecid-wtls9", "wtls12": "wap-wsg-idm-ecid-wtls12",
    "x962P192v2": "prime192v2", "x962P192v3": "prime192v3",
    "x962P239v1": "prime239v1", "x962P239v2": "prime239v2", "x962P239v3": "prime239v3",
}


def to_pkcs8(key, form="DER"):
    """openssl genpkey -outform DER may write a traditional form; this is PrivateKeyInfo always."""
    return openssl("pkcs8", "-topk8", "-nocrypt", "-inform", form, "-outform", "DER", data=key)


def genpkey(algorithm, *options):
    return to_pkcs8(openssl("genpkey", "-algorithm", algorithm, *[a for o in options for a in ("-pkeyopt", o)]), "PEM")


def spki_of(pkcs8):
    return openssl("pkey", "-pubout", "-inform", "DER", "-outform", "DER", data=pkcs8)


def rsa(bits, e=65537):
    pkcs8 = genpkey("RSA", "rsa_keygen_bits:%d" % bits, "rsa_keygen_pubexp:%d" % e)
    return pkcs8, rsa_numbers(pkcs8)


def rsa_numbers(pkcs8):
    inner = parse(parse(pkcs8)[2].content)
    return {f: inner[i + 1].int() for i, f in enumerate(("n", "e", "d", "p", "q", "dp", "dq", "qinv"))}


def ec(cng_name, encoding="named_curve"):
    """A key of the curve: PKCS#8, the curve, x, y, d."""
    name = CURVES[cng_name]
    curve = Curve.named(name)
    pkcs8 = genpkey("EC", "ec_paramgen_curve:" + name, "ec_param_enc:" + encoding)
    x, y, d = ec_numbers(pkcs8, curve)
    return pkcs8, curve, x, y, d


def ec_numbers(pkcs8, curve):
    inner = parse(parse(pkcs8)[2].content)
    point = next(c for c in inner.children if c.tag == 0xA1)[0].bits()
    x, y = [int.from_bytes(point[1 + i * curve.field:1 + (i + 1) * curve.field], "big") for i in (0, 1)]
    d = inner[1].int()
    if point[0] != 4 or not curve.holds(x, y):
        raise Bad("the point is not on the curve")
    return x, y, d


def shown_seed(text):
    """Seed and counter, as openssl -text prints them after generation."""
    seed = re.search(r"SEED:\s*((?:[0-9a-f]{2}:?\s*)+)", text)
    count = re.search(r"pcounter: (\d+)", text)
    return bytes.fromhex(re.sub(r"[:\s]", "", seed.group(1))), int(count.group(1))


def dsa(bits, q_bits, md, kind="fips186_4"):
    """A DSA key with parameters from openssl: PKCS#8, numbers, seed and counter."""
    shown = openssl("genpkey", "-genparam", "-algorithm", "DSA", "-text",
                    *[a for o in ("dsa_paramgen_bits:%d" % bits, "dsa_paramgen_q_bits:%d" % q_bits,
                                  "dsa_paramgen_md:" + md, "type:" + kind) for a in ("-pkeyopt", o)])
    seed, count = shown_seed(shown.decode())
    pkcs8 = dsa_by_hand(shown, "dsa%d-%d" % (bits, q_bits)) if (bits, q_bits) in UNUSUAL else dsa_from_parameters(shown)
    return pkcs8, dsa_numbers(pkcs8), seed, count


# Sizes whose parameters openssl generates, but for which it makes no keys.
UNUSUAL = {(512, 160), (1536, 160), (1536, 256), (2048, 160)}


def dsa_made_by(key):
    """How the key of one of the DSA vectors came to be."""
    if key == "dsa2048-512":
        return made_by("prime for q, p = kq + 1 tested by it, fixed x")
    by_hand = {"dsa512"} | {"dsa%d-%d" % sizes for sizes in UNUSUAL}
    return made_by("genpkey -genparam, fixed x" if key in by_hand else "genpkey")


def dsa_by_hand(parameters, name):
    """A key with a fixed x, its PKCS#8 put together here and written again by openssl."""
    group = parse(unpem(parameters))
    q = group[1].int()
    x = int.from_bytes(seeded(name, 64), "big") % (q - 1) + 1
    return to_pkcs8(seq(der_int(0), seq(oid("1.2.840.10040.4.1"), group.raw), octets(der_int(x))))


def dsa_wide_q(bits, q_bits):
    """A domain with a q that openssl does not generate: q and the test of p are its all the same."""
    q = int(openssl("prime", "-generate", "-hex", "-bits", str(q_bits)).decode(), 16)
    k = int.from_bytes(seeded("wide q", bits // 8), "big") % 2**(bits - 1) | 2**(bits - 1)
    p = k - k % (2 * q) + 1
    while any(p % small == 0 for small in (3, 5, 7, 11, 13, 17, 19, 23)) or pow(2, p - 1, p) != 1:
        p += 2 * q
    if b"is prime" not in openssl("prime", str(p)) or p.bit_length() != bits:
        raise Bad("no prime")
    g = pow(2, (p - 1) // q, p)
    domain = seq(der_int(p), der_int(q), der_int(g))
    pkcs8 = dsa_by_hand(pem("DSA PARAMETERS", domain), "dsa%d-%d" % (bits, q_bits))
    return pkcs8, dsa_numbers(pkcs8)


def dsa_from_parameters(parameters):
    """A fresh key of the parameters (PEM)."""
    return to_pkcs8(openssl_with_file("PARAMS", parameters, "genpkey", "-paramfile", "PARAMS"), "PEM")


def dsa_numbers(pkcs8):
    """p, q, g, x of a DSA or X9.42 DH key; y is computed."""
    node = parse(pkcs8)
    values = [n.int() for n in node[1][1].children[:3]]
    names = "pgq" if undotted(node[1][0].content) == "1.2.840.10046.2.1" else "pqg"
    v = dict(zip(names, values))
    v["x"] = parse(node[2].content).int()
    v["y"] = pow(v["g"], v["x"], v["p"])
    return v


def dh(*options):
    """A DH key: of a named group, or of parameters made for it."""
    parameters = openssl("genpkey", "-genparam", "-algorithm", "DHX" if any("type" in o for o in options) else "DH",
                         *[a for o in options for a in ("-pkeyopt", o)])
    return dh_from_parameters(parameters)


def dh_from_parameters(parameters):
    pkcs8 = dsa_from_parameters(parameters)
    return pkcs8, dh_numbers(pkcs8)


def dh_numbers(pkcs8):
    node = parse(pkcs8)
    if undotted(node[1][0].content) == "1.2.840.10046.2.1":
        v = dsa_numbers(pkcs8)
        if len(node[1][1]) > 3 and node[1][1][3].tag == 0x02:
            v["j"] = node[1][1][3].int()
        return v
    v = {"p": node[1][1][0].int(), "g": node[1][1][1].int(), "x": parse(node[2].content).int()}
    v["y"] = pow(v["g"], v["x"], v["p"])
    return v


def made_by(command="genpkey"):
    return "%s %s" % (openssl_version(), command)


def pq_seed(name, size):
    """Fixed seeds of the post-quantum keys."""
    return seeded(name, size)
