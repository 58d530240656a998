//! `RSAPUBLICBLOB`, `RSAPRIVATEBLOB`, `RSAFULLPRIVATEBLOB`: `BCRYPT_RSAKEY_BLOB`, 24 bytes, then big-endian numbers.
//!
//! | offset | size | field | `RSA1` | `RSA2` | `RSA3` |
//! |---|---|---|---|---|---|
//! | 0 | 4 LE | Magic | ✓ | ✓ | ✓ |
//! | 4 | 4 LE | BitLength (ignored on reading) | ✓ | ✓ | ✓ |
//! | 8 | 4 LE | cbPublicExp | ✓ | ✓ | ✓ |
//! | 12 | 4 LE | cbModulus | ✓ | ✓ | ✓ |
//! | 16 | 4 LE | cbPrime1 | 0 | ✓ | ✓ |
//! | 20 | 4 LE | cbPrime2 | 0 | ✓ | ✓ |
//! | 24 | cbPublicExp | PublicExponent e | ✓ | ✓ | ✓ |
//! | … | cbModulus | Modulus n | ✓ | ✓ | ✓ |
//! | … | cbPrime1 | Prime1 p | | ✓ | ✓ |
//! | … | cbPrime2 | Prime2 q | | ✓ | ✓ |
//! | … | cbPrime1 | Exponent1 d mod (p−1) | | | ✓ |
//! | … | cbPrime2 | Exponent2 d mod (q−1) | | | ✓ |
//! | … | cbPrime1 | Coefficient q⁻¹ mod p | | | ✓ |
//! | … | cbModulus | PrivateExponent d | | | ✓ |

use super::magic;
use super::writer::Writer;
use super::{BlobType, Decoded, Error, Hints, Reader, fits};
use crate::key::rsa::{PrivateKey, PrivateNumbers, PublicKey};
use crate::key::{self, Algorithm, Family, KeyMaterial};
use crate::secret::SecretBytes;

/// Which of the three layouts a blob has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `RSA3`
    FullPrivate,
    /// `RSA2`
    Private,
    /// `RSA1`
    Public,
}

impl Kind {
    const ALL: [Self; 3] = [Self::FullPrivate, Self::Private, Self::Public];

    /// The layout with this magic number.
    pub fn by_magic(magic: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.magic() == magic)
    }

    /// The magic number.
    pub const fn magic(self) -> u32 {
        match self {
            Self::FullPrivate => magic::RSA3,
            Self::Private => magic::RSA2,
            Self::Public => magic::RSA1,
        }
    }

    /// The blob type.
    pub const fn blob_type(self) -> BlobType {
        match self {
            Self::FullPrivate => BlobType::RsaFullPrivate,
            Self::Private => BlobType::RsaPrivate,
            Self::Public => BlobType::RsaPublic,
        }
    }
}

/// A decoded RSA blob, borrowed from its bytes. The numbers have the widths the blob gave them.
#[derive(Clone, Copy)]
pub struct RsaBlob<'a> {
    /// The layout.
    pub kind: Kind,
    /// `BitLength` as it stands in the header; not used.
    pub bit_length: u32,
    /// e
    pub public_exponent: &'a [u8],
    /// n
    pub modulus: &'a [u8],
    primes: Option<(&'a [u8], &'a [u8])>,
    crt: Option<[&'a [u8]; 4]>,
}

impl<'a> RsaBlob<'a> {
    /// Decodes any of the three layouts.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read_inline(&mut Reader::new(bytes), &[Kind::Public, Kind::Private, Kind::FullPrivate])
    }

    pub(crate) fn read(reader: &mut Reader<'a>, allowed: &[Kind]) -> Result<Self, Error> {
        Self::read_inline(reader, allowed)
    }

    // Into `decode` above all: a reader that is new, and traces nothing, comes apart into registers there.
    #[inline(always)]
    fn read_inline(reader: &mut Reader<'a>, allowed: &[Kind]) -> Result<Self, Error> {
        let magic = reader.u32("Magic")?;
        let kind = Kind::by_magic(magic).filter(|kind| allowed.contains(kind)).ok_or_else(|| Error::Magic {
            field: "Magic",
            offset: 0,
            found: magic,
            expected: match allowed {
                [kind] => kind.blob_type().name(),
                _ => "an RSA blob of this type",
            },
        })?;
        let bit_length = reader.u32("BitLength")?;
        let e_len = reader.u32("cbPublicExp")?;
        let n_len = reader.u32("cbModulus")?;
        let primes_at = reader.offset();
        let p_len = reader.u32("cbPrime1")?;
        let q_len = reader.u32("cbPrime2")?;

        let [e, n, p, q] = [e_len, n_len, p_len, q_len].map(u64::from);
        let payload = match kind {
            Kind::Public => {
                for (field, offset, len) in [("cbPrime1", primes_at, p), ("cbPrime2", primes_at + 4, q)] {
                    if len != 0 {
                        let expected = "a public blob has no primes, it must be 0";
                        return Err(Error::Value { field, offset, found: len, expected });
                    }
                }
                e + n
            }
            Kind::Private => e + n + p + q,
            Kind::FullPrivate => e + 2 * n + 3 * p + 2 * q,
        };
        reader.expect_rest("the payload", payload)?;

        let public_exponent = reader.public("PublicExponent", e_len)?;
        let modulus = reader.public("Modulus", n_len)?;
        let primes = match kind {
            Kind::Public => None,
            _ => Some((reader.private("Prime1", p_len)?, reader.private("Prime2", q_len)?)),
        };
        let crt = match kind {
            Kind::FullPrivate => Some([
                reader.private("Exponent1", p_len)?,
                reader.private("Exponent2", q_len)?,
                reader.private("Coefficient", p_len)?,
                reader.private("PrivateExponent", n_len)?,
            ]),
            _ => None,
        };
        reader.expect_end()?;
        Ok(Self { kind, bit_length, public_exponent, modulus, primes, crt })
    }

    pub(crate) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        fits(hints, |given| given.family == Family::Rsa, || "an RSA key".to_owned())?;
        let public = PublicKey::new(self.modulus, self.public_exponent, hints.validation)?;
        let key = match (self.primes, self.crt) {
            (None, _) => KeyMaterial::Public(key::PublicKey::Rsa(public)),
            (Some((p, q)), None) => {
                let private = PrivateKey::from_primes(public, p, q, hints.validation)?;
                KeyMaterial::Private(key::PrivateKey::Rsa(private))
            }
            (Some((p, q)), Some(crt)) => {
                let [dp, dq, qinv, d] = crt.map(SecretBytes::from);
                let numbers = PrivateNumbers { p: p.into(), q: q.into(), dp, dq, qinv, d };
                let private = PrivateKey::from_numbers(public, numbers, hints.validation)?;
                KeyMaterial::Private(key::PrivateKey::Rsa(private))
            }
        };
        Ok(Decoded::new(Algorithm::RSA, key))
    }
}

impl std::fmt::Debug for RsaBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RsaBlob").field("kind", &self.kind).field("modulus_bytes", &self.modulus.len()).finish()
    }
}

pub(super) fn write_public(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    write_header(writer, Kind::Public, key, (0, 0))?;
    write_public_numbers(writer, key)
}

pub(super) fn write_private(writer: &mut Writer<impl AsMut<[u8]>>, key: &PrivateKey, kind: Kind) -> Result<(), Error> {
    let (public, numbers) = (key.public(), key.numbers());
    let (p, q) = key.prime_widths();
    write_header(writer, kind, public, (p, q))?;
    write_public_numbers(writer, public)?;
    writer.number("Prime1", &numbers.p, p)?;
    writer.number("Prime2", &numbers.q, q)?;
    if kind == Kind::FullPrivate {
        writer.number("Exponent1", &numbers.dp, p)?;
        writer.number("Exponent2", &numbers.dq, q)?;
        writer.number("Coefficient", &numbers.qinv, p)?;
        writer.number("PrivateExponent", &numbers.d, public.n().len())?;
    }
    Ok(())
}

#[inline]
fn write_public_numbers(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    writer.bytes("PublicExponent", key.e())?;
    writer.bytes("Modulus", key.n())
}

#[inline]
fn write_header(
    writer: &mut Writer<impl AsMut<[u8]>>,
    kind: Kind,
    key: &PublicKey,
    (p, q): (usize, usize),
) -> Result<(), Error> {
    writer.magic(kind.magic())?;
    writer.u32("BitLength", key.bits() as usize)?;
    writer.u32("cbPublicExp", key.e().len())?;
    writer.u32("cbModulus", key.n().len())?;
    writer.u32("cbPrime1", p)?;
    writer.u32("cbPrime2", q)
}
