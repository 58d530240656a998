//! A pending key that is wrapped under a key of the token: opened there, its kind and public half found out on session objects.

use super::finalize::{Finalizer, Room};
use super::import::check_algorithm;
use super::lookup::Stage;
use super::persist::{Route, Source};
use super::{Error, Ready, proof};
use crate::key::{Algorithm, Family, KeyUsage, PublicKey, SymmetricAlgorithm};
use crate::template::put::{self, PrivateKind};
use crate::token::Handle;
use crate::wrap::{self, Scheme};

impl Finalizer<'_> {
    pub(super) fn unwrap_private(&self, kek: Handle, scheme: Scheme, bytes: &[u8]) -> Result<Ready, crate::Error> {
        let pending = self.pending;
        PrivateKind::of(pending.algorithm.and_then(|algorithm| algorithm.curve).or(pending.curve))?;
        let kinds: &[PrivateKind] = match pending.algorithm.map(|algorithm| (algorithm.family, algorithm.curve)) {
            Some((Family::Rsa, _)) => &[PrivateKind::Rsa],
            Some((Family::Symmetric(_), _)) => {
                let what = "a wrapped PKCS#8 holds a private key, not a symmetric one".to_owned();
                return Err(Error::Contradiction { what }.into());
            }
            Some((family, curve)) => {
                check_algorithm(Algorithm { family, curve })?;
                &[PrivateKind::Ec]
            }
            None => &[PrivateKind::Rsa, PrivateKind::Ec],
        };
        let algorithm_of = |kind: PrivateKind| match (kind, pending.algorithm) {
            (PrivateKind::Rsa, _) => Algorithm::RSA,
            (_, Some(algorithm)) => algorithm,
            (_, None) => Algorithm { family: Family::Ecdsa, curve: None },
        };
        let mut usages = Vec::new();
        for kind in kinds {
            match pending.usage_for(algorithm_of(*kind), None) {
                Ok(usage) => usages.push((*kind, usage)),
                // A usage that only one kind has decides the kind.
                Err(error) if *kind == *kinds.last().unwrap_or(kind) && usages.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let kinds: Vec<_> = usages.iter().map(|(kind, _)| *kind).collect();
        let usage_of = |wanted: PrivateKind| {
            usages.iter().find(|(kind, _)| *kind == wanted).map(|(_, usage)| *usage).unwrap_or_default()
        };
        let placeholder = Stage::staged(b"");
        let shell = |kind, id: &[u8], token, usage| put::private_shell(kind, &self.attributes(id, token, usage));
        // A key that may only agree gives its public point away by a signature, on a session object before its final usage is set.
        let probing = |kind| match kind {
            PrivateKind::Rsa => usage_of(kind),
            _ => usage_of(kind) | KeyUsage::SIGN,
        };
        let (kind, mut session) = wrap::unwrap_private(self.token, scheme, kek, bytes, &kinds, |kind| {
            shell(kind, &placeholder, false, probing(kind))
        })?;
        let usage = usage_of(kind);
        let record = self.token.read(session)?;
        let public = match (record.public, record.curve) {
            (Some(public), _) => public,
            (None, Some(curve)) => {
                let point = proof::recover_point(self.token, session, curve)?;
                PublicKey::Ec(point.ok_or_else(|| Error::NoPublic { name: self.label() })?)
            }
            (None, None) => {
                let what = "the wrapped key is on a curve that is not known here".to_owned();
                return Err(Error::Unsupported { what, ckr: None }.into());
            }
        };
        let found = match public.curve() {
            None => Algorithm::RSA,
            Some(curve) => Algorithm::elliptic(algorithm_of(kind).family, curve),
        };
        pending.check_said(found, public.bits())?;
        let named = pending.algorithm.and_then(|algorithm| algorithm.curve);
        if named.is_some_and(|curve| Some(curve) != public.curve()) {
            let what = format!("the wrapped key is an {found} key, not an {} key", algorithm_of(kind));
            return Err(Error::Contradiction { what }.into());
        }
        if probing(kind) != usage {
            self.token.destroy(session)?;
            session = wrap::unwrap(self.token, scheme, kek, bytes, &shell(kind, &placeholder, false, usage))?;
        }
        let id = self.pair_id(&public)?;
        self.certified(Some(&public))?;
        let old = match self.make_room(&public, usage)? {
            Room::Taken(finished) => return Ok(*finished),
            Room::Free(old) => old,
        };
        let remake = move |id: &[u8]| -> Result<Handle, crate::Error> {
            Ok(wrap::unwrap(self.token, scheme, kek, bytes, &shell(kind, id, true, usage))?)
        };
        self.finish_pair(
            Source { session, remake: Box::new(remake) },
            public,
            &id,
            usage,
            old.as_deref(),
            Route::Unwrap,
        )
    }

    pub(super) fn unwrap_secret(
        &self,
        kek: Handle,
        scheme: Scheme,
        bytes: &[u8],
        algorithm: SymmetricAlgorithm,
        bits: Option<u32>,
    ) -> Result<Ready, crate::Error> {
        if let Some(bits) = bits {
            self.pending.check_said(Algorithm::symmetric(algorithm), bits)?;
        }
        let usage = self.pending.usage_for(Algorithm::symmetric(algorithm), None)?;
        let id = self.secret_id(algorithm, bits.unwrap_or(0))?;
        let make = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let template = put::secret_shell(algorithm, &self.attributes(id, token, usage));
            wrap::unwrap(self.token, scheme, kek, bytes, &template).map_err(|error| match error {
                wrap::Error::Token(source) => {
                    wrap::Error::Unwrap { tried: format!("tried as {}", algorithm.name()), source }.into()
                }
                other => other.into(),
            })
        };
        let old = self.room_for_secret()?;
        let main = Source { session: make(&id, false)?, remake: Box::new(move |id| make(id, true)) };
        self.finish_secret(main, &id, usage, old.as_deref(), Route::Unwrap, (algorithm, None))
    }
}
