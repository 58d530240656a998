/*
 * Has crypt32.dll write a serialized certificate store: what `scripts/vectors-cms` runs under Wine.
 *
 *   vectors-cms.exe STORE CERTIFICATE...     certificates in DER; the first one gets a friendly name
 *
 * Names are those of <wincrypt.h>. Exit code 0 if the store was written.
 */

#include <windows.h>
#include <wincrypt.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what) {
    fprintf(stderr, "vectors-cms.exe: %s: error 0x%lX\n", what, (unsigned long)GetLastError());
    return 1;
}

int main(int count, char **arguments) {
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, CERT_STORE_CREATE_NEW_FLAG, NULL);
    if (!store || count < 3) return fail("CertOpenStore, or no arguments");

    for (int at = 2; at < count; at++) {
        static BYTE der[1 << 16];
        FILE *file = fopen(arguments[at], "rb");
        if (!file) return fail(arguments[at]);
        DWORD length = (DWORD)fread(der, 1, sizeof der, file);
        fclose(file);
        PCCERT_CONTEXT certificate = NULL;
        if (!CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, length, CERT_STORE_ADD_ALWAYS, &certificate))
            return fail("CertAddEncodedCertificateToStore");
        static wchar_t name[] = L"Ein Name";
        CRYPT_DATA_BLOB property = {sizeof name, (BYTE *)name};
        if (at == 2 && !CertSetCertificateContextProperty(certificate, CERT_FRIENDLY_NAME_PROP_ID, 0, &property))
            return fail("CertSetCertificateContextProperty");
        CertFreeCertificateContext(certificate);
    }

    CRYPT_DATA_BLOB saved = {0, NULL};
    if (!CertSaveStore(store, 0, CERT_STORE_SAVE_AS_STORE, CERT_STORE_SAVE_TO_MEMORY, &saved, 0)) return fail("CertSaveStore");
    saved.pbData = malloc(saved.cbData);
    if (!saved.pbData || !CertSaveStore(store, 0, CERT_STORE_SAVE_AS_STORE, CERT_STORE_SAVE_TO_MEMORY, &saved, 0))
        return fail("CertSaveStore");
    FILE *file = fopen(arguments[1], "wb");
    if (!file || fwrite(saved.pbData, 1, saved.cbData, file) != saved.cbData || fclose(file)) return fail(arguments[1]);
    return 0;
}
