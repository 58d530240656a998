//! Wrapping schemes: both ways, for a secret and a private key, each held against the same in software; and which format a mechanism's number stands for here.

use super::keys::{Sample, aes, p256, rsa};
use super::{Answer, Prober, Row, Verdict, attributes, judge};
use crate::Error;
use crate::asn1::{self, pkcs8};
use crate::key::rsa::Hash;
use crate::key::{ExportPolicy, KeyUsage, PrivateKey, PublicKey, SymmetricAlgorithm, SymmetricKey, Validation};
use crate::provider::proof::{self, Verified};
use crate::secret::SecretBytes;
use crate::template::profile::EVERY_HASH;
use crate::template::put;
use crate::template::shape::{self, Making};
use crate::template::temporary::{self, Rights, wrapping_public};
use crate::template::{Additions, Template, standard_mechanism};
use crate::token::mechanism::{
    CKM_AES_KEY_GEN, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_PKCS7, Mechanism,
};
use crate::token::{Handle, Token};
use crate::wrap::{self, Kek, KekKind, Parameters, Scheme, Sealed, in_shape, kw, oaep, rsa_aes};

const WRAPS_SECRET: &str = "wraps a secret key";
const WRAPS_PRIVATE: &str = "wraps a private key";
const UNWRAPS_SECRET: &str = "unwraps a secret key";
const UNWRAPS_PRIVATE: &str = "unwraps a private key";

/// The label of RSA-OAEP that is tried: short, and no default.
const OAEP_LABEL: &[u8] = b"cng11";

/// A scheme in software, under a key that is known.
type Software<'k, T> = dyn Fn(&[u8]) -> Result<T, wrap::Error> + 'k;

/// A wrapping key with both of its sides.
struct BothSides<'k> {
    wraps: Result<Kek, Answer>,
    unwraps: Result<Kek, Answer>,
    /// In software.
    open: &'k Software<'k, SecretBytes>,
    seal: &'k Software<'k, Vec<u8>>,
}

impl<'t> Prober<'t> {
    pub(super) fn schemes(&mut self) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for scheme in Scheme::under_aes() {
            let parameters = Parameters::new(scheme);
            let value = match &self.kek {
                Ok(kek) => kek.aes().map(|(kek, value)| (kek, value.clone())),
                Err(_) => None,
            };
            let Some((kek, value)) = value else {
                rows.push(Row { subject: scheme.name().to_owned(), answers: vec![(UNWRAPS_SECRET, self.no_kek())] });
                continue;
            };
            let open = |bytes: &[u8]| scheme.unwrap_under_aes(&value, bytes);
            let seal = |key: &[u8]| scheme.wrap_under_aes(&value, key);
            let sides = BothSides { wraps: Ok(kek), unwraps: Ok(kek), open: &open, seal: &seal };
            let row = self.scheme(scheme.name(), &parameters, &sides)?;
            rows.push(row);
        }
        self.rsa_schemes(&mut rows)?;
        Ok(rows)
    }

    fn rsa_schemes(&mut self, rows: &mut Vec<Row>) -> Result<(), Error> {
        let key = rsa()?;
        let (PrivateKey::Rsa(own), Some(PublicKey::Rsa(public))) = (&key, key.public()) else { return Ok(()) };
        let kind = KekKind::Rsa { modulus_len: public.n().len() };
        let shapes = shape::shapes_of_public(&wrapping_public(&public), self.token.profile());
        let wraps = judge(wrap::create_public(self.token, &shapes))?.map(|(handle, _)| handle);
        let guard = wraps.as_ref().ok().map(|handle| self.temporary(*handle));
        let unwraps = self.unwrapping_rsa(&key)?;
        let guards = (guard, unwraps.as_ref().ok().map(|handle| self.temporary(*handle)));
        let of = |object: &Result<Handle, Answer>| object.clone().map(|object| Kek { object, kind });
        let (wraps, unwraps) = (of(&wraps), of(&unwraps));
        let mut hashes = Vec::new();
        for hash in EVERY_HASH.iter().copied() {
            for label in [&b""[..], OAEP_LABEL] {
                let parameters = Parameters { scheme: Scheme::RsaOaep, hash: Some(hash), label: label.to_vec() };
                let open = |bytes: &[u8]| oaep::unwrap(own, hash, label, bytes);
                let seal = |bytes: &[u8]| oaep::wrap(&public, hash, label, bytes);
                let sides = BothSides { wraps: wraps.clone(), unwraps: unwraps.clone(), open: &open, seal: &seal };
                let labelled = if label.is_empty() { "" } else { ", labelled" };
                let row = self.scheme(&format!("rsa-oaep {}{labelled}", hash.name()), &parameters, &sides)?;
                let opens =
                    |row: &Row| row.answers.iter().any(|(what, answer)| *what == UNWRAPS_SECRET && answer.is_yes());
                if label.is_empty() && opens(&row) {
                    hashes.push(hash);
                }
                rows.push(row);
            }
        }
        let hash = hashes.first().copied().unwrap_or(Hash::Sha1);
        let parameters = Parameters { scheme: Scheme::RsaAes, hash: Some(hash), label: Vec::new() };
        let open = |bytes: &[u8]| rsa_aes::unwrap(own, hash, &[], bytes);
        let seal = |bytes: &[u8]| rsa_aes::wrap(&public, hash, &[], bytes);
        let row = self.scheme("rsa-aes", &parameters, &BothSides { wraps, unwraps, open: &open, seal: &seal })?;
        rows.push(row);
        if hashes == [Hash::Sha1] {
            self.warn("RSA-OAEP is there with SHA-1 only: fine for the scheme, and not what others take for granted");
        }
        if !hashes.is_empty() {
            self.learned.oaep = Some(&*hashes.leak());
        }
        drop(guards);
        Ok(())
    }

    /// The private half as a session object that unwraps.
    fn unwrapping_rsa(&self, key: &PrivateKey) -> Result<Result<Handle, Answer>, Error> {
        let token: &Token = self.token;
        let clear = crate::provider::way::Clear::Private(key);
        let attributes = attributes(ExportPolicy::NONE, KeyUsage::WRAP);
        let shapes = clear.shapes(token, Making::Create, &attributes)?;
        let created = judge(in_shape(&shapes, |shape| Ok(token.create(shape)?)))?;
        if let (Err(_), Ok(kek)) = (&created, &self.kek) {
            let shapes = clear.shapes(token, Making::Unwrap, &attributes)?;
            return Ok(judge(kek.bring(token, &clear.bytes()?, &shapes))?.map(|brought| brought.object));
        }
        Ok(created.map(|(handle, _)| handle))
    }

    fn scheme(&mut self, name: &str, parameters: &Parameters, sides: &BothSides<'_>) -> Result<Row, Error> {
        let is_long = parameters.scheme == Scheme::RsaOaep;
        let mut answers = vec![(WRAPS_SECRET, self.wraps_secret(parameters, sides)?)];
        if !is_long {
            answers.push((WRAPS_PRIVATE, self.wraps_private(parameters, sides)?));
        }
        answers.push((UNWRAPS_SECRET, self.unwraps_secret(parameters, sides)?));
        if !is_long {
            answers.push((UNWRAPS_PRIVATE, self.unwraps_private(parameters, sides)?));
        }
        Ok(Row { subject: name.to_owned(), answers })
    }

    fn wraps_secret(&self, parameters: &Parameters, sides: &BothSides<'_>) -> Result<Answer, Error> {
        let kek = match &sides.wraps {
            Ok(kek) => *kek,
            Err(answer) => return Ok(answer.clone()),
        };
        let rights = Rights { decrypt: true, extractable: true, ..Rights::default() };
        let template = temporary::generated(SymmetricAlgorithm::Aes, 32, rights)
            .flag(crate::template::attribute::CKA_ENCRYPT, true);
        let passenger = match judge(self.token.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template))? {
            Ok(handle) => self.temporary(handle),
            // A token that makes none may take one.
            Err(refused) => match self.create(&Sample::Secret(aes()?))? {
                Ok((handle, _)) => self.temporary(handle),
                Err(_) => return Ok(refused),
            },
        };
        let wrapped = match judge(wrap::wrap(self.token, parameters, kek, passenger.handle, 32))? {
            Ok(wrapped) => wrapped.bytes,
            Err(answer) => return Ok(answer),
        };
        let Ok(key) = (sides.open)(&wrapped) else { return Ok(another_format()) };
        let Ok(key) = SymmetricKey::new(SymmetricAlgorithm::Aes, key) else { return Ok(another_format()) };
        let proof = proof::prove_secret(
            self.token,
            passenger.handle,
            SymmetricAlgorithm::Aes,
            Some(&key),
            (KeyUsage::DECRYPT, Additions::NONE),
        );
        Ok(match judge(proof)? {
            Ok(Verified::Attributes) => Answer::yes("not put to the proof"),
            Ok(_) => Answer::yes(""),
            Err(_) => another_format(),
        })
    }

    fn wraps_private(&mut self, parameters: &Parameters, sides: &BothSides<'_>) -> Result<Answer, Error> {
        let kek = match &sides.wraps {
            Ok(kek) => *kek,
            Err(answer) => return Ok(answer.clone()),
        };
        // RFC 3394 carries whole blocks, which an RSA key's PKCS#8 is by chance, and a P-384 key's always.
        let Some(key) = p256() else { return Ok(unknown()) };
        let sample = Sample::Private(key);
        let passenger = match self.create(&sample)? {
            Ok((handle, _)) => self.temporary(handle),
            Err(answer) => match self.bring_private(&sample)? {
                Some(handle) => self.temporary(handle),
                None => return Ok(answer),
            },
        };
        let Sample::Private(key) = &sample else { return Ok(unknown()) };
        let capacity = sample.capacity();
        let wrapped = match judge(wrap::wrap(self.token, parameters, kek, passenger.handle, capacity))? {
            Ok(wrapped) => wrapped.bytes,
            Err(answer) => return Ok(answer),
        };
        let Ok(plain) = (sides.open)(&wrapped) else { return Ok(another_format()) };
        let Ok((der, zeros)) = kw::trim_zeros(&plain) else { return Ok(another_format()) };
        let read = pkcs8::read(&der, asn1::Opening::default(), Validation::Skip);
        if !read.is_ok_and(|contents| contents.key.public() == key.public()) {
            return Ok(another_format());
        }
        if zeros > 0 {
            self.learned.zero_pads = true;
            let text = "it fills wrapped keys up with zero bytes: a symmetric key whose length is no multiple of 8 comes back longer";
            if !self.warnings.iter().any(|known| known == text) {
                self.warn(text);
            }
            return Ok(Answer::yes(format!("{zeros} zero bytes behind it")));
        }
        Ok(Answer::yes(""))
    }

    fn unwraps_secret(&self, parameters: &Parameters, sides: &BothSides<'_>) -> Result<Answer, Error> {
        let kek = match &sides.unwraps {
            Ok(kek) => *kek,
            Err(answer) => return Ok(answer.clone()),
        };
        let key = aes()?;
        let Ok(bytes) = (sides.seal)(key.key()) else { return Ok(unknown()) };
        let sealed = Sealed::Bare { kek, parameters: parameters.clone(), bytes };
        let opening = match judge(sealed.open(self.token))? {
            Ok(opening) => opening,
            Err(answer) => return Ok(answer),
        };
        let shapes = self.secret_shapes();
        let made = judge(in_shape(&shapes, |shape| opening.unwrap(shape)))?;
        self.is_that_key(made.map(|(handle, _)| handle), &key)
    }

    fn unwraps_private(&self, parameters: &Parameters, sides: &BothSides<'_>) -> Result<Answer, Error> {
        let token: &Token = self.token;
        let kek = match &sides.unwraps {
            Ok(kek) => *kek,
            Err(answer) => return Ok(answer.clone()),
        };
        let Some(key) = p384() else { return Ok(unknown()) };
        let sample = Sample::Private(key);
        let (Sample::Private(key), clear) = (&sample, sample.clear()) else { return Ok(unknown()) };
        let Ok(bytes) = (sides.seal)(&clear.bytes()?) else {
            return Ok(Answer::unknown("it carries whole blocks of 8 bytes"));
        };
        let sealed = Sealed::Bare { kek, parameters: parameters.clone(), bytes };
        let opening = match judge(sealed.open(token))? {
            Ok(opening) => opening,
            Err(answer) => return Ok(answer),
        };
        let shapes = clear.shapes(token, Making::Unwrap, &attributes(ExportPolicy::NONE, KeyUsage::SIGN))?;
        let handle = match judge(in_shape(&shapes, |shape| opening.unwrap(shape)))? {
            Ok((handle, _)) => self.temporary(handle),
            Err(answer) => return Ok(answer),
        };
        let Some(public) = key.public() else { return Ok(unknown()) };
        Ok(match judge(proof::prove_pair(token, handle.handle, None, &public, (KeyUsage::SIGN, Additions::NONE)))? {
            Ok(Verified::Attributes) => Answer::yes("not put to the proof"),
            Ok(_) => Answer::yes(""),
            Err(answer) => answer,
        })
    }

    /// Which format each number of a mechanism is: a key that was wrapped here in one format or the other is unwrapped by it.
    pub(super) fn formats(&mut self) -> Result<Vec<Row>, Error> {
        let Ok(Some((kek, value))) = self.kek.as_ref().map(|kek| kek.aes().map(|(kek, value)| (kek, value.clone())))
        else {
            return Ok(Vec::new());
        };
        let mut numbers = vec![CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PKCS7];
        for known in [self.learned.kwp, self.learned.kw_pkcs7] {
            if !numbers.contains(&known) {
                numbers.push(known);
            }
        }
        let mut rows = Vec::new();
        let (mut kwp, mut pkcs7) = (Vec::new(), Vec::new());
        for number in numbers {
            let name = standard_mechanism(number).unwrap_or("vendor's");
            let mut answers = Vec::new();
            for (format, bytes, is_kwp) in [
                ("RFC 5649", kw::kwp_wrap as fn(&[u8], &[u8]) -> Result<Vec<u8>, wrap::Error>, true),
                ("RFC 3394 over PKCS#7 padding", kw::kw_pkcs7_wrap, false),
            ] {
                let key = aes()?;
                let bytes = bytes(&value, key.key())?;
                let shapes = self.secret_shapes();
                let made = judge(in_shape(&shapes, |shape| {
                    Ok(self.token.unwrap_key(&Mechanism::Plain(number), kek.object, &bytes, shape)?)
                }))?;
                let answer = self.is_that_key(made.map(|(handle, _)| handle), &key)?;
                if answer.is_yes() {
                    if is_kwp { kwp.push(number) } else { pkcs7.push(number) }
                }
                answers.push((format, answer));
            }
            rows.push(Row { subject: format!("{name} (0x{number:X})"), answers });
        }
        // The standard's number for it before the one that is two formats in the field.
        let best = |of: &[u64], standard: u64, now: u64| {
            let order = [standard, now];
            order.into_iter().find(|number| of.contains(number)).or_else(|| of.first().copied()).unwrap_or(now)
        };
        self.learned.kwp = best(&kwp, CKM_AES_KEY_WRAP_KWP, self.learned.kwp);
        self.learned.kw_pkcs7 = best(&pkcs7, CKM_AES_KEY_WRAP_PKCS7, self.learned.kw_pkcs7);
        match (kwp.contains(&CKM_AES_KEY_WRAP_PAD), pkcs7.contains(&CKM_AES_KEY_WRAP_PAD)) {
            (true, true) => self.warn("CKM_AES_KEY_WRAP_PAD takes two formats here, and what it makes is not known"),
            (false, true) => self.warn(
                "CKM_AES_KEY_WRAP_PAD is RFC 3394 over PKCS#7 padding here: programs that take it for RFC 5649 cannot read it",
            ),
            _ => {}
        }
        Ok(rows)
    }

    fn secret_shapes(&self) -> Vec<Template> {
        let base = put::secret_shell(SymmetricAlgorithm::Aes, &attributes(ExportPolicy::NONE, KeyUsage::DECRYPT));
        shape::shapes_of_secret(&base, 32, self.token.profile())
    }

    fn is_that_key(&self, made: Result<Handle, Answer>, key: &SymmetricKey) -> Result<Answer, Error> {
        let handle = match made {
            Ok(handle) => self.temporary(handle),
            Err(answer) => return Ok(answer),
        };
        let proof = proof::prove_secret(
            self.token,
            handle.handle,
            SymmetricAlgorithm::Aes,
            Some(key),
            (KeyUsage::DECRYPT, Additions::NONE),
        );
        Ok(match judge(proof)? {
            Ok(Verified::Kcv) => Answer::yes(""),
            Ok(_) => Answer::unknown("unwrapped, and not put to the proof"),
            Err(_) => Answer::no("what was unwrapped is not the key"),
        })
    }

    fn bring_private(&self, sample: &Sample) -> Result<Option<Handle>, Error> {
        let (Ok(kek), clear) = (&self.kek, sample.clear()) else { return Ok(None) };
        let attributes = attributes(ExportPolicy::ENCRYPTED, KeyUsage::SIGN);
        let shapes = clear.shapes(self.token, Making::Unwrap, &attributes)?;
        Ok(judge(kek.bring(self.token, &clear.bytes()?, &shapes))?.ok().map(|brought| brought.object))
    }

    fn no_kek(&self) -> Answer {
        match &self.kek {
            Ok(_) => Answer::unknown("the token holds no AES key that is known here"),
            Err(answer) => answer.clone(),
        }
    }
}

fn p384() -> Option<PrivateKey> {
    crate::key::ec::PrivateKey::generate(crate::key::Curve::nist(384)?).map(PrivateKey::Ec)
}

fn another_format() -> Answer {
    Answer::no("what it makes is in another format")
}

fn unknown() -> Answer {
    Answer { verdict: Verdict::Unknown, note: String::new(), ckr: None }
}
