//! The names of the blob types (`bcrypt.h`, `ncrypt.h`), each compared as an exact string, as CNG does.

macro_rules! blob_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// A CNG blob type, by its exact string.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum BlobType {
            $($(#[$doc])* $variant,)+
        }

        impl BlobType {
            /// Every blob type handled here.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The identifier, exactly as CNG spells it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

blob_types! {
    /// `BCRYPT_AES_WRAP_KEY_BLOB`
    AesWrap = "Rfc3565KeyWrapBlob";
    /// `LEGACY_DH_PRIVATE_BLOB`
    CapiDhPrivate = "CAPIDHPRIVATEBLOB";
    /// `LEGACY_DH_PUBLIC_BLOB`
    CapiDhPublic = "CAPIDHPUBLICBLOB";
    /// `LEGACY_DSA_PRIVATE_BLOB`
    CapiDsaPrivate = "CAPIDSAPRIVATEBLOB";
    /// `LEGACY_DSA_PUBLIC_BLOB`
    CapiDsaPublic = "CAPIDSAPUBLICBLOB";
    /// `LEGACY_DSA_V2_PRIVATE_BLOB`
    CapiDsaV2Private = "V2CAPIDSAPRIVATEBLOB";
    /// `LEGACY_DSA_V2_PUBLIC_BLOB`
    CapiDsaV2Public = "V2CAPIDSAPUBLICBLOB";
    /// `LEGACY_RSAPRIVATE_BLOB`
    CapiPrivate = "CAPIPRIVATEBLOB";
    /// `LEGACY_RSAPUBLIC_BLOB`
    CapiPublic = "CAPIPUBLICBLOB";
    /// `NCRYPT_CIPHER_KEY_BLOB`
    Cipher = "CipherKeyBlob";
    /// `BCRYPT_DH_PARAMETERS`
    DhParameters = "DHParameters";
    /// `BCRYPT_DH_PRIVATE_BLOB`
    DhPrivate = "DHPRIVATEBLOB";
    /// `BCRYPT_DH_PUBLIC_BLOB`
    DhPublic = "DHPUBLICBLOB";
    /// `BCRYPT_DSA_PARAMETERS`
    DsaParameters = "DSAParameters";
    /// `BCRYPT_DSA_PRIVATE_BLOB`
    DsaPrivate = "DSAPRIVATEBLOB";
    /// `BCRYPT_DSA_PUBLIC_BLOB`
    DsaPublic = "DSAPUBLICBLOB";
    /// `BCRYPT_ECCFULLPRIVATE_BLOB`
    EccFullPrivate = "ECCFULLPRIVATEBLOB";
    /// `BCRYPT_ECCFULLPUBLIC_BLOB`
    EccFullPublic = "ECCFULLPUBLICBLOB";
    /// `BCRYPT_ECC_PARAMETERS`
    EccParameters = "ECCParameters";
    /// `BCRYPT_ECCPRIVATE_BLOB`
    EccPrivate = "ECCPRIVATEBLOB";
    /// `BCRYPT_ECCPUBLIC_BLOB`
    EccPublic = "ECCPUBLICBLOB";
    /// `NCRYPT_ISOLATED_KEY_ENVELOPE_BLOB`
    IsolatedKey = "ISOLATED_KEY_ENVELOPE";
    /// `NCRYPT_KDF_KEY_BLOB`
    Kdf = "KDFKeyBlob";
    /// `BCRYPT_KEY_DATA_BLOB`
    KeyData = "KeyDataBlob";
    /// `BCRYPT_MLKEM_PRIVATE_BLOB`
    MlKemPrivate = "MLKEMPRIVATEBLOB";
    /// `BCRYPT_MLKEM_PRIVATE_SEED_BLOB`
    MlKemPrivateSeed = "MLKEMPRIVATESEEDBLOB";
    /// `BCRYPT_MLKEM_PUBLIC_BLOB`
    MlKemPublic = "MLKEMPUBLICBLOB";
    /// `BCRYPT_OPAQUE_KEY_BLOB`
    OpaqueKey = "OpaqueKeyBlob";
    /// `NCRYPT_OPAQUETRANSPORT_BLOB`
    OpaqueTransport = "OpaqueTransport";
    /// `NCRYPT_PKCS7_ENVELOPE_BLOB`
    Pkcs7Envelope = "PKCS7_ENVELOPE";
    /// `NCRYPT_PKCS8_PRIVATE_KEY_BLOB`
    Pkcs8 = "PKCS8_PRIVATEKEY";
    /// `BCRYPT_PQDSA_PRIVATE_BLOB`
    PqDsaPrivate = "PQDSAPRIVATEBLOB";
    /// `BCRYPT_PQDSA_PRIVATE_SEED_BLOB`
    PqDsaPrivateSeed = "PQDSAPRIVATESEEDBLOB";
    /// `BCRYPT_PQDSA_PUBLIC_BLOB`
    PqDsaPublic = "PQDSAPUBLICBLOB";
    /// `NCRYPT_PQ_PRIVATE_KEY_BLOB`
    PqPrivate = "PQPrivateKeyBlob";
    /// `BCRYPT_PRIVATE_KEY_BLOB`
    Private = "PRIVATEBLOB";
    /// `NCRYPT_PROTECTED_KEY_BLOB`
    Protected = "ProtectedKeyBlob";
    /// `BCRYPT_PUBLIC_KEY_BLOB`
    Public = "PUBLICBLOB";
    /// `BCRYPT_PKCS11_RSA_AES_WRAP_KEY_BLOB`
    RsaAesWrap = "PKCS11RsaAesWrapBlob";
    /// `BCRYPT_RSAFULLPRIVATE_BLOB`
    RsaFullPrivate = "RSAFULLPRIVATEBLOB";
    /// `BCRYPT_RSAPRIVATE_BLOB`
    RsaPrivate = "RSAPRIVATEBLOB";
    /// `BCRYPT_RSAPUBLIC_BLOB`
    RsaPublic = "RSAPUBLICBLOB";
    /// `SSL_ECCPUBLIC_BLOB`
    SslEccPublic = "SSLECCPUBLICBLOB";
    /// the key of a TPM by its handle
    TpmPersistent = "PcpTpmPersistentKeyBlob";
    /// `NCRYPT_TPM_LOADABLE_KEY_BLOB`
    TpmProtected = "PcpTpmProtectedKeyBlob";
}

impl BlobType {
    /// The blob type with exactly this identifier.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|blob_type| blob_type.name() == name)
    }

    /// The blob type with this identifier in any case, as the command line takes it.
    pub fn by_name_ignore_case(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|blob_type| blob_type.name().eq_ignore_ascii_case(name))
    }

    /// Whether blobs of this type hold a public key and nothing else.
    pub fn is_public(self) -> bool {
        matches!(
            self,
            Self::CapiDhPublic
                | Self::CapiDsaPublic
                | Self::CapiDsaV2Public
                | Self::CapiPublic
                | Self::DhPublic
                | Self::DsaPublic
                | Self::EccFullPublic
                | Self::EccPublic
                | Self::MlKemPublic
                | Self::PqDsaPublic
                | Self::Public
                | Self::RsaPublic
                | Self::SslEccPublic
        )
    }

    /// Whether blobs of this type are a private key of an asymmetric algorithm behind a magic that says which, as `PRIVATEBLOB` wants it.
    pub(super) fn is_private(self) -> bool {
        matches!(
            self,
            Self::DhPrivate
                | Self::DsaPrivate
                | Self::EccFullPrivate
                | Self::EccPrivate
                | Self::MlKemPrivate
                | Self::MlKemPrivateSeed
                | Self::PqDsaPrivate
                | Self::PqDsaPrivateSeed
                | Self::RsaFullPrivate
                | Self::RsaPrivate
        )
    }

    /// Whether blobs of this type hold domain parameters and no key.
    pub fn is_parameters(self) -> bool {
        matches!(self, Self::DhParameters | Self::DsaParameters | Self::EccParameters)
    }
}
