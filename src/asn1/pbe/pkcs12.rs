//! The password-based schemes and the key derivation of PKCS#12 (RFC 7292 appendices B and C).
//!
//! The derivation takes the password as a BMPString with its NUL. Of the empty password two forms are around: two zero bytes, as the
//! standard has it, and nothing at all, as some programs write it. On reading both are tried.

use ::spki::AlgorithmIdentifierRef;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use sha1::digest::{Digest, FixedOutputReset};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Cipher, decrypt_rc2, decrypt_two_key};
use super::{Budget, Hash, Sealed, parameters, random};
use crate::asn1::Error;
use crate::asn1::pbe::hash::with_hash;
use crate::secret::SecretBytes;
use crate::wide;

const WHAT: &str = "the PKCS#12 PBE parameters";
pub(super) const THREE_KEYS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const TWO_KEYS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4");
const RC2_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5");
const RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");

/// RFC 7292 appendix B.3: what a derived string is for.
const ID_KEY: u8 = 1;
const ID_IV: u8 = 2;
#[cfg(feature = "pfx")]
pub(in crate::asn1) const ID_MAC: u8 = 3;

/// A password in the forms that the schemes take it in.
pub(in crate::asn1) struct Password<'a> {
    utf8: &'a SecretBytes,
    bmp: Vec<SecretBytes>,
}

impl<'a> Password<'a> {
    /// For writing: the form of the standard alone.
    pub(in crate::asn1) fn new(utf8: &'a SecretBytes) -> Result<Self, Error> {
        let refused = Error::Invalid { what: "the password", problem: "it is not valid UTF-8" };
        let text = std::str::from_utf8(utf8).map_err(|_| refused)?;
        // BMPString: big-endian UTF-16 with its NUL (RFC 7292 appendix B.1).
        let mut bmp = SecretBytes::from(wide::encode_nul(text));
        bmp.as_mut_slice().as_chunks_mut::<2>().0.iter_mut().for_each(|unit| unit.reverse());
        Ok(Self { utf8, bmp: vec![bmp] })
    }

    /// For reading: every form that it could have been taken in. A password that is not UTF-8 has none as a BMPString.
    pub(in crate::asn1) fn for_reading(utf8: &'a SecretBytes) -> Self {
        let mut password = Self::new(utf8).unwrap_or(Self { utf8, bmp: Vec::new() });
        if utf8.is_empty() {
            password.bmp.push(SecretBytes::default());
        }
        password
    }

    /// As PBKDF2 takes it.
    pub(in crate::asn1) fn bytes(&self) -> &[u8] {
        self.utf8
    }

    /// The first of the forms of PKCS#12 for which `open` does not find the password wrong, and which it was.
    pub(in crate::asn1) fn try_forms<T>(&self, open: impl Fn(&[u8]) -> Result<T, Error>) -> Result<(usize, T), Error> {
        for (at, form) in self.bmp.iter().enumerate() {
            match open(form) {
                Err(Error::PasswordWrong) => {}
                outcome => return outcome.map(|opened| (at, opened)),
            }
        }
        Err(Error::PasswordWrong)
    }

    /// Forgets all forms but one: it has proven to be the one that the file was written with.
    #[cfg(feature = "pfx")]
    pub(in crate::asn1) fn settle(&mut self, form: usize) {
        if form < self.bmp.len() {
            self.bmp.swap(0, form);
            self.bmp.truncate(1);
        }
    }
}

/// The cipher of a scheme.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Triple DES with three keys.
    Three,
    /// Triple DES with two keys.
    Two,
    /// RC2 with as many effective key bits as the key has.
    Rc2 {
        /// Bytes of the key.
        length: usize,
    },
}

impl Kind {
    pub(super) fn by_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            THREE_KEYS => Some(Self::Three),
            TWO_KEYS => Some(Self::Two),
            RC2_128 => Some(Self::Rc2 { length: 16 }),
            RC2_40 => Some(Self::Rc2 { length: 5 }),
            _ => None,
        }
    }

    fn key_length(self) -> usize {
        match self {
            Self::Three => 24,
            Self::Two => 16,
            Self::Rc2 { length } => length,
        }
    }

    fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Result<SecretBytes, Error> {
        match self {
            Self::Three => Cipher::TripleDes.decrypt(key, iv, data),
            Self::Two => decrypt_two_key(key, iv, data),
            Self::Rc2 { .. } => decrypt_rc2(key, iv, data),
        }
    }
}

/// The block of triple DES and of RC2, in bytes.
const BLOCK: usize = 8;

#[derive(Sequence)]
struct Pkcs12PbeParams<'a> {
    salt: &'a OctetStringRef,
    iterations: u64,
}

/// A PKCS#12 scheme with its parameters, paid for.
pub(in crate::asn1) struct Parameters<'a> {
    kind: Kind,
    salt: &'a [u8],
    iterations: u32,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(kind: Kind, algorithm: &AlgorithmIdentifierRef<'a>, budget: &mut Budget) -> Result<Self, Error> {
        let read: Pkcs12PbeParams<'a> = parameters(WHAT, algorithm)?;
        Ok(Self { kind, salt: read.salt.as_bytes(), iterations: budget.iterations(read.iterations)? })
    }

    pub(super) fn decrypt(&self, password: &Password<'_>, data: &[u8]) -> Result<SecretBytes, Error> {
        let opened = password.try_forms(|form| {
            let iv = derive(Hash::Sha1, ID_IV, form, self.salt, self.iterations, BLOCK);
            let key = derive(Hash::Sha1, ID_KEY, form, self.salt, self.iterations, self.kind.key_length());
            self.kind.decrypt(&key, &iv, data)
        });
        opened.map(|(_, plain)| plain)
    }
}

/// Encrypts with pbeWithSHAAnd3-KeyTripleDES-CBC under a fresh salt.
pub(super) fn seal(plain: &[u8], password: &Password<'_>, iterations: u32) -> Result<Sealed, Error> {
    let wrong = |error| Error::encoding(WHAT, error);
    let salt = random::<16>()?;
    let (_, data) = password.try_forms(|form| {
        let key = derive(Hash::Sha1, ID_KEY, form, &salt, iterations, Cipher::TripleDes.key_length());
        let iv = derive(Hash::Sha1, ID_IV, form, &salt, iterations, Cipher::TripleDes.block());
        Cipher::TripleDes.encrypt(&key, &iv, plain)
    })?;
    let salt = OctetStringRef::new(&salt).map_err(wrong)?;
    let parameters = Pkcs12PbeParams { salt, iterations: iterations.into() }.to_der().map_err(wrong)?;
    let parameters = Some(AnyRef::from_der(&parameters).map_err(wrong)?);
    Ok(Sealed { algorithm: AlgorithmIdentifierRef { oid: THREE_KEYS, parameters }.to_der().map_err(wrong)?, data })
}

/// The key derivation of RFC 7292 appendix B.2.
pub(in crate::asn1) fn derive(
    hash: Hash,
    id: u8,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> SecretBytes {
    with_hash!(hash, D => derive_with::<D>(hash, id, password, salt, iterations, length))
}

fn derive_with<D: Digest + FixedOutputReset>(
    hash: Hash,
    id: u8,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> SecretBytes {
    let (u, v) = (hash.output(), hash.block());
    // I = S ‖ P: each repeated to a multiple of v bytes, in one allocation.
    let filled = |bytes: &[u8]| bytes.len().div_ceil(v) * v;
    let mut input = SecretBytes::zeroed(filled(salt) + filled(password));
    let (salts, passwords) = input.as_mut_slice().split_at_mut(filled(salt));
    for (place, source) in [(salts, salt), (passwords, password)] {
        place.iter_mut().zip(source.iter().cycle()).for_each(|(place, byte)| *place = *byte);
    }

    let mut out = SecretBytes::zeroed(length);
    let mut hasher = D::new();
    let mut a = sha1::digest::Output::<D>::default();
    for block in out.as_mut_slice().chunks_mut(u) {
        for _ in 0..v {
            Digest::update(&mut hasher, [id]);
        }
        Digest::update(&mut hasher, &*input);
        FixedOutputReset::finalize_into_reset(&mut hasher, &mut a);
        for _ in 1..iterations {
            Digest::update(&mut hasher, &a);
            FixedOutputReset::finalize_into_reset(&mut hasher, &mut a);
        }
        block.iter_mut().zip(&a).for_each(|(place, byte)| *place = *byte);
        // I_j = (I_j + B + 1) mod 2^(8v), B being A repeated to v bytes.
        let b: Zeroizing<Vec<u8>> = Zeroizing::new(a.iter().copied().cycle().take(v).collect());
        for chunk in input.as_mut_slice().chunks_mut(v) {
            let mut carry = 1_u16;
            for (place, byte) in chunk.iter_mut().zip(b.iter()).rev() {
                let [high, low] = (u16::from(*place) + u16::from(*byte) + carry).to_be_bytes();
                (carry, *place) = (u16::from(high), low);
            }
        }
    }
    a.as_mut_slice().zeroize();
    out
}
