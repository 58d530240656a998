//! This program as a process that does jobs through the provider.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use cng_pkcs11::blob::BlobType;
use cng_pkcs11::bulk::Event;
use cng_pkcs11::bulk::import::Import;
use cng_pkcs11::bulk::manifest::Manifest;
use cng_pkcs11::format::Format;
use cng_pkcs11::key::rsa::Hash;
use cng_pkcs11::key::{Algorithm, ExportPolicy, Family, KeyUsage};
use cng_pkcs11::provider::{ExportParameters, Flags, ImportParameters, Key, KeyName, Padding, StorageProvider};
use cng_pkcs11::template::Template;
use cng_pkcs11::token::{Access, Module, Pin, Token, Uri};
use cryptoki_sys::CKA_TOKEN;

use crate::Fallible;
use crate::stage::{BLOBS, vector};

/// Does jobs through the provider, as they are asked for on stdin.
pub(crate) fn worker() -> Fallible<()> {
    let module = Module::load(&Module::locate(Some(std::env::var("CNG11_MODULE")?.as_ref()), None)?)?;
    let open = || -> Fallible<StorageProvider> {
        let info = module.select(Some(&Uri::of_token(&std::env::var("CNG11_TOKEN")?)))?;
        let token = Token::open(module.clone(), info, Access::ReadWrite)?;
        token.login(&Pin::Secret(std::env::var("CNG11_PIN")?.into()))?;
        Ok(StorageProvider::new(token))
    };
    // Stays open, so that sessions which come and go need not log in.
    let anchor = open()?;
    let mut keys: HashMap<String, Key> = HashMap::new();
    let mut growth = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let (job, count) = line.split_once(' ').ok_or("no count")?;
        let count: u32 = count.parse()?;
        let (what, kind) = job.split_once('-').ok_or("no kind")?;
        let outcome = match what {
            "fill" | "import" => import(&open()?, &anchor, kind, count, what == "fill"),
            "prepare" => prepare(&anchor, &mut keys),
            "grow" => grow(&anchor, &mut growth),
            "window" => window(&growth, kind, count),
            _ => use_key(&keys, what, kind, count),
        };
        match outcome {
            Ok(elapsed) => println!("{}", elapsed.as_nanos()),
            Err(error) => println!("! {error}"),
        }
    }
    Ok(())
}

/// Imports so many pairs in a session of its own, and removes them unless they are to stay.
pub(crate) fn import(
    provider: &StorageProvider,
    anchor: &StorageProvider,
    kind: &str,
    count: u32,
    stay: bool,
) -> Fallible<Duration> {
    let (blob_type, file) = blob_of(kind)?;
    let bytes = vector(file)?;
    let mut keys = Vec::new();
    let start = Instant::now();
    for number in 0..count {
        let name = Some(KeyName::new(&format!("bench-{number:08}"))?);
        let parameters = ImportParameters { name, ..ImportParameters::default() };
        keys.push(provider.import_key(None, blob_type, &parameters, &bytes, Flags::SILENT)?);
    }
    let elapsed = start.elapsed();
    if !stay {
        for object in anchor.token().find(&Template::new().flag(CKA_TOKEN, true))? {
            anchor.token().destroy(object)?;
        }
    }
    Ok(elapsed)
}

/// When each key of a bulk import was done since it began, and how long its proof took.
type Growth = Vec<(Duration, Duration)>;

fn grow(provider: &StorageProvider, growth: &mut Growth) -> Fallible<Duration> {
    let manifest = Manifest::open(std::env::var_os("BENCH_MANIFEST").ok_or("no manifest")?.as_ref())?;
    let start = Instant::now();
    let summary = Import::default().run(provider, manifest, None, None, &AtomicBool::new(false), |event| {
        if let Event::Done { keys, .. } = event {
            growth.extend(keys.iter().map(|key| (start.elapsed(), key.proof_time)));
        }
    })?;
    if summary.failed > 0 { Err("keys failed".into()) } else { Ok(start.elapsed()) }
}

/// What the hundred keys before this one and the hundred after it took, or their proofs alone.
fn window(growth: &Growth, what: &str, middle: u32) -> Fallible<Duration> {
    let middle = middle as usize;
    let keys = growth.get(middle - 100..middle + 100).ok_or("not so many keys")?;
    let (Some((before, _)), Some((after, _))) = (growth.get(middle - 101), keys.last()) else {
        return Err("no keys".into());
    };
    Ok(if what == "proof" { keys.iter().map(|(_, proof)| *proof).sum() } else { *after - *before })
}

/// The keys that are used: `rsa`, `ec`, and `kek`, which wraps them.
pub(crate) fn prepare(provider: &StorageProvider, keys: &mut HashMap<String, Key>) -> Fallible<Duration> {
    for (kind, (blob_type, file)) in BLOBS {
        let parameters = ImportParameters { name: Some(KeyName::new(kind)?), ..ImportParameters::default() };
        let flags = Flags::SILENT | Flags::DO_NOT_FINALIZE;
        let mut key = provider.import_key(None, *blob_type, &parameters, &vector(file)?, flags)?;
        key.set_export_policy(ExportPolicy::ENCRYPTED)?;
        key.finalize(Flags::NONE)?;
        keys.insert((*kind).to_owned(), key);
    }
    let mut kek = provider.create_persisted_key(Algorithm::AES, Some(&KeyName::new("kek")?), Flags::NONE)?;
    kek.set_usage(KeyUsage::WRAP)?;
    kek.set_length(256)?;
    kek.finalize(Flags::NONE)?;
    keys.insert("kek".to_owned(), kek);
    Ok(Duration::ZERO)
}

pub(crate) fn use_key(keys: &HashMap<String, Key>, what: &str, kind: &str, count: u32) -> Fallible<Duration> {
    let key = keys.get(kind).ok_or("no such key")?;
    let digest = [0; 32];
    let padding = match key.algorithm().map(|algorithm| algorithm.family) {
        Some(Family::Rsa) => Padding::Pkcs1(Some(Hash::Sha256)),
        _ => Padding::None,
    };
    let parameters = ExportParameters::default();
    let start = Instant::now();
    for _ in 0..count {
        if what == "sign" {
            black_box(key.sign_hash(padding, &digest)?);
        } else {
            black_box(key.export(keys.get("kek"), Format::Blob(BlobType::Pkcs8), &parameters)?);
        }
    }
    Ok(start.elapsed())
}

pub(crate) fn blob_of(kind: &str) -> Fallible<(BlobType, &'static str)> {
    let found = BLOBS.iter().find(|(known, _)| *known == kind);
    Ok(found.ok_or("no such kind of key")?.1)
}
