//! Which certificate is a key's, and which ones vouch for it.

use std::collections::HashMap;

use der::{Decode, Encode};
use x509_cert::Certificate;

use super::{Pfx, PfxCertificate, PfxKey};

impl Pfx {
    /// The certificate of a key: one with its `localKeyId`, else one for its public key, given as `SubjectPublicKeyInfo` in DER. Of several
    /// with its `localKeyId` the one for its public key comes first.
    pub fn leaf(&self, key: &PfxKey, public: &[u8]) -> Option<&PfxCertificate> {
        let is_for = |certificate: &&PfxCertificate| certificate.public_key().as_deref() == Some(public);
        let with_id = || {
            let id = key.local_key_id.as_ref();
            self.certificates.iter().filter(move |certificate| id.is_some() && certificate.local_key_id.as_ref() == id)
        };
        with_id().find(is_for).or_else(|| with_id().next()).or_else(|| self.certificates.iter().find(is_for))
    }

    /// A certificate and those above it, each the issuer of the one before by its name, as far as the file has them. No signature is verified.
    pub fn chain<'a>(&'a self, leaf: &'a PfxCertificate) -> Vec<&'a PfxCertificate> {
        let mut by_subject = HashMap::new();
        for certificate in self.certificates.iter().rev() {
            if let Some((subject, issuer)) = certificate.names() {
                by_subject.insert(subject, (certificate, issuer));
            }
        }
        let mut chain = vec![leaf];
        let mut issuer = leaf.names().filter(|(subject, issuer)| subject != issuer).map(|(_, issuer)| issuer);
        // What is taken out cannot come again: circles end.
        while let Some((certificate, next)) = issuer.and_then(|issuer| by_subject.remove(&issuer)) {
            if certificate == leaf {
                break;
            }
            chain.push(certificate);
            issuer = Some(next);
        }
        chain
    }
}

impl PfxCertificate {
    /// The `SubjectPublicKeyInfo`, in DER; `None` if this is not a certificate that can be read.
    pub fn public_key(&self) -> Option<Vec<u8>> {
        let certificate = Certificate::from_der(&self.der).ok()?;
        certificate.tbs_certificate().subject_public_key_info().to_der().ok()
    }

    fn names(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let certificate = Certificate::from_der(&self.der).ok()?;
        let tbs = certificate.tbs_certificate();
        Some((tbs.subject().to_der().ok()?, tbs.issuer().to_der().ok()?))
    }
}
