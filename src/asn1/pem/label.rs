//! The table of PEM labels: RFC 7468, RFC 7468's predecessors in OpenSSL (`pem.h`), OpenSSH and OpenPGP.

macro_rules! labels {
    ($($(#[$doc:meta])* $variant:ident $name:literal $(| $alias:literal)* $(: $what:literal)?;)+) => {
        /// What a PEM label says that its section is.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum Label {
            $($(#[$doc])* $variant,)+
        }

        impl Label {
            /// Every label.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// What a label says; `None` for one that is not known.
            pub fn of(label: &str) -> Option<Self> {
                match label {
                    $($name $(| $alias)* => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The label, as it is written.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Why nothing here reads it.
            const fn foreign(self) -> Option<&'static str> {
                match self {
                    $($(Self::$variant => Some($what),)?)+
                    _ => None,
                }
            }
        }
    };
}

labels! {
    /// An X.509 certificate (RFC 7468 §5).
    Certificate "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE";
    /// A PKCS#10 certification request (RFC 7468 §7).
    CertificateRequest "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST";
    /// CMS (RFC 7468 §9).
    Cms "CMS";
    /// A certificate revocation list (RFC 7468 §6).
    Crl "X509 CRL" | "CRL";
    /// PKCS #3 parameters of Diffie–Hellman.
    DhParameters "DH PARAMETERS";
    /// Parameters of DSA.
    DsaParameters "DSA PARAMETERS";
    /// OpenSSL's own form of a DSA private key.
    DsaPrivateKey "DSA PRIVATE KEY";
    /// OpenSSL's own form of a DSA public key, which it wrote before version 0.9.7.
    DsaPublicKey "DSA PUBLIC KEY": "a DSA public key in OpenSSL's old form";
    /// Parameters of an elliptic curve, as `openssl ecparam` puts them before a key.
    EcParameters "EC PARAMETERS";
    /// SEC 1 (RFC 5915 §4).
    EcPrivateKey "EC PRIVATE KEY";
    /// Encrypted PKCS#8 (RFC 7468 §11).
    EncryptedPrivateKey "ENCRYPTED PRIVATE KEY";
    /// OpenSSH's own format.
    OpensshPrivateKey "OPENSSH PRIVATE KEY": "an OpenSSH private key";
    /// OpenPGP, binary in ASCII armor (RFC 9580 §6).
    Pgp "PGP PRIVATE KEY BLOCK" | "PGP PUBLIC KEY BLOCK" | "PGP MESSAGE" | "PGP SIGNATURE": "an OpenPGP key or message";
    /// PKCS#12.
    Pkcs12 "PKCS12" | "PFX";
    /// PKCS#7 (RFC 7468 §8).
    Pkcs7 "PKCS7" | "PKCS #7 SIGNED DATA";
    /// PKCS#8 (RFC 7468 §10).
    PrivateKey "PRIVATE KEY";
    /// SubjectPublicKeyInfo (RFC 7468 §13).
    PublicKey "PUBLIC KEY";
    /// PKCS#1.
    RsaPrivateKey "RSA PRIVATE KEY";
    /// PKCS#1.
    RsaPublicKey "RSA PUBLIC KEY";
    /// A certificate, and behind it what OpenSSL trusts it for.
    TrustedCertificate "TRUSTED CERTIFICATE";
    /// X9.42 parameters of Diffie–Hellman.
    X942DhParameters "X9.42 DH PARAMETERS";
}

impl Label {
    /// What it is and what to do with it, of a format that is known and not read.
    pub(crate) const fn refusal(self) -> Option<(&'static str, &'static str)> {
        match (self, self.foreign()) {
            (_, None) => None,
            (Self::OpensshPrivateKey, Some(what)) => {
                Some((what, "make it PKCS#8, in place and so of a copy: ssh-keygen -p -m PKCS8 -f FILE"))
            }
            (Self::Pgp, Some(what)) => {
                Some((what, "gpg exports no other format: take the key from where it came from"))
            }
            (Self::DsaPublicKey, Some(what)) => {
                Some((what, "make it SubjectPublicKeyInfo: openssl pkey -pubin -in old.pem -out new.pem"))
            }
            (_, Some(what)) => Some((what, "export the key in another format from the program that made it")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_found_by_its_name() {
        for label in Label::ALL {
            assert_eq!(Label::of(label.name()), Some(*label));
        }
        assert_eq!(Label::of("X509 CERTIFICATE"), Some(Label::Certificate));
        assert_eq!(Label::of("private key"), None);
    }
}
