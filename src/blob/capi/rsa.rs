//! `CAPIPUBLICBLOB`, `CAPIPRIVATEBLOB`: `BLOBHEADER`, `RSAPUBKEY`, then little-endian numbers.
//!
//! | offset | size | field | `RSA1` | `RSA2` |
//! |---|---|---|---|---|
//! | 0 | 8 | [`BLOBHEADER`](super), version 2; aiKeyAlg `CALG_RSA_KEYX` or `CALG_RSA_SIGN` | ✓ | ✓ |
//! | 8 | 4 LE | magic | ✓ | ✓ |
//! | 12 | 4 LE | bitlen, of n, a multiple of 16 | ✓ | ✓ |
//! | 16 | 4 LE | pubexp e | ✓ | ✓ |
//! | 20 | bitlen/8 | modulus n | ✓ | ✓ |
//! | … | bitlen/16 | prime1 p | | ✓ |
//! | … | bitlen/16 | prime2 q | | ✓ |
//! | … | bitlen/16 | exponent1 d mod (p−1) | | ✓ |
//! | … | bitlen/16 | exponent2 d mod (q−1) | | ✓ |
//! | … | bitlen/16 | coefficient q⁻¹ mod p | | ✓ |
//! | … | bitlen/8 | privateExponent d | | ✓ |
//!
//! `CALG_RSA_SIGN` is a key that may only sign. `CALG_RSA_KEYX` is written, the one that may do both. An e of more than 32 bits, primes longer than half of n and a modulus whose
//! bits are no multiple of 16 have no room here.

use super::{BitLength, Form, VERSION_2, expected, form, reversed};
use crate::blob::writer::Writer;
use crate::blob::{BlobType, Decoded, Error, Hints, Reader, fits, magic};
use crate::key::rsa::{PrivateKey, PrivateNumbers, PublicKey};
use crate::key::{self, Algorithm, Family, KeyMaterial, KeyUsage};

/// `CALG_RSA_KEYX`
pub(super) const CALG_RSA_KEYX: u32 = 0xA400;
/// `CALG_RSA_SIGN`
const CALG_RSA_SIGN: u32 = 0x2400;

const PUBLIC: Form = form(magic::RSA1, VERSION_2, false);
const PRIVATE: Form = form(magic::RSA2, VERSION_2, true);
static FORMS: &[Form] = &[PUBLIC, PRIVATE];

/// A decoded blob, borrowed from its bytes.
#[derive(Clone, Copy)]
pub struct RsaBlob<'a> {
    /// Whether the key is for signing alone: `CALG_RSA_SIGN`.
    pub signs_only: bool,
    /// e
    pub public_exponent: u32,
    /// n, little-endian
    pub modulus: &'a [u8],
    /// p, q, d mod (p − 1), d mod (q − 1), q⁻¹ mod p, d
    numbers: Option<[&'a [u8]; 6]>,
}

impl<'a> RsaBlob<'a> {
    /// Decodes a public or private blob.
    ///
    /// # Errors
    /// [`Error`] with field and offset.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::read(&mut Reader::new(bytes), None)
    }

    pub(in crate::blob) fn read(reader: &mut Reader<'a>, private: Option<bool>) -> Result<Self, Error> {
        let expected = expected(private, [BlobType::CapiPublic, BlobType::CapiPrivate], "a CryptoAPI RSA blob");
        let (form, algorithm) = Form::read(reader, FORMS, private, &[CALG_RSA_KEYX, CALG_RSA_SIGN], expected)?;
        let bitlen = BitLength::read(reader, "bitlen")?;
        if !bitlen.bits.is_multiple_of(16) {
            return bitlen.refuse("it must be a multiple of 16");
        }
        let public_exponent = reader.u32("pubexp")?;
        let (whole, half) = (bitlen.bits / 8, bitlen.bits / 16);
        let private = if form.private { 5 * u64::from(half) + u64::from(whole) } else { 0 };
        reader.expect_rest("the payload", u64::from(whole) + private)?;
        let modulus = reader.public("modulus", whole)?;
        bitlen.check_exact(modulus)?;
        let numbers = if form.private {
            Some([
                reader.private("prime1", half)?,
                reader.private("prime2", half)?,
                reader.private("exponent1", half)?,
                reader.private("exponent2", half)?,
                reader.private("coefficient", half)?,
                reader.private("privateExponent", whole)?,
            ])
        } else {
            None
        };
        reader.expect_end()?;
        Ok(Self { signs_only: algorithm == CALG_RSA_SIGN, public_exponent, modulus, numbers })
    }

    pub(in crate::blob) fn to_decoded(self, hints: &Hints<'_>) -> Result<Decoded, Error> {
        fits(hints, |given| given.family == Family::Rsa, || "an RSA key".to_owned())?;
        let e = self.public_exponent.to_be_bytes();
        let public = PublicKey::new(&reversed(self.modulus), &e, hints.validation)?;
        let key = match self.numbers {
            None => KeyMaterial::Public(key::PublicKey::Rsa(public)),
            Some(numbers) => {
                let [p, q, dp, dq, qinv, d] = numbers.map(reversed);
                let numbers = PrivateNumbers { p, q, dp, dq, qinv, d };
                let private = PrivateKey::from_numbers(public, numbers, hints.validation)?;
                KeyMaterial::Private(key::PrivateKey::Rsa(private))
            }
        };
        let usage = self.signs_only.then_some(KeyUsage::SIGN);
        Ok(Decoded { usage, ..Decoded::new(Algorithm::RSA, key) })
    }
}

impl std::fmt::Debug for RsaBlob<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let private = self.numbers.is_some();
        f.debug_struct("RsaBlob").field("modulus_bytes", &self.modulus.len()).field("private", &private).finish()
    }
}

pub(in crate::blob) fn write_public(writer: &mut Writer<impl AsMut<[u8]>>, key: &PublicKey) -> Result<(), Error> {
    write(writer, &PUBLIC, key, BlobType::CapiPublic)
}

pub(in crate::blob) fn write_private(writer: &mut Writer<impl AsMut<[u8]>>, key: &PrivateKey) -> Result<(), Error> {
    let blob_type = BlobType::CapiPrivate;
    let (whole, half) = (key.public().n().len(), key.public().n().len() / 2);
    let numbers = key.numbers();
    let halves = [
        ("prime1", &numbers.p),
        ("prime2", &numbers.q),
        ("exponent1", &numbers.dp),
        ("exponent2", &numbers.dq),
        ("coefficient", &numbers.qinv),
    ];
    if halves.iter().any(|(_, number)| number.len() > half) {
        let why = "its primes must have half of the modulus' length each";
        return Err(Error::Limit { blob_type: blob_type.name(), why });
    }
    write(writer, &PRIVATE, key.public(), blob_type)?;
    for (field, number) in halves {
        writer.number_le(field, number, half)?;
    }
    writer.number_le("privateExponent", &numbers.d, whole)
}

fn write(
    writer: &mut Writer<impl AsMut<[u8]>>,
    form: &Form,
    key: &PublicKey,
    blob_type: BlobType,
) -> Result<(), Error> {
    let limit = |why| Error::Limit { blob_type: blob_type.name(), why };
    if !key.bits().is_multiple_of(16) {
        return Err(limit("the bits of its modulus must be a multiple of 16"));
    }
    if key.e().len() > size_of::<u32>() {
        return Err(limit("its public exponent must fit into 32 bits"));
    }
    form.write(writer, CALG_RSA_KEYX)?;
    writer.u32("bitlen", key.bits() as usize)?;
    writer.number_le("pubexp", key.e(), size_of::<u32>())?;
    writer.number_le("modulus", key.n(), key.n().len())
}
