//! The one table of magic numbers (`bcrypt.h`, `ncrypt.h`, `wincrypt.h`): the value, its letters, at which offset of which blob types it
//! stands.
//!
//! Reading, writing, recognition and the texts of errors take their numbers from here. Most magics are the first word of a blob; behind
//! a size (`NCRYPT_KEY_BLOB_HEADER`, the parameter headers) they are the second, behind CryptoAPI's `BLOBHEADER` the third. The letters
//! are the four bytes as they lie in memory, a zero byte left out.

use super::BlobType;
use crate::key::Family;

/// Where a magic stands: the offset, and the blob types that have it there.
type Place = (usize, &'static [BlobType]);

/// One magic number.
#[derive(Debug)]
pub struct Magic {
    /// The number, as a little-endian word.
    pub value: u32,
    /// Its letters.
    pub letters: &'static str,
    /// Offsets and blob types. A magic whose blobs are not handled here has none.
    pub places: &'static [Place],
    /// What a blob with it holds, if it is not handled here.
    pub foreign: Option<&'static str>,
}

macro_rules! magics {
    (
        { $($name:ident = $value:literal: $($offset:literal [$($blob_type:ident)+])+;)+ }
        foreign { $($other:ident = $number:literal: $what:literal;)+ }
    ) => {
        $(pub(super) const $name: u32 = $value;)+

        /// Every magic number that is known.
        pub static TABLE: &[Magic] = &[
            $(Magic {
                value: $name,
                letters: stringify!($name),
                places: &[$(($offset, &[$(BlobType::$blob_type),+])),+],
                foreign: None,
            },)+
            $(Magic { value: $number, letters: stringify!($other), places: &[], foreign: Some($what) },)+
        ];
    };
}

magics! {
{
    CPHR = 0x5248_5043: 4 [Cipher];
    DH1 = 0x3148_4400: 8 [CapiDhPublic];
    DH2 = 0x3248_4400: 8 [CapiDhPrivate];
    DH3 = 0x3348_4400: 8 [CapiDhPublic];
    DH4 = 0x3448_4400: 8 [CapiDhPrivate];
    DHPB = 0x4250_4844: 0 [DhPublic];
    DHPM = 0x4D50_4844: 4 [DhParameters];
    DHPV = 0x5650_4844: 0 [DhPrivate];
    DPB2 = 0x3242_5044: 0 [DsaPublic];
    DPM2 = 0x324D_5044: 4 [DsaParameters];
    DPV2 = 0x3256_5044: 0 [DsaPrivate];
    DSPB = 0x4250_5344: 0 [DsaPublic];
    DSPK = 0x4B50_5344: 0 [PqDsaPublic];
    DSPM = 0x4D50_5344: 4 [DsaParameters];
    DSPV = 0x5650_5344: 0 [DsaPrivate];
    DSS1 = 0x3153_5344: 8 [CapiDsaPublic CapiDsaV2Public];
    DSS2 = 0x3253_5344: 8 [CapiDsaPrivate CapiDsaV2Private];
    DSS3 = 0x3353_5344: 8 [CapiDsaPublic];
    DSS4 = 0x3453_5344: 8 [CapiDsaPrivate];
    DSSK = 0x4B53_5344: 0 [PqDsaPrivate];
    DSSS = 0x5353_5344: 0 [PqDsaPrivateSeed];
    ECDP = 0x5044_4345: 0 [EccPublic EccFullPublic];
    ECDV = 0x5644_4345: 0 [EccPrivate EccFullPrivate];
    ECK1 = 0x314B_4345: 0 [EccPublic];
    ECK2 = 0x324B_4345: 0 [EccPrivate];
    ECK3 = 0x334B_4345: 0 [EccPublic];
    ECK4 = 0x344B_4345: 0 [EccPrivate];
    ECK5 = 0x354B_4345: 0 [EccPublic];
    ECK6 = 0x364B_4345: 0 [EccPrivate];
    ECKP = 0x504B_4345: 0 [EccPublic EccFullPublic];
    ECKV = 0x564B_4345: 0 [EccPrivate EccFullPrivate];
    ECS1 = 0x3153_4345: 0 [EccPublic];
    ECS2 = 0x3253_4345: 0 [EccPrivate];
    ECS3 = 0x3353_4345: 0 [EccPublic];
    ECS4 = 0x3453_4345: 0 [EccPrivate];
    ECS5 = 0x3553_4345: 0 [EccPublic];
    ECS6 = 0x3653_4345: 0 [EccPrivate];
    KDBM = 0x4D42_444B: 0 [KeyData];
    KDF1 = 0x3146_444B: 4 [Kdf];
    KPTM = 0x4D54_504B: 0 [TpmProtected TpmPersistent];
    MLKP = 0x504B_4C4D: 0 [MlKemPublic];
    MLKR = 0x524B_4C4D: 0 [MlKemPrivate];
    MLKS = 0x534B_4C4D: 0 [MlKemPrivateSeed];
    PQPR = 0x5250_5150: 0 [PqPrivate];
    PRTK = 0x4B54_5250: 4 [Protected];
    RAPW = 0x5750_4152: 0 [RsaAesWrap];
    RSA1 = 0x3141_5352: 0 [RsaPublic] 8 [CapiPublic];
    RSA2 = 0x3241_5352: 0 [RsaPrivate] 8 [CapiPrivate];
    RSA3 = 0x3341_5352: 0 [RsaFullPrivate];
    SHPK = 0x4B50_4853: 0 [PqDsaPublic];
    SHSK = 0x4B53_4853: 0 [PqDsaPrivate];
}
foreign {
    CMKP = 0x504B_4D43: "a composite ML-KEM public key (a preview of Windows)";
    CMKR = 0x524B_4D43: "a composite ML-KEM private key (a preview of Windows)";
    CMKS = 0x534B_4D43: "the seed of a composite ML-KEM key (a preview of Windows)";
    CMPK = 0x4B50_4D43: "a composite ML-DSA public key (a preview of Windows)";
    CMSK = 0x4B53_4D43: "a composite ML-DSA private key (a preview of Windows)";
    // Defined in bcrypt.h; no documented structure contains it.
    ECCP = 0x5043_4345: "parameters of an elliptic curve with a magic that no documented layout has";
    LMPK = 0x4B50_4D4C: "an LMS public key";
    XMPK = 0x4B50_4D58: "an XMSS public key";
}
}

/// The row of a number.
pub fn of(value: u32) -> Option<&'static Magic> {
    TABLE.iter().find(|magic| magic.value == value)
}

/// The letters of a number of the table.
pub(super) fn letters(value: u32) -> &'static str {
    of(value).map_or("", |magic| magic.letters)
}

/// What an elliptic-curve magic says.
#[derive(Debug)]
pub(super) struct Elliptic {
    pub(super) public: u32,
    pub(super) private: u32,
    pub(super) family: Family,
    /// Size of the NIST curve; `None` for the generic magics.
    pub(super) nist_bits: Option<u32>,
}

const fn elliptic(public: u32, private: u32, family: Family, nist_bits: Option<u32>) -> Elliptic {
    Elliptic { public, private, family, nist_bits }
}

pub(super) static ELLIPTIC: &[Elliptic] = &[
    elliptic(ECK1, ECK2, Family::Ecdh, Some(256)),
    elliptic(ECK3, ECK4, Family::Ecdh, Some(384)),
    elliptic(ECK5, ECK6, Family::Ecdh, Some(521)),
    elliptic(ECKP, ECKV, Family::Ecdh, None),
    elliptic(ECS1, ECS2, Family::Ecdsa, Some(256)),
    elliptic(ECS3, ECS4, Family::Ecdsa, Some(384)),
    elliptic(ECS5, ECS6, Family::Ecdsa, Some(521)),
    elliptic(ECDP, ECDV, Family::Ecdsa, None),
];

impl Elliptic {
    /// The row with this number, and whether it is that of a private key.
    pub(super) fn by_magic(value: u32) -> Option<(&'static Self, bool)> {
        ELLIPTIC.iter().find(|row| row.public == value || row.private == value).map(|row| (row, row.private == value))
    }

    /// The magic of one half.
    pub(super) fn magic(&self, private: bool) -> u32 {
        if private { self.private } else { self.public }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_the_bytes_of_the_number_and_no_number_stands_twice() {
        for magic in TABLE {
            let bytes: Vec<u8> = magic.value.to_le_bytes().into_iter().filter(|byte| *byte != 0).collect();
            assert_eq!(magic.letters.as_bytes(), bytes);
            assert_eq!(TABLE.iter().filter(|other| other.value == magic.value).count(), 1, "{}", magic.letters);
            assert_eq!(magic.places.is_empty(), magic.foreign.is_some(), "{}", magic.letters);
        }
    }

    #[test]
    fn elliptic_magics_are_those_of_elliptic_blobs() {
        for magic in TABLE.iter().filter(|magic| magic.foreign.is_none()) {
            let is = |types: &[BlobType]| magic.places.iter().any(|(_, all)| all.iter().any(|one| types.contains(one)));
            let half = Elliptic::by_magic(magic.value).map(|(_, private)| private);
            assert_eq!(half == Some(true), is(&[BlobType::EccPrivate]), "{}", magic.letters);
            assert_eq!(half == Some(false), is(&[BlobType::EccPublic]), "{}", magic.letters);
            let generic = Elliptic::by_magic(magic.value).is_some_and(|(row, _)| row.nist_bits.is_none());
            assert_eq!(generic, is(&[BlobType::EccFullPrivate, BlobType::EccFullPublic]), "{}", magic.letters);
        }
    }
}
