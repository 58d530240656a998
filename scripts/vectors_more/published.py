"""Test data by others: how it was chosen and cut (`import_from`), and how the blobs' numbers are read from it.

Everything is a copy of somebody's file, or the first records of one, unchanged. It lies in published/ beside the
licence of where it comes from, and the rest of the set can be made again without the packages.
"""

import json
import re
import shutil

from .tools import Bad, seeded

PYCA = "PyPI cryptography-vectors 48.0.0"

# Name here -> path in cryptography_vectors, what is to be known of it.
FILES = {}


def _take(folder, names, note):
    for name in names.split():
        FILES[name.replace("/", "-")] = (folder + name, note)


A = "asymmetric/"
_take(A + "PEM_Serialization/", "dsa_4096.pem", "DSA of 4096 bits")
_take(A + "PEM_Serialization/", "dsa_private_key.pem rsa_private_key.pem ec_private_key_encrypted.pem",
      "PEM encrypted the old way (Proc-Type, DEK-Info)")
_take(A + "PEM_Serialization/", "dsa_public_key.pem dsaparam.pem ec_private_key.pem ec_public_key.pem rsa_public_key.pem", "")
_take(A + "PEM_Serialization/", "ec_public_key_rsa_delimiter.pem rsa_wrong_delimiter_public_key.pem", "label of another key kind")
_take(A + "PEM_Serialization/", "rsa-bad-1025-q-is-2.pem", "q = 2: to be refused")
_take(A + "DER_Serialization/", "dsa.1024.der dsa.2048.der dsa.3072.der", "traditional DSA")
_take(A + "DER_Serialization/", "dsa_public_key_invalid_bit_string.der dsa_public_key_no_params.der", "to be refused")
_take(A + "DER_Serialization/", "ec_private_key.der", "SEC 1")
_take(A + "DER_Serialization/", "testrsa.der", "PKCS#1")
_take(A + "DER_Serialization/", "enc-rsa-pkcs8.der", "encrypted PKCS#8")
_take(A + "PKCS8/", "bad-encryption-oid.pem bad-oid-dsa-key.pem ec-inconsistent-curve.pem ec-inconsistent-curve2.pem "
      "ec-invalid-private-scalar.pem ec-invalid-version.pem enc-unknown-algorithm.pem enc-unknown-kdf.pem "
      "enc-unknown-pbkdf2-prf.pem enc-rsa-pkcs8-pbkdf2-0iter.pem invalid-version.der unknown-oid.der "
      "wrong-pem-delimiter-rsa.pem", "to be refused, or to be taken with care: see its name")
_take(A + "PKCS8/", "ec-consistent-curve.pem ec_oid_not_in_reg_private_2.pkcs8.pem ecc_private_with_rfc5915_ext.pem "
      "nodompar_private.pkcs8.pem withdompar_private.pkcs8.pem unenc-dsa-pkcs8.pem", "PKCS#8 as different writers have it")
_take(A + "PKCS8/", "ec_private_key_encrypted.pem", "encrypted PKCS#8")
_take(A + "PKCS8/", "ed25519-scrypt.pem", "scrypt")
_take(A + "PKCS8/", "enc-rsa-3des.pem rsa-aes-192-cbc.pem rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha224.pem "
      "rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha384.pem rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha512.pem rsa-pbe-3des-long-salt.pem",
      "encrypted PKCS#8")
_take(A + "PKCS8/", "rsa-40bitrc2.pem", "PKCS#12's RC2 with 40 bits")
_take(A + "PKCS8/", "enc-ec-sha1-128-rc4.pem rsa-pbewithmd5anddescbc.pem rsa-rc2-cbc.pem "
      "rsa-rc2-cbc-effective-key-length.pem", "encrypted with RC4, RC2 or DES: to be refused by name")
_take(A + "PKCS8/", "rsa_pss_2048.pem rsa_pss_2048_hash.pem rsa_pss_2048_hash_mask_salt.pem rsa_pss_2048_pub.der",
      "id-RSASSA-PSS")
_take(A + "EC/", "ec-missing-curve.pem truncated-private-key.der sect163k1-spki.pem sect233r1-spki.pem "
      "explicit_parameters_wap_wsg_idm_ecid_wtls11_private_key.pem secp128r1_private_key.pem",
      "curves that are not there, or not of CNG")
_take(A + "EC/", "explicit_parameters_private_key.pem high-bit-set.pem secp256k1-explicit-no-seed.pem "
      "secp256k1-pub-explicit-no-seed.pem secp256r1-explicit-no-seed.pem secp256r1-explicit-seed.pem "
      "secp256r1-pub-explicit-no-seed.pem secp256r1-pub-explicit-seed.pem secp384r1-explicit-seed.pem "
      "secp384r1-pub-explicit-no-seed.pem secp521r1-explicit-seed.pem secp521r1-explicit-no-seed.pem "
      "secp521r1-pub-explicit-seed.pem", "explicit parameters")
_take(A + "DH/", "dh_key_256.pem dhkey.der dhkey.pem dhpub.der dhpub_cryptography_old.pem dhp.pem", "PKCS#3 DH")
_take(A + "DH/", "dhkey_rfc5114_2.der dhkey_rfc5114_2.pem dhpub_rfc5114_2.der dhp_rfc5114_2.pem", "X9.42 DH, RFC 5114 group")
_take(A + "DSA/custom/", "nilpotent.pem", "g is nilpotent: to be refused")
_take(A + "X25519/", "x25519-pkcs8.pem x25519-pkcs8-enc.der x25519-pub.der", "RFC 8410")
_take(A + "X448/", "x448-pkcs8.pem x448-pkcs8-enc.der x448-pub.der", "RFC 8410")
_take(A + "Ed25519/", "ed25519-pkcs8.pem ed25519-pkcs8-enc.der ed25519-pub.der", "RFC 8410")
_take(A + "Ed448/", "ed448-pkcs8.pem ed448-pkcs8-enc.der ed448-pub.der", "RFC 8410")
_take(A + "MLDSA/", "mldsa44_priv.der mldsa44_pub.der mldsa65_noseed_priv.der", "RFC 9881; noseed: the expanded key")
_take(A + "MLKEM/", "mlkem768.der mlkem768.pem", "RFC 9935")
_take(A + "Traditional_OpenSSL_Serialization/", "dsa.1024.pem dsa-wrong-version.pem rsa-wrong-version.pem key1.pem "
      "testrsa-encrypted.pem key1-short-iv.pem", "traditional PEM")
_take(A + "public/PKCS1/", "rsa.pub.der rsa.pub.pem dsa.pub.pem", "PKCS#1 public")

_take("pkcs12/", "cert-key-aes256cbc.p12 cert-rc2-key-3des.p12 cert-none-key-none.p12 no-cert-key-aes256cbc.p12 "
      "name-unicode-pwd.p12 name-all-pwd.p12 no-password.p12 java-truststore.p12", "PKCS#12")
_take("x509/", "cryptography.io.pem cryptography.io.with_headers.pem cryptography.io.with_garbage.pem "
      "ee-pss-sha1-cert.pem v1_cert.pem ecdsa_root.pem badasn1time.pem", "certificates")
_take("x509/custom/", "dsa_null_alg_params.pem dsa_selfsigned_ca.pem ec_no_named_curve.pem rsa_pss_cert.pem "
      "unsupported_subject_public_key_info.pem", "certificates")
_take("x509/ed25519/", "ed25519-rfc8410.pem", "certificate of RFC 8410 section 10.2")
_take("x509/ed448/", "root-ed448.pem", "certificate")

# Records to cut out of the longer files: name here -> (path, what a record starts with, headings and how many of each)
EXCERPTS = {
    "nist-fips186-2-PQGGen.rsp": (A + "DSA/FIPS_186-2/PQGGen.rsp", "P = ", {"mod = 1024": 2}),
    "nist-fips186-2-KeyPair.rsp": (A + "DSA/FIPS_186-2/KeyPair.rsp", "P = ", {"mod = 1024": 1}),
    "nist-fips186-3-PQGGen.rsp": (A + "DSA/FIPS_186-3/PQGGen.rsp", "P = ", {
        "mod = L=1024, N=160, SHA-1": 1, "mod = L=2048, N=256, SHA-256": 1, "mod = L=3072, N=256, SHA-256": 1}),
    "nist-fips186-3-KeyPair.rsp": (A + "DSA/FIPS_186-3/KeyPair.rsp", "P = ", {
        "mod = L=1024, N=160": 1, "mod = L=2048, N=256": 1, "mod = L=3072, N=256": 1}),
    "kat_MLDSA_44_det_pure.rsp": (A + "MLDSA/kat_MLDSA_44_det_pure.rsp", "count = ", {"": 1}),
    "kat_MLDSA_65_det_pure.rsp": (A + "MLDSA/kat_MLDSA_65_det_pure.rsp", "count = ", {"": 1}),
    "kat_MLDSA_87_det_pure.rsp": (A + "MLDSA/kat_MLDSA_87_det_pure.rsp", "count = ", {"": 1}),
    "kat_MLKEM_512.rsp": (A + "MLKEM/kat_MLKEM_512.rsp", "count = ", {"": 1}),
    "kat_MLKEM_768.rsp": (A + "MLKEM/kat_MLKEM_768.rsp", "count = ", {"": 1}),
    "kat_MLKEM_1024.rsp": (A + "MLKEM/kat_MLKEM_1024.rsp", "count = ", {"": 1}),
}
KEPT = ("xi", "pk", "sk", "z", "d", "P", "Q", "G", "X", "Y", "Seed", "c", "H", "domain_parameter_seed", "counter", "count")

PASSWORDS = {
    "dsa_private_key.pem": "123456", "ec_private_key_encrypted.pem": "123456", "rsa_private_key.pem": "123456",
    "key1.pem": "123456", "testrsa-encrypted.pem": "password", "ed25519-scrypt.pem": "hunter42",
    "ed25519-pkcs8-enc.der": "password", "ed448-pkcs8-enc.der": "password", "x25519-pkcs8-enc.der": "password",
    "x448-pkcs8-enc.der": "password", "enc-ec-sha1-128-rc4.pem": "password", "enc-rsa-3des.pem": "password",
    "enc-rsa-pkcs8.der": "foobar", "rsa-40bitrc2.pem": "baz", "rsa-aes-192-cbc.pem": "PolarSSLTest",
    "rsa-pbe-3des-long-salt.pem": "password", "rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha224.pem": "PolarSSLTest",
    "rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha384.pem": "PolarSSLTest",
    "rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha512.pem": "PolarSSLTest",
    "cert-key-aes256cbc.p12": "cryptography", "cert-rc2-key-3des.p12": "cryptography", "cert-none-key-none.p12": "cryptography",
    "no-cert-key-aes256cbc.p12": "cryptography", "name-unicode-pwd.p12": "password", "name-all-pwd.p12": "password",
    "ed25519-encpriv-aes256-scrypt.der": "hunter42", "ed25519-encpriv-aes128-pbkdf2-sha1.der": "hunter42",
    "ed25519-encpriv-aes256-pbkdf2-sha256.der": "hunter42", "ed25519-encpriv-des3-pbkdf2-sha256.der": "hunter42",
}

# Examples of RFC 7517, 7638 and 8037 as JSON: name here -> name in the module jwcrypto.tests, where it is in the RFC.
JWKS = {
    "rfc7517-a.1.json": ("PublicKeys", "RFC 7517 appendix A.1: two public keys"),
    "rfc7517-a.2.json": ("PrivateKeys", "RFC 7517 appendix A.2: two private keys"),
    "rfc7517-a.3.json": ("SymmetricKeys", "RFC 7517 appendix A.3: two symmetric keys"),
    "rfc7517-b.json": ("Useofx5c", "RFC 7517 appendix B: with x5c"),
    "rfc7517-c.1.json": ("RSAPrivateKey", "RFC 7517 appendix C.1"),
    "rfc8037-a.1.json": ("PrivateKeys_EdDsa", "RFC 8037 appendix A.1, in a set"),
    "rfc8037-a.2.json": ("PublicKeys_EdDsa", "RFC 8037 appendix A.2, in a set"),
}

# Examples of RFC 9881 and RFC 9935 (seeds 00 01 02 ...), as the crates ml-dsa and ml-kem ship them.
CRATES = {
    "ml-dsa-0.1.2": ["ML-DSA-%s%s" % (n, end) for n in ("44", "65", "87") for end in ("-seed.priv", ".pub")],
    # Examples of RFC 8410 section 10.3 (ed25519-priv-*) and others by openssl, as the crate pkcs8 ships them.
    "pkcs8-0.11.0": ["ed25519-priv-pkcs8v1.der", "ed25519-priv-pkcs8v2.der", "ed25519-pub.der", "x25519-priv.der",
                     "ed25519-encpriv-aes128-pbkdf2-sha1.der", "ed25519-encpriv-aes256-pbkdf2-sha256.der",
                     "ed25519-encpriv-aes256-scrypt.der", "ed25519-encpriv-des3-pbkdf2-sha256.der",
                     "ed25519-encpriv-des-pbkdf2-sha256.der", "bign256-priv.der", "p256-priv.der", "p256-pub.der"],
    "ml-kem-0.3.4": ["ML-KEM-%s%s" % (n, end) for n in ("512", "768", "1024") for end in ("-seed.priv", ".pub")],
}


def sections(text):
    """(heading, records) of a .rsp file; a record is the list of its "field = value" lines."""
    heading, records = "", []
    out = [(heading, records)]
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            heading, records = line.strip("[]"), []
            out.append((heading, records))
        elif " = " in line:
            records.append(line)
    return out


def cut(text, start, wanted):
    """The first records under each wanted heading (its first occurrence), only the lines that describe the key."""
    done, out = set(), []
    for heading, lines in sections(text):
        if heading not in wanted or heading in done or not lines:
            continue
        done.add(heading)
        taken = 0
        if heading:
            out.append("[%s]" % heading)
        for line in lines:
            taken += line.startswith(start)
            if taken > wanted[heading]:
                break
            field = line.split(" = ")[0]
            # In a KeyPair file one key of the domain is enough.
            if field in KEPT and not (field in "XY" and out[-2:] and any(o.startswith(field + " = ") for o in out[-2:])):
                out.append(line)
        out.append("")
    if done != set(wanted):
        raise Bad("not found: %s" % (set(wanted) - done))
    return "\n".join(out)


def one_key(text):
    """Of several X, Y behind one P, Q, G: the first."""
    out, seen = [], set()
    for line in text.splitlines():
        if line.startswith(("[", "P = ")):
            seen.clear()
        field = line.split(" = ")[0]
        if field in "XY" and field and field in seen:
            continue
        seen.add(field)
        out.append(line)
    return "\n".join(out) + "\n"


def import_from(root, pyca, crates):
    """Copy and cut from the unpacked packages: a folder cryptography_vectors, a folder of crates' sources; the JWKs
    from the installed jwcrypto."""
    from jwcrypto import tests

    folder = root / "published"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (path, _) in FILES.items():
        shutil.copyfile(pyca / path, folder / name)
    for name, (path, start, wanted) in EXCERPTS.items():
        text = one_key(cut((pyca / path).read_text(), start, wanted))
        (folder / name).write_text(text)
    for crate, names in CRATES.items():
        for name in names:
            shutil.copyfile(crates / crate / "tests" / "examples" / name, folder / name)
    for name, (variable, _) in JWKS.items():
        (folder / name).write_text(json.dumps(getattr(tests, variable), indent=1) + "\n")


def records(text):
    """The records of an excerpt as dictionaries, with their heading."""
    for heading, lines in sections(text):
        record = {}
        for line in lines:
            field, value = line.split(" = ")
            if field in record and field in ("P", "count"):
                yield heading, record
                record = {}
            record[field] = value
        if record:
            yield heading, record


def read_dsa_groups(root):
    """DSA keys and parameters of NIST's CAVS files."""
    for name in sorted(EXCERPTS):
        if not name.startswith("nist-"):
            continue
        for i, (heading, r) in enumerate(records((root / "published" / name).read_text())):
            v = {f.lower(): int(r[f], 16) for f in "PQGXY" if f in r}
            notes = "[%s]" % heading
            if "G" not in r:
                v["g"] = pow(2, (v["p"] - 1) // v["q"], v["p"])
                notes += ", g = 2^((p-1)/q)"
            seed, count = r.get("Seed", r.get("domain_parameter_seed")), r.get("c", r.get("counter"))
            if seed:
                v.update(seed=bytes.fromhex(seed), count=int(count))
                notes += ", seed and counter as published"
            key = "%s-%d" % (name[:-4].lower(), i)
            yield dict(v, key=key, notes=notes, **{"from": "NIST CAVS, published/" + name})


def read_pq(root):
    """ML-DSA and ML-KEM: known answers and the RFCs' seeds. SLH-DSA: NIST ACVP, and fixed seeds for the other sets."""
    from dilithium_py import ml_dsa
    from kyber_py import ml_kem

    folder = root / "published"
    for name in ("44", "65", "87"):
        (_, r), = records((folder / ("kat_MLDSA_%s_det_pure.rsp" % name)).read_text())
        yield dict(key="mldsa%s-kat" % name, algorithm="ML-DSA", set=name, wrapped=True, **{
            "seed": bytes.fromhex(r["xi"]), "public": bytes.fromhex(r["pk"]), "private": bytes.fromhex(r["sk"]),
            "from": "known answers, published/kat_MLDSA_%s_det_pure.rsp" % name})
        seed = bytes(range(32))
        public, private = getattr(ml_dsa, "ML_DSA_" + name).key_derive(seed)
        yield dict(key="mldsa%s-rfc9881" % name, algorithm="ML-DSA", set=name, **{
            "seed": seed, "public": public, "private": private, "from": "the seed of RFC 9881 appendix C.1, PyPI dilithium-py"})
    for name in ("512", "768", "1024"):
        (_, r), = records((folder / ("kat_MLKEM_%s.rsp" % name)).read_text())
        yield dict(key="mlkem%s-kat" % name, algorithm="ML-KEM", set=name, wrapped=name == "768", **{
            "seed": bytes.fromhex(r["d"] + r["z"]), "public": bytes.fromhex(r["pk"]), "private": bytes.fromhex(r["sk"]),
            "from": "known answers, published/kat_MLKEM_%s.rsp" % name})
        seed = bytes(range(64))
        public, private = getattr(ml_kem, "ML_KEM_" + name).key_derive(seed)
        yield dict(key="mlkem%s-rfc9935" % name, algorithm="ML-KEM", set=name, **{
            "seed": seed, "public": public, "private": private, "from": "the seed of RFC 9935 appendix C.1, PyPI kyber-py"})
    published = json.loads((folder / "acvp-slh-dsa-keygen.json").read_text())
    for r in published["tests"]:
        yield dict(key="slhdsa-" + r["parameterSet"].lower(), algorithm="SLH-DSA", set=r["parameterSet"], wrapped=r["tcId"] == 1, **{
            "public": bytes.fromhex(r["pk"]), "private": bytes.fromhex(r["sk"]),
            "from": "NIST ACVP test case %d, published/acvp-slh-dsa-keygen.json" % r["tcId"]})
    there = {r["parameterSet"] for r in published["tests"]}
    for name in (h + "-" + size for h in ("SHA2", "SHAKE") for size in ("128s", "128f", "192s", "192f", "256s", "256f")):
        if name not in there:
            public, private = slh_keygen(name)
            yield dict(key="slhdsa-" + name.lower(), algorithm="SLH-DSA", set=name, **{
                "public": public, "private": private, "from": "fixed seeds, PyPI slh-dsa"})


def slh_root(name, sk_seed, pk_seed):
    """PK.root of these seeds (FIPS 205 algorithm 18), by the trees of PyPI slh-dsa."""
    import slhdsa
    from slhdsa.lowlevel.addresses import Address
    from slhdsa.lowlevel.xmss import XMSS

    p = getattr(slhdsa, name.lower().replace("-", "_"))
    return XMSS(p).node(sk_seed, 0, p.h_m, pk_seed, Address(p.d - 1, 0))


def slh_keygen(name):
    n = int(re.search(r"\d+", name.split("-")[1]).group()) // 8
    sk_seed, sk_prf, pk_seed = [seeded("%s %d" % (name, i), n) for i in range(3)]
    public = pk_seed + slh_root(name, sk_seed, pk_seed)
    return public, sk_seed + sk_prf + public
