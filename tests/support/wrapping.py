"""Wraps and unwraps keys by Python's `cryptography`, which shares no code with what is tested.

wrapping.py wrap|unwrap SCHEME KEYFILE [HASH [LABEL-IN-HEX]], from stdin to stdout. KEYFILE: the bytes of an AES key, a SubjectPublicKeyInfo
to wrap with, a PKCS#8 to unwrap with.
"""

import os
import sys

from cryptography.hazmat.primitives import hashes, keywrap, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

action, scheme, path, name, label = (sys.argv[1:] + ["sha1", ""][len(sys.argv) - 4 :])[:5]
with open(path, "rb") as file:
    kek = file.read()
data = sys.stdin.buffer.read()
wraps = action == "wrap"


def oaep():
    algorithm = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}[name]
    return rsa.OAEP(mgf=rsa.MGF1(algorithm()), algorithm=algorithm(), label=bytes.fromhex(label) or None)


def padded(bits):
    padder = padding.PKCS7(bits).padder()
    return padder.update(data) + padder.finalize()


def unpadded(bits, text):
    unpadder = padding.PKCS7(bits).unpadder()
    return unpadder.update(text) + unpadder.finalize()


def aes():
    if scheme == "kw":
        return keywrap.aes_key_wrap(kek, data) if wraps else keywrap.aes_key_unwrap(kek, data)
    if scheme == "kwp":
        return keywrap.aes_key_wrap_with_padding(kek, data) if wraps else keywrap.aes_key_unwrap_with_padding(kek, data)
    if scheme == "kw-pkcs7":
        return keywrap.aes_key_wrap(kek, padded(64)) if wraps else unpadded(64, keywrap.aes_key_unwrap(kek, data))
    if scheme == "cbc-pad":
        if not wraps:
            decryptor = Cipher(algorithms.AES(kek), modes.CBC(data[:16])).decryptor()
            return unpadded(128, decryptor.update(data[16:]) + decryptor.finalize())
        iv = os.urandom(16)
        encryptor = Cipher(algorithms.AES(kek), modes.CBC(iv)).encryptor()
        return iv + encryptor.update(padded(128)) + encryptor.finalize()
    assert scheme == "gcm"
    if not wraps:
        return AESGCM(kek).decrypt(data[:12], data[12:], None)
    nonce = os.urandom(12)
    return nonce + AESGCM(kek).encrypt(nonce, data, None)


def under_rsa():
    if wraps:
        public = serialization.load_der_public_key(kek)
        if scheme == "rsa-oaep":
            return public.encrypt(data, oaep())
        content_key = os.urandom(32)
        return public.encrypt(content_key, oaep()) + keywrap.aes_key_wrap_with_padding(content_key, data)
    private = serialization.load_der_private_key(kek, None)
    if scheme == "rsa-oaep":
        return private.decrypt(data, oaep())
    size = private.key_size // 8
    return keywrap.aes_key_unwrap_with_padding(private.decrypt(data[:size], oaep()), data[size:])


sys.stdout.buffer.write(under_rsa() if scheme.startswith("rsa") else aes())
