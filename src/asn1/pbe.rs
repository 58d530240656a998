//! Password-based encryption of PKCS#8: PBES2 (RFC 8018 §6.2) both ways, and on reading the PKCS#12 scheme
//! pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C), which is what Windows' own export writes.
//!
//! PBES2 is the `pkcs5` crate's. RC2 and RC4 are refused. The work a file may demand is bounded.

use ::spki::AlgorithmIdentifierRef;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Sequence};
use pkcs5::pbes2;
use sha1::Digest;
use zeroize::Zeroizing;

use super::{Error, encode_secret};
use crate::secret::SecretBytes;
use crate::wide;

const WHAT: &str = "EncryptedPrivateKeyInfo";
const PKCS12_SHA1_3DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

/// More iterations than this are refused: at about a microsecond each they would hold the caller for ten seconds.
const MAX_ITERATIONS: u32 = 10_000_000;

/// N·r of scrypt: 128 MiB of memory.
const MAX_SCRYPT_AREA: u64 = 1 << 20;

/// N·r·p of scrypt: some seconds of work.
const MAX_SCRYPT_WORK: u64 = 1 << 24;

/// How a PKCS#8 is encrypted on writing: PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Encryption {
    /// PBKDF2 iterations.
    pub iterations: u32,
}

impl Default for Encryption {
    fn default() -> Self {
        Self { iterations: 600_000 }
    }
}

#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    data: &'a OctetStringRef,
}

#[derive(Sequence)]
struct EncryptedPbes2<'a> {
    scheme: pkcs5::EncryptionScheme,
    data: &'a OctetStringRef,
}

#[derive(Sequence)]
struct Pkcs12PbeParams<'a> {
    salt: &'a OctetStringRef,
    iterations: u32,
}

/// Encrypts a `PrivateKeyInfo` under a UTF-8 password.
///
/// # Errors
/// [`Error::Scheme`] when the parameters are refused or the operating system has no random bytes.
pub fn encrypt(plain: &[u8], password: &SecretBytes, encryption: Encryption) -> Result<SecretBytes, Error> {
    let refused = |_| Error::Scheme { what: "the PBES2 parameters".to_owned() };
    let no_random = |_| Error::Scheme { what: "no random bytes for salt and IV".to_owned() };
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(no_random)?;
    getrandom::fill(&mut iv).map_err(no_random)?;
    let parameters =
        pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(encryption.iterations, &salt, iv).map_err(refused)?;
    let data = parameters.encrypt(&**password, plain).map_err(refused)?;
    let data = OctetStringRef::new(&data).map_err(|error| Error::encoding(WHAT, error))?;
    encode_secret(&EncryptedPbes2 { scheme: parameters.into(), data })
}

/// Opens an `EncryptedPrivateKeyInfo` with a UTF-8 password, which is missed only once everything else is right.
pub(super) fn decrypt(der: &[u8], password: Option<&SecretBytes>) -> Result<SecretBytes, Error> {
    let info: EncryptedPrivateKeyInfo<'_> = super::decode(WHAT, der)?;
    match info.algorithm.oid {
        PBES2 => {
            let scheme = info.algorithm.to_der().and_then(|der| pkcs5::EncryptionScheme::from_der(&der));
            let scheme =
                scheme.map_err(|error| Error::Scheme { what: format!("PBES2 parameters ({})", error.kind()) })?;
            if let Some(parameters) = scheme.pbes2().and_then(|pbes2| pbes2.kdf.pbkdf2()) {
                check_iterations(parameters.iteration_count)?;
            }
            if let Some(parameters) = scheme.pbes2().and_then(|pbes2| pbes2.kdf.scrypt()) {
                check_scrypt(parameters)?;
            }
            let password = password.ok_or(Error::PasswordMissing)?;
            let plain = scheme.decrypt(&**password, info.data.as_bytes()).map_err(|error| match error {
                pkcs5::Error::DecryptFailed => Error::PasswordWrong,
                other => Error::Scheme { what: other.to_string() },
            })?;
            Ok(SecretBytes::from(plain))
        }
        PKCS12_SHA1_3DES => {
            let parameters =
                info.algorithm.parameters.ok_or(Error::Invalid { what: WHAT, problem: "no PBE parameters" })?;
            let parameters: Pkcs12PbeParams<'_> =
                parameters.decode_as().map_err(|error| Error::from(("the PKCS#12 PBE parameters", error)))?;
            check_iterations(parameters.iterations)?;
            decrypt_pkcs12(&parameters, password.ok_or(Error::PasswordMissing)?, info.data.as_bytes())
        }
        oid => Err(Error::Scheme { what: format!("OID {oid}") }),
    }
}

fn check_iterations(iterations: u32) -> Result<(), Error> {
    if (1..=MAX_ITERATIONS).contains(&iterations) {
        return Ok(());
    }
    Err(Error::Scheme { what: format!("{iterations} iterations (1 to {MAX_ITERATIONS} are taken)") })
}

/// scrypt takes 128·N·r bytes and N·r·p steps (RFC 7914 §2): what a file may demand of either is bounded.
fn check_scrypt(parameters: &pbes2::ScryptParams) -> Result<(), Error> {
    let (n, r) = (parameters.cost_parameter, u64::from(parameters.block_size));
    let area = n.checked_mul(r).filter(|area| *area <= MAX_SCRYPT_AREA);
    let work = area.and_then(|area| area.checked_mul(parameters.parallelization.into()));
    match work.filter(|work| *work <= MAX_SCRYPT_WORK) {
        Some(_) => Ok(()),
        None => Err(Error::Scheme { what: "scrypt with parameters beyond what is taken (128 MiB)".to_owned() }),
    }
}

fn decrypt_pkcs12(parameters: &Pkcs12PbeParams<'_>, password: &SecretBytes, data: &[u8]) -> Result<SecretBytes, Error> {
    let password = std::str::from_utf8(password).map_err(|_| Error::PasswordWrong)?;
    // BMPString: big-endian UTF-16 with its NUL (RFC 7292 appendix B.1).
    let mut bmp = Zeroizing::new(wide::encode_nul(password));
    bmp.as_chunks_mut::<2>().0.iter_mut().for_each(|unit| unit.reverse());

    let salt = parameters.salt.as_bytes();
    let key: Zeroizing<[u8; 24]> = Zeroizing::new(pkcs12_kdf(1, &bmp, salt, parameters.iterations));
    let iv: [u8; 8] = pkcs12_kdf(2, &bmp, salt, parameters.iterations);
    let mut buffer = Zeroizing::new(data.to_vec());
    let plain = cbc::Decryptor::<des::TdesEde3>::new((&*key).into(), (&iv).into())
        .decrypt_padded::<Pkcs7>(&mut buffer)
        .map_err(|_| Error::PasswordWrong)?;
    Ok(SecretBytes::from(plain))
}

/// The key derivation of RFC 7292 appendix B.2 with SHA-1 (u = 20, v = 64).
fn pkcs12_kdf<const N: usize>(id: u8, password: &[u8], salt: &[u8], iterations: u32) -> [u8; N] {
    const V: usize = 64;
    let fill = |bytes: &[u8]| -> Zeroizing<Vec<u8>> {
        let len = bytes.len().div_ceil(V) * V;
        Zeroizing::new(bytes.iter().copied().cycle().take(if bytes.is_empty() { 0 } else { len }).collect())
    };
    let mut input = fill(salt);
    let password = fill(password);
    input.extend_from_slice(&password);
    let mut out = [0; N];
    for block in out.chunks_mut(20) {
        let mut a = sha1::Sha1::new_with_prefix([id; V]).chain_update(&*input).finalize();
        for _ in 1..iterations {
            a = sha1::Sha1::digest(a);
        }
        for (place, byte) in block.iter_mut().zip(&a) {
            *place = *byte;
        }
        // I_j = (I_j + B + 1) mod 2^(8v), B being A repeated to v bytes.
        let b: Zeroizing<Vec<u8>> = Zeroizing::new(a.iter().copied().cycle().take(V).collect());
        for chunk in input.as_chunks_mut::<V>().0 {
            let mut carry = 1_u16;
            for (place, byte) in chunk.iter_mut().zip(b.iter()).rev() {
                let sum = u16::from(*place) + u16::from(*byte) + carry;
                let [high, low] = sum.to_be_bytes();
                (carry, *place) = (u16::from(high), low);
            }
        }
    }
    out
}
