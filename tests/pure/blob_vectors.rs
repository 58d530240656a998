//! Every committed vector: it decodes to its numbers, encodes to its bytes, and turns into every other form of its key.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may panic")]

use crate::integers;
use crate::numbers;
use crate::vectors;
use cng_pkcs11::asn1::{self, Encryption};
use cng_pkcs11::blob::aes_wrap::AesWrapBlob;
use cng_pkcs11::blob::{self, BlobType, Decoded, Hints};
use cng_pkcs11::format::{self, Format, Value};
use cng_pkcs11::key::{Algorithm, Consistency, Family, KeyMaterial, KeyUsage};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::status::Status;

use crate::vectors::{Vector, hex, named, report, unhex};

#[test]
fn every_vector_decodes_to_its_numbers() {
    report(&failures(&vectors::keys(), |vector| {
        let decoded = vector.decode().map_err(|error| error.to_string())?;
        compare(vector, &decoded.key)?;
        same("algorithm", &decoded.algorithm, &algorithm(vector))?;
        same("bits", &decoded.key.bits(), &vector.bits)?;
        same("curve", &decoded.key.curve(), &vector.curve())?;
        // There is no arithmetic for brainpoolP512r1; its equation tells of a point alone.
        let checkable = vector.algorithm != "AES" && (vector.curve != "brainpoolP512r1" || vector.is_public());
        let consistency = if checkable { Consistency::Checked } else { Consistency::Unchecked };
        same("consistency", &decoded.key.consistency(), &consistency)
    }));
}

/// Forms are compared byte by byte, with four exceptions.
///
/// * A generic magic is written back as the specific one where the curve has one (`ECDSA` on nistP256 is `ECDSA_P256`).
/// * `RSAPRIVATEBLOB` has no d: the one computed is reduced modulo λ(n), while OpenSSL's d is reduced modulo φ(n) for
///   small exponents and sizes. Those forms must differ in d only, and in exactly that way.
/// * A curve25519 blob holds the clamped scalar: what the PKCS#8 of an unclamped one had in the low bits is lost.
/// * What was encrypted is written in the clear.
#[test]
fn every_form_of_a_key_converts_to_every_other_byte_for_byte() {
    let all = vectors::keys();
    report(&failures(&all, |source| {
        let decoded = source.decode().map_err(|error| error.to_string())?;
        for target in all.iter().filter(|target| target.key == source.key && !target.is_encrypted()) {
            if target.is_public() || !source.is_public() {
                convert(source, &decoded, target).map_err(|problem| format!("to {}: {problem}", target.kind))?;
            }
        }
        Ok(())
    }));
}

fn convert(source: &Vector, decoded: &Decoded, target: &Vector) -> Result<(), String> {
    let encoded = format::encode(&decoded.key, algorithm(target), target.known_format());
    let encoded = encoded.map_err(|error| error.to_string())?;
    let expected = if target.is_generic() && decoded.key.curve().and_then(|curve| curve.nist_bits()).is_some() {
        named(&target.file.replace("GENERIC-", "")).bytes()
    } else {
        target.bytes()
    };
    let carries_d = !target.is_public() && target.kind != "RSAPRIVATEBLOB";
    let lost_d = (source.kind == "RSAPRIVATEBLOB" && carries_d && reduced_d(source) != source.number("d"))
        || (source.key == "ec-curve25519-unclamped" && target.kind == "PKCS8_PRIVATEKEY" && source.kind != target.kind);
    if !lost_d {
        return same("bytes", &hex(&encoded), &hex(&expected));
    }
    if &*encoded == expected.as_slice() {
        return Err("the same bytes although d must differ".to_owned());
    }
    let again = format::decode(&encoded, target.known_format(), &target.hints()).map_err(|error| error.to_string())?;
    // `compare` takes the d that `source` stands for: the reduced one, or the clamped one.
    compare(source, &again.key)
}

#[test]
fn the_group_names_read_and_write_the_same_blobs() {
    report(&failures(&vectors::keys(), |vector| {
        let (group, own) = match vector.blob_type() {
            Some(own @ (BlobType::RsaPublic | BlobType::EccPublic)) => (BlobType::Public, own),
            Some(own @ (BlobType::RsaPrivate | BlobType::EccPrivate)) => (BlobType::Private, own),
            // Read under the group's name, but written as RSAPRIVATEBLOB, which is what CNG exports.
            Some(BlobType::RsaFullPrivate) => (BlobType::Private, BlobType::RsaPrivate),
            _ => return Ok(()),
        };
        let decoded = blob::decode(&vector.bytes(), group, &vector.hints()).map_err(|error| error.to_string())?;
        compare(vector, &decoded.key)?;
        let [by_group, by_name] = [group, own].map(|blob_type| {
            blob::encode(&decoded.key, decoded.algorithm, blob_type).map_err(|error| error.to_string())
        });
        same("bytes", &by_group?, &by_name?)
    }));
}

#[test]
fn every_file_is_recognised_from_its_bytes_or_named_as_a_candidate() {
    let vectors: Vec<_> = vectors::all().into_iter().filter(|vector| vector.format().is_some()).collect();
    report(&failures(&vectors, |vector| {
        let format = vector.known_format();
        match format::sniff(&vector.bytes()) {
            // Neither has a magic: only their lengths speak.
            Err(format::Error::Unrecognised { candidates, .. }) if format == Format::Raw || vector.is_wrapped() => {
                same("among the candidates", &candidates.contains(&format.name()), &true)
            }
            outcome => same("format", &outcome, &Ok(format)),
        }
    }));
}

#[test]
fn inspect_names_every_byte_and_shows_no_private_one() {
    let public = ["PublicExponent", "Modulus", "X", "Y", "AlgName"];
    // Of DER and PEM the fields are nested: tests/format_files.rs.
    let flat = |vector: &Vector| vector.blob_type().is_some_and(|blob_type| blob_type != BlobType::Pkcs8);
    let vectors: Vec<_> = vectors::keys().into_iter().filter(flat).collect();
    report(&failures(&vectors, |vector| {
        let bytes = vector.bytes();
        let (fields, outcome) = format::inspect(&bytes, vector.known_format(), &vector.hints());
        same("decodes", &outcome.is_ok(), &true)?;
        let mut end = 0;
        for field in &fields {
            same(&field.name, &field.offset, &end)?;
            end += field.length;
            match &field.value {
                Value::Number(_) => same(&field.name, &field.length, &4)?,
                Value::Public(value) => {
                    same(&field.name, &&**value, &&bytes[field.offset..end])?;
                    same("may be shown", &(&field.name, public.contains(&&*field.name)), &(&field.name, true))?;
                }
                _ => {
                    same("is private", &(&field.name, public.contains(&&*field.name)), &(&field.name, false))?;
                }
            }
        }
        same("bytes named", &end, &bytes.len())
    }));
}

#[test]
fn the_fields_of_a_full_private_blob_stand_where_the_documentation_has_them() {
    let bytes = named("rsa2048-e65537.RSAFULLPRIVATEBLOB.bin").bytes();
    let (fields, _) = blob::inspect(&bytes, BlobType::RsaFullPrivate, &Hints::default());
    let places: Vec<_> = fields.iter().map(|field| (field.name, field.offset, field.length)).collect();
    let header = ["Magic", "BitLength", "cbPublicExp", "cbModulus", "cbPrime1", "cbPrime2"];
    let mut expected: Vec<_> = header.iter().enumerate().map(|(i, name)| (*name, 4 * i, 4)).collect();
    expected.extend([
        ("PublicExponent", 24, 3),
        ("Modulus", 27, 256),
        ("Prime1", 283, 128),
        ("Prime2", 411, 128),
        ("Exponent1", 539, 128),
        ("Exponent2", 667, 128),
        ("Coefficient", 795, 128),
        ("PrivateExponent", 923, 256),
    ]);
    assert_eq!(places, expected);
}

#[test]
fn a_wrapped_blob_tells_the_length_of_its_key_and_asks_for_the_wrapping_key() {
    let wrapped: Vec<_> = vectors::all().into_iter().filter(Vector::is_wrapped).collect();
    assert_eq!(wrapped.len(), 8);
    report(&failures(&wrapped, |vector| {
        let bytes = vector.bytes();
        let blob = AesWrapBlob::decode(&bytes).map_err(|error| error.to_string())?;
        same("bytes", &blob.wrapped(), &bytes.as_slice())?;
        same("key length", &blob.key_len(), &(vector.bits as usize / 8))?;
        let error = blob::decode(&bytes, BlobType::AesWrap, &Hints::default()).unwrap_err();
        same("status", &error.status(), &Status::NTE_INVALID_PARAMETER)?;
        same("error", &error, &blob::Error::Wrapped { blob_type: "Rfc3565KeyWrapBlob" })
    }));
}

#[test]
fn an_encrypted_pkcs8_opens_with_its_own_password_only() {
    let encrypted: Vec<_> = vectors::all().into_iter().filter(Vector::is_encrypted).collect();
    assert_eq!(encrypted.len(), 14);
    report(&failures(&encrypted, |vector| {
        let open = |password: Option<&SecretBytes>| {
            let outcome = blob::decode(&vector.bytes(), BlobType::Pkcs8, &Hints { password, ..vector.hints() });
            outcome.map_err(|error| (error.status(), error))
        };
        let right = open(Some(&vector.password())).map_err(|(_, error)| error.to_string())?;
        compare(vector, &right.key)?;
        let refusal = |error| Some((Status::NTE_INCORRECT_PASSWORD, blob::Error::Asn1(error)));
        same("no password", &open(None).err(), &refusal(asn1::Error::PasswordMissing))?;
        for wrong in ["", "correct horse ", "Correct horse", "pässwörd-€!", "pa\u{308}sswo\u{308}rd-€"] {
            let outcome = open(Some(&SecretBytes::from(wrong.as_bytes()))).err();
            same(&format!("password `{wrong}`"), &outcome, &refusal(asn1::Error::PasswordWrong))?;
        }
        Ok(())
    }));
}

#[test]
fn what_is_encrypted_here_opens_again_and_never_looks_the_same_twice() {
    let password = SecretBytes::from("pässwörd-€".as_bytes());
    for vector in [named("ec-nistP521.PKCS8_PRIVATEKEY.bin"), named("rsa2048-bige.PKCS8_PRIVATEKEY.bin")] {
        let plain = vector.bytes();
        let [first, second] = [(); 2].map(|()| {
            asn1::encrypt(&plain, &password, Encryption { iterations: 1000, ..Encryption::default() }).unwrap()
        });
        assert_ne!(first, second);
        for encrypted in [first.to_vec(), asn1::pkcs8::to_pem(&first).unwrap().to_vec()] {
            let format = format::sniff(&encrypted).unwrap();
            let hints = Hints { password: Some(&password), ..Hints::default() };
            let decoded = format::decode(&encrypted, format, &hints).unwrap();
            let again = format::encode(&decoded.key, decoded.algorithm, Format::Blob(BlobType::Pkcs8)).unwrap();
            assert_eq!(&*again, plain.as_slice(), "{}", vector.file);
        }
    }
}

/// Windows appends a `keyUsage` attribute to the PKCS#8 that it exports, not in DER's shortest form.
#[test]
fn the_key_usage_attribute_of_a_pkcs8_limits_usage_and_decides_the_family() {
    let plain = named("ec-nistP256.PKCS8_PRIVATEKEY.bin").bytes();
    for (bits, usage, algorithm) in [
        ("0080", KeyUsage::SIGN, "ECDSA_P256"),
        ("0780", KeyUsage::SIGN, "ECDSA_P256"),
        ("0008", KeyUsage::AGREE, "ECDH_P256"),
        ("0308", KeyUsage::AGREE, "ECDH_P256"),
        ("0088", KeyUsage::SIGN | KeyUsage::AGREE, "ECDSA_P256"),
        ("0010", KeyUsage::DECRYPT, "ECDSA_P256"),
    ] {
        let attribute = unhex(&format!("a00d 300b 0603551d0f 3104 0302{bits}"));
        let mut with = [plain.as_slice(), &attribute].concat();
        assert_eq!(with[..2], [0x30, 0x81]);
        with[2] += u8::try_from(attribute.len()).unwrap();
        let decoded = blob::decode(&with, BlobType::Pkcs8, &Hints::default()).unwrap();
        assert_eq!((decoded.usage, decoded.algorithm.name().as_str()), (Some(usage), algorithm), "{bits}");
        // What stands beside the blob decides before the attribute does.
        let ecdh = Algorithm::by_name("ECDH_P256").unwrap();
        let hints = Hints { algorithm: Some(ecdh), ..Hints::default() };
        assert_eq!(blob::decode(&with, BlobType::Pkcs8, &hints).unwrap().algorithm, ecdh, "{bits}");
    }
}

/// The numbers 0, 1, 2 … as keys, and the base point as the public key of d = 1.
#[test]
fn the_worked_examples_of_the_layouts_hold() {
    let aes = "000102030405060708090a0b0c0d0e0f";
    let key_data = format!("4b44424d 01000000 10000000 {aes}");
    let cipher = format!("10000000 43504852 08000000 1c000000 4100450053000000 {key_data}");
    let x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let one = format!("{:064x}", 1);
    let u = "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f";
    let scalar = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e5f";
    let zero = "00".repeat(32);
    for (blob_type, curve, algorithm, bytes) in [
        (BlobType::KeyData, None, "AES", key_data),
        (BlobType::Cipher, None, "AES", cipher),
        (BlobType::EccPrivate, None, "ECDSA_P256", format!("45435332 20000000 {x} {y} {one}")),
        (BlobType::EccPublic, None, "ECDSA_P256", format!("45435331 20000000 {x} {y}")),
        (BlobType::EccPrivate, None, "ECDH_P256", format!("45434b32 20000000 {x} {y} {one}")),
        (BlobType::EccPublic, None, "ECDH_P256", format!("45434b31 20000000 {x} {y}")),
        (BlobType::EccPrivate, Some("curve25519"), "ECDH", format!("45434b56 20000000 {u} {zero} {scalar}")),
        (BlobType::EccPublic, Some("curve25519"), "ECDH", format!("45434b50 20000000 {u} {zero}")),
    ] {
        let bytes = unhex(&bytes);
        let curve = curve.map(|name| cng_pkcs11::key::Curve::by_name(name).unwrap());
        let decoded = blob::decode(&bytes, blob_type, &Hints { curve, ..Hints::default() }).unwrap();
        assert_eq!(decoded.algorithm.name(), algorithm);
        let encoded = blob::encode(&decoded.key, decoded.algorithm, blob_type).unwrap();
        assert_eq!(hex(&encoded), hex(&bytes), "{blob_type:?} {algorithm}");
    }
}

/// Runs `test` on every vector and gives one line for each failure.
fn failures(vectors: &[Vector], test: impl Fn(&Vector) -> Result<(), String>) -> Vec<String> {
    let lines = vectors.iter().map(|vector| test(vector).map_err(|problem| format!("{}: {problem}", vector.file)));
    lines.filter_map(Result::err).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what} is {found:?}, not {expected:?}")) }
}

/// Compares the numbers of a key with those that its vector stands for.
fn compare(vector: &Vector, key: &KeyMaterial) -> Result<(), String> {
    numbers::numbers(key).into_iter().try_for_each(|(field, value)| {
        let expected = match (field, vector.kind.as_str()) {
            ("d", "RSAPRIVATEBLOB") => reduced_d(vector),
            ("d", "PKCS8_PRIVATEKEY") if vector.curve == "curve25519" => vector.number("d-raw"),
            _ => vector.number(field),
        };
        same(field, &hex(&value), &hex(&expected))
    })
}

/// d modulo λ(n), from the numbers that OpenSSL gave.
fn reduced_d(vector: &Vector) -> Vec<u8> {
    integers::rem(&vector.number("d"), &integers::lambda(&vector.number("p"), &vector.number("q")))
}

/// The algorithm that a vector's bytes, and the curve beside them, say.
fn algorithm(vector: &Vector) -> Algorithm {
    match vector.curve() {
        None => Algorithm::by_name(&vector.algorithm).unwrap(),
        Some(curve) if vector.algorithm.starts_with("ECDH") => Algorithm::elliptic(Family::Ecdh, curve),
        // DER does not tell ECDSA from ECDH: signing is assumed.
        Some(curve) => Algorithm::elliptic(Family::Ecdsa, curve),
    }
}
