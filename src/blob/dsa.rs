//! `DSAPUBLICBLOB`, `DSAPRIVATEBLOB`: `BCRYPT_DSA_KEY_BLOB` up to 1024 bits, `BCRYPT_DSA_KEY_BLOB_V2` above. Numbers are big-endian.
//!
//! | offset | size | field, version 1 | `DSPB` | `DSPV` |
//! |---|---|---|---|---|
//! | 0 | 4 LE | dwMagic | ✓ | ✓ |
//! | 4 | 4 LE | cbKey, bytes of p, at most 128 | ✓ | ✓ |
//! | 8 | 4 BE | Count | ✓ | ✓ |
//! | 12 | 20 | Seed | ✓ | ✓ |
//! | 32 | 20 | q | ✓ | ✓ |
//! | 52 | cbKey | Modulus p | ✓ | ✓ |
//! | … | cbKey | Generator g | ✓ | ✓ |
//! | … | cbKey | Public y | ✓ | ✓ |
//! | … | 20 | PrivateExponent x | | ✓ |
//!
//! | offset | size | field, version 2 | `DPB2` | `DPV2` |
//! |---|---|---|---|---|
//! | 0 | 4 LE | dwMagic | ✓ | ✓ |
//! | 4 | 4 LE | cbKey, bytes of p, more than 128 | ✓ | ✓ |
//! | 8 | 4 LE | hashAlgorithm: 0 SHA-1, 1 SHA-256, 2 SHA-512 | ✓ | ✓ |
//! | 12 | 4 LE | standardVersion: 0 FIPS 186-2, 1 FIPS 186-3 | ✓ | ✓ |
//! | 16 | 4 LE | cbSeedLength | ✓ | ✓ |
//! | 20 | 4 LE | cbGroupSize, bytes of q: 20, 32 or 64 as the hash's output | ✓ | ✓ |
//! | 24 | 4 BE | Count | ✓ | ✓ |
//! | 28 | cbSeedLength | Seed | ✓ | ✓ |
//! | … | cbGroupSize | q | ✓ | ✓ |
//! | … | cbKey | Modulus p | ✓ | ✓ |
//! | … | cbKey | Generator g | ✓ | ✓ |
//! | … | cbKey | Public y | ✓ | ✓ |
//! | … | cbGroupSize | PrivateExponent x | | ✓ |
//!
//! The order of version 2 is .NET's, the documentation of the structure being incomplete. A Count of 0xFFFFFFFF says that Count and Seed
//! are unknown, as Microsoft's documents have it for CryptoAPI's counter, whatever stands in Seed; what is written then fills Seed with
//! 0xFF, as .NET does, with as many bytes as q has, and only that length is read. A known seed that does not fit (another length than 20
//! bytes in version 1, more than 512 in version 2) is written as unknown. A q of 224 bits has no hash here and cannot be written. FIPS 186-2 knows SHA-1 only; what is written says FIPS 186-3, as
//! .NET does.

use std::ops::RangeInclusive;

use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader, fits, magic};
use crate::key::discrete::Evidence;
use crate::key::dsa::{Parameters, PrivateKey, PublicKey};
use crate::key::{self, Algorithm, Family, KeyMaterial, Validation};

/// Bytes of the longest modulus of version 1.
const V1_KEY: usize = 128;
/// Bytes of q and of the seed in version 1.
const V1_GROUP: u32 = 20;
/// Count and each byte of Seed where they are unknown.
const UNKNOWN_COUNT: u32 = 0xFFFF_FFFF;
const UNKNOWN: u8 = 0xFF;
/// Bytes that a seed may have in version 1 and in CryptoAPI's blobs.
pub(crate) const SHORT_SEED: RangeInclusive<usize> = 20..=20;
/// Bytes that a seed may have in version 2.
const LONG_SEED: RangeInclusive<usize> = 1..=512;
/// `hashAlgorithm` by the bytes of q.
const HASHES: &[(usize, u32)] = &[(20, 0), (32, 1), (64, 2)];
/// `standardVersion`.
const FIPS_186_2: u32 = 0;
const FIPS_186_3: u32 = 1;

/// The domain parameters of a key blob or a parameter blob, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Domain<'a> {
    count: u32,
    seed: &'a [u8],
    q: &'a [u8],
    p: &'a [u8],
    g: &'a [u8],
}

impl<'a> Domain<'a> {
    /// Reads what follows cbKey. `rest` is the length of what follows the generator, from that of q.
    pub(super) fn read(
        reader: &mut Reader<'a>,
        version: Version,
        key_len: u32,
        rest: impl FnOnce(u32) -> u64,
    ) -> Result<Self, Error> {
        let (group, seed_len, seed_len_at) = match version {
            Version::V1 => (V1_GROUP, V1_GROUP, reader.offset()),
            Version::V2 => read_v2_header(reader)?,
        };
        // In version 1 Count, Seed and q belong to the header, which makes no difference to the total.
        let count = 4;
        let domain = u64::from(seed_len) + u64::from(group) + 2 * u64::from(key_len);
        reader.expect_rest("the payload", count + domain + rest(group))?;
        let count = reader.u32_be("Count")?;
        if count == UNKNOWN_COUNT && seed_len != group {
            let expected = "a seed that is unknown has the length of q";
            let (field, found) = ("cbSeedLength", u64::from(seed_len));
            return Err(Error::Value { field, offset: seed_len_at, found, expected });
        }
        Ok(Self {
            count,
            seed: reader.public("Seed", seed_len)?,
            q: reader.full_width("q", group)?,
            p: reader.full_width("Modulus", key_len)?,
            g: reader.public("Generator", key_len)?,
        })
    }

    pub(super) fn to_parameters(self, validation: Validation) -> Result<Parameters, Error> {
        Ok(Parameters::new(self.p, self.q, self.g, evidence(self.count, self.seed), validation)?)
    }
}

/// Which of the two layouts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Version {
    V1,
    V2,
}

impl Version {
    /// Refuses a modulus that belongs into the other layout.
    pub(super) fn check(self, key_len: u32, offset: usize) -> Result<(), Error> {
        let expected = match (self, key_len as usize > V1_KEY) {
            (Self::V1, true) => "this layout is for moduli of up to 1024 bits",
            (Self::V2, false) => "this layout is for moduli above 1024 bits",
            _ => return Ok(()),
        };
        Err(Error::Value { field: "cbKey", offset, found: u64::from(key_len), expected })
    }

    /// The layout for these parameters.
    pub(super) fn of(parameters: &Parameters, blob_type: BlobType) -> Result<Self, Error> {
        let limit = |why| Err(Error::Limit { blob_type: blob_type.name(), why });
        if parameters.p().len() > V1_KEY {
            return match hash(parameters.q()) {
                Some(_) => Ok(Self::V2),
                None => limit("its q must have the 160, 256 or 512 bits of a hash that CNG has for DSA"),
            };
        }
        if parameters.q().len() != V1_GROUP as usize {
            return limit("up to 1024 bits its q must have 160 bits");
        }
        Ok(Self::V1)
    }

    /// Bytes that a seed may have.
    fn seeds(self) -> RangeInclusive<usize> {
        match self {
            Self::V1 => SHORT_SEED,
            Self::V2 => LONG_SEED,
        }
    }
}

/// hashAlgorithm … cbGroupSize: the lengths of q and of the seed, and where that of the seed stands.
fn read_v2_header(reader: &mut Reader<'_>) -> Result<(u32, u32, usize), Error> {
    let hash_at = reader.offset();
    let hash = reader.u32("hashAlgorithm")?;
    let standard_at = reader.offset();
    let standard = reader.u32("standardVersion")?;
    let seed_len_at = reader.offset();
    let seed_len = reader.u32("cbSeedLength")?;
    let group_at = reader.offset();
    let group = reader.u32("cbGroupSize")?;
    let value = |field, offset, found, expected| Error::Value { field, offset, found: u64::from(found), expected };
    let Some((bytes, _)) = HASHES.iter().find(|(_, number)| *number == hash) else {
        return Err(value("hashAlgorithm", hash_at, hash, "0 is SHA-1, 1 is SHA-256, 2 is SHA-512"));
    };
    if standard != FIPS_186_3 && !(standard == FIPS_186_2 && *bytes == V1_GROUP as usize) {
        let expected = "1 is FIPS 186-3; 0 is FIPS 186-2, which has SHA-1 only";
        return Err(value("standardVersion", standard_at, standard, expected));
    }
    if group as usize != *bytes {
        return Err(value("cbGroupSize", group_at, group, "it is not the length of the hash's output"));
    }
    if !LONG_SEED.contains(&(seed_len as usize)) {
        return Err(value("cbSeedLength", seed_len_at, seed_len, "a seed has 1 to 512 bytes"));
    }
    Ok((group, seed_len, seed_len_at))
}

fn hash(q: &[u8]) -> Option<u32> {
    HASHES.iter().find(|(bytes, _)| *bytes == q.len()).map(|(_, number)| *number)
}

/// How the parameters were made, unless the counter says that it is unknown.
pub(super) fn evidence(counter: u32, seed: &[u8]) -> Option<Evidence> {
    (counter != UNKNOWN_COUNT).then(|| Evidence { seed: seed.to_vec(), counter })
}

/// Whether a layout whose seeds have one of these lengths can say how the parameters were made.
pub(crate) fn holds(evidence: &Evidence, seeds: &RangeInclusive<usize>) -> bool {
    seeds.contains(&evidence.seed.len()) && evidence.counter != UNKNOWN_COUNT
}

/// Bytes of a seed that a key's DSA blob has room for.
pub(crate) fn seeds(key_len: usize) -> RangeInclusive<usize> {
    if key_len > V1_KEY { Version::V2.seeds() } else { Version::V1.seeds() }
}

/// Count and Seed of parameters, which are unknown if they do not fit.
pub(super) fn evidence_fields(
    evidence: Option<&Evidence>,
    seeds: &RangeInclusive<usize>,
    unknown_len: usize,
) -> (u32, Vec<u8>) {
    match evidence.filter(|evidence| holds(evidence, seeds)) {
        Some(Evidence { seed, counter }) => (*counter, seed.clone()),
        None => (UNKNOWN_COUNT, vec![UNKNOWN; unknown_len]),
    }
}

/// What follows cbKey, up to the generator.
pub(super) fn write_domain(
    writer: &mut Writer<impl AsMut<[u8]>>,
    parameters: &Parameters,
    version: Version,
) -> Result<(), Error> {
    let (p, q) = (parameters.p(), parameters.q());
    let (count, seed) = evidence_fields(parameters.evidence(), &version.seeds(), q.len());
    if let (Version::V2, Some(hash)) = (version, hash(q)) {
        writer.u32("hashAlgorithm", hash as usize)?;
        writer.u32("standardVersion", FIPS_186_3 as usize)?;
        writer.u32("cbSeedLength", seed.len())?;
        writer.u32("cbGroupSize", q.len())?;
    }
    writer.bytes("Count", &count.to_be_bytes())?;
    writer.bytes("Seed", &seed)?;
    writer.bytes("q", q)?;
    writer.bytes("Modulus", p)?;
    writer.number("Generator", parameters.g(), p.len())
}

/// A decoded DSA blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct DsaBlob<'a> {
    domain: Domain<'a>,
    y: &'a [u8],
    x: Option<&'a [u8]>,
}

impl<'a> DsaBlob<'a> {
    /// Decodes a public or private blob of either version.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes), None)
    }

    pub(super) fn read(reader: &mut Reader<'a>, private: Option<bool>) -> Result<Self, Error> {
        let (allowed, expected): (&[u32], _) = match private {
            None => (&[magic::DSPB, magic::DSPV, magic::DPB2, magic::DPV2], "a DSA blob"),
            Some(false) => (&[magic::DSPB, magic::DPB2], BlobType::DsaPublic.name()),
            Some(true) => (&[magic::DSPV, magic::DPV2], BlobType::DsaPrivate.name()),
        };
        let found = reader.magic("dwMagic", allowed, expected)?;
        let version = if matches!(found, magic::DPB2 | magic::DPV2) { Version::V2 } else { Version::V1 };
        let is_private = matches!(found, magic::DSPV | magic::DPV2);
        let len_at = reader.offset();
        let len = reader.u32("cbKey")?;
        version.check(len, len_at)?;
        let mut x_len = 0;
        let domain = Domain::read(reader, version, len, |group| {
            x_len = if is_private { group } else { 0 };
            u64::from(len) + u64::from(x_len)
        })?;
        let y = reader.public("Public", len)?;
        let x = if is_private { Some(reader.private("PrivateExponent", x_len)?) } else { None };
        reader.expect_end()?;
        Ok(Self { domain, y, x })
    }

    pub(super) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        decoded(self.domain.to_parameters(hints.validation)?, Some(self.y), self.x, hints)
    }
}

/// A key from its parts: a private one if there is an x, and then without a y it is computed.
pub(super) fn decoded(
    parameters: Parameters,
    y: Option<&[u8]>,
    x: Option<&[u8]>,
    hints: &Hints<'_>,
) -> Result<Decoded, Error> {
    fits(hints, |given| given.family == Family::Dsa, || "a DSA key".to_owned())?;
    let key = match (x, y) {
        (Some(x), y) => {
            KeyMaterial::Private(key::PrivateKey::Dsa(PrivateKey::new(parameters, x, y, hints.validation)?))
        }
        (None, y) => {
            let key = PublicKey::new(parameters, y.unwrap_or_default(), hints.validation)?;
            KeyMaterial::Public(key::PublicKey::Dsa(key))
        }
    };
    Ok(Decoded::new(Algorithm::DSA, key))
}

impl std::fmt::Debug for DsaBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DsaBlob").field("cbKey", &self.y.len()).field("private", &self.x.is_some()).finish()
    }
}

pub(super) fn write_public(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    let version = Version::of(key.parameters(), BlobType::DsaPublic)?;
    let magic = if version == Version::V1 { magic::DSPB } else { magic::DPB2 };
    write(writer, magic, version, key)
}

pub(super) fn write_private(writer: &mut Writer<impl AsMut<[u8]>>, key: &PrivateKey) -> Result<(), Error> {
    let parameters = key.public().parameters();
    let version = Version::of(parameters, BlobType::DsaPrivate)?;
    let magic = if version == Version::V1 { magic::DSPV } else { magic::DPV2 };
    write(writer, magic, version, key.public())?;
    writer.number("PrivateExponent", key.x(), parameters.q().len())
}

fn write(writer: &mut Writer<impl AsMut<[u8]>>, magic: u32, version: Version, key: &PublicKey) -> Result<(), Error> {
    let width = key.parameters().p().len();
    writer.magic(magic)?;
    writer.u32("cbKey", width)?;
    write_domain(writer, key.parameters(), version)?;
    writer.number("Public", key.y(), width)
}
