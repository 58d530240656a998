#!/usr/bin/env python3
"""Imports a key pair so many times with python-pkcs11, as its documentation does: each half decoded, and one object made of it.

    python_pkcs11.py MODULE LABEL KIND PRIVATE SPKI COUNT

KIND is rsa or ec, PRIVATE the DER of PKCS#1 or SEC 1. The PIN is in CNG11_PIN.
"""

import os
import sys

import pkcs11
from asn1crypto.keys import PublicKeyInfo
from pkcs11 import Attribute
from pkcs11.util import ec, rsa


def decoded(kind, private, public):
    if kind == "ec":
        return ec.decode_ec_private_key(private), ec.decode_ec_public_key(public)
    return rsa.decode_rsa_private_key(private), rsa.decode_rsa_public_key(PublicKeyInfo.load(public)["public_key"].parsed.dump())


def main():
    module, label, kind, private, public, count = sys.argv[1:]
    token = pkcs11.lib(module).get_token(token_label=label)
    with token.open(rw=True, user_pin=os.environ["CNG11_PIN"]) as session:
        for number in range(int(count)):
            contents = [open(path, "rb").read() for path in (private, public)]
            for attributes in decoded(kind, *contents):
                name = {Attribute.TOKEN: True, Attribute.LABEL: f"bench-{number:08}", Attribute.ID: number.to_bytes(4, "big")}
                session.create_object(attributes | name)


main()
