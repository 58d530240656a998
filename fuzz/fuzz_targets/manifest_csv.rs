cng_pkcs11_fuzz::target!();
