//! A pending key that is wrapped under a key of the token: opened there, its kind and public half found out on session objects.

use super::finalize::Finalizer;
use super::import::check_algorithm;
use super::lookup::Stage;
use super::pending::{Material, Target};
use super::persist::Route;
use super::room::Room;
use super::source::Source;
use super::way::Way;
use super::{Error, Ready, added, proof, rights};
use crate::key::{Algorithm, ExportPolicy, Family, KeyUsage, PublicKey, SymmetricAlgorithm};
use crate::template::put::{self, Attributes, PrivateKind};
use crate::template::shape;
use crate::template::{Additions, Template};
use crate::token::Handle;
use crate::wrap::{self, Opening, Sealed, Temporary};

/// What a wrapped private key turned out to be, as a session object that has only the rights that it takes to find that out.
pub(super) struct OpenedPrivate<'t> {
    kind: PrivateKind,
    object: Temporary<'t>,
    /// Whether the object has the rights of the key to be.
    is_final: bool,
    pub(super) public: PublicKey,
    pub(super) algorithm: Algorithm,
    usage: KeyUsage,
}

impl<'t> Finalizer<'t> {
    pub(super) fn unwrap_private(&self, sealed: &Sealed, told: Option<&PublicKey>) -> Result<Ready, crate::Error> {
        let opening = sealed.open(self.token)?;
        let OpenedPrivate { kind, mut object, is_final, public, usage, .. } = self.open_private(&opening, told)?;
        let shell = |id: &[u8], token| {
            let bare = put::private_shell(kind, &self.attributes(id, token, usage));
            shape::with_point(bare, &public, self.token.profile())
        };
        let mut way = Way::of(Route::Unwrap);
        if !self.pending.additions.is_empty() {
            let bare = (usage, Additions::NONE);
            way.shown = Some(proof::prove_pair(self.token, object.handle, None, &public, bare)?);
        }
        if !is_final {
            drop(object);
            let template = shell(&Stage::staged(b""), false);
            let unwrapped = opening.unwrap(&template);
            if let Err(error) = &unwrapped {
                self.find_fault("C_UnwrapKey", &template, error.ckr(), |template| Ok(opening.unwrap(template)?));
            }
            object = Temporary::new(self.token, unwrapped.map_err(|error| self.blame(error))?);
        }
        let id = self.pair_id(&public)?;
        self.certified(Some(&public))?;
        let old = match self.make_room(&public, usage)? {
            Room::Taken(finished) => return self.completed(*finished, &id, &public),
            Room::Free(old) => old,
        };
        self.check_id(&id, old.as_deref())?;
        let remake = |id: &[u8]| -> Result<Handle, crate::Error> { Ok(opening.unwrap(&shell(id, true))?) };
        let main = Source::new(object.keep(), Box::new(remake));
        self.finish_pair((main, None), (public.clone(), None), &id, usage, old.as_deref(), way)
    }

    /// Opens what is wrapped and asks whether it may have the rights that it is to have.
    fn open_private(&self, opening: &Opening<'_>, told: Option<&PublicKey>) -> Result<OpenedPrivate<'t>, crate::Error> {
        let pending = self.pending;
        let kinds = self.possible_kinds(told)?;
        let algorithm_of = |kind: PrivateKind| match (kind, pending.algorithm) {
            (PrivateKind::Rsa, _) => Algorithm::RSA,
            (_, Some(algorithm)) => algorithm,
            (_, None) => Algorithm { family: Family::Ecdsa, curve: None },
        };
        let mut usages = Vec::new();
        for kind in &kinds {
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
        // A key that may only agree gives its public point away by a signature, on a session object before its final usage is set.
        let probing = |kind| match (kind, told) {
            (PrivateKind::Ec, None) => usage_of(kind) | KeyUsage::SIGN,
            _ => usage_of(kind),
        };
        // What it may not be read as is not known yet.
        let policy = if self.policy().allows_plaintext() { ExportPolicy::NONE } else { pending.policy };
        let placeholder = Stage::staged(b"");
        let shell = |kind| {
            // What is added may forbid what it takes to find out what the key is.
            let more = Additions::NONE;
            let attributes = Attributes { policy, more, ..self.attributes(&placeholder, false, probing(kind)) };
            let bare = put::private_shell(kind, &attributes);
            match told {
                Some(public) => shape::with_point(bare, public, self.token.profile()),
                None => bare,
            }
        };
        // Before the key is an object of any kind.
        usages.iter().try_for_each(|(_, usage)| pending.check_ceiling(*usage))?;
        let (kind, object) = opening.unwrap_private(&kinds, shell)?;
        let object = Temporary::new(self.token, object);
        let usage = usage_of(kind);
        let public = self.public_half(object.handle, told)?;
        let algorithm = match public.curve() {
            None => Algorithm::RSA,
            Some(curve) => Algorithm::elliptic(algorithm_of(kind).family, curve),
        };
        pending.check_said(algorithm, public.bits())?;
        let named = pending.algorithm.and_then(|algorithm| algorithm.curve);
        if named.is_some_and(|curve| Some(curve) != public.curve()) {
            let what = format!("the wrapped key is an {algorithm} key, not an {} key", algorithm_of(kind));
            return Err(Error::Contradiction { what }.into());
        }
        let passenger = || Ok(opening.private_passenger(&[kind])?.1);
        rights::check_private(self.token, &public, (self.policy(), usage), passenger)?;
        let is_whole = !shape::lacks_point(&shell(kind), self.token.profile());
        let is_final = probing(kind) == usage && policy == pending.policy && is_whole && pending.additions.is_empty();
        Ok(OpenedPrivate { kind, object, is_final, public, algorithm, usage })
    }

    /// Opens what is wrapped as finalizing would, and keeps nothing. What it is, if it is wrapped, and its public half.
    pub(super) fn rehearse_wrapped(&self) -> Result<Option<(Algorithm, Option<PublicKey>)>, crate::Error> {
        let Material::Wrapped { sealed, target } = &self.pending.material else { return Ok(None) };
        let opening = sealed.open(self.token)?;
        match target {
            Target::Private(told) => {
                let opened = self.open_private(&opening, told.as_ref())?;
                let bare = put::private_shell(opened.kind, &self.attributes(&Stage::staged(b""), false, opened.usage));
                self.rehearse_added(&opening, &shape::with_point(bare, &opened.public, self.token.profile()))?;
                Ok(Some((opened.algorithm, Some(opened.public))))
            }
            Target::Secret { algorithm, bits } => {
                let (bits, usage) = self.open_secret(&opening, *algorithm, *bits)?;
                let bare = put::secret_shell(*algorithm, &self.attributes(&Stage::staged(b""), false, usage));
                self.rehearse_added(&opening, &shape::with_length(bare, bits, self.token.profile()))?;
                Ok(Some((Algorithm::symmetric(*algorithm), None)))
            }
        }
    }

    /// What is wrapped as a session object with the attributes that are added, if there are any: what the token refuses or does not keep shows.
    fn rehearse_added(&self, opening: &Opening<'_>, template: &Template) -> Result<(), crate::Error> {
        let additions = &self.pending.additions;
        if additions.is_empty() {
            return Ok(());
        }
        let unwrapped = opening.unwrap(template).map_err(|error| self.blame(error))?;
        added::check(self.token, Temporary::new(self.token, unwrapped).handle, additions)
    }

    /// The kinds of private key that a wrapped PKCS#8 may hold, by what was said of it.
    fn possible_kinds(&self, told: Option<&PublicKey>) -> Result<Vec<PrivateKind>, crate::Error> {
        let pending = self.pending;
        if let (Some(public), Some(said)) = (told, pending.algorithm)
            && said.family.is_elliptic() != public.curve().is_some()
        {
            let what = format!("the file says that the key is no {} key", said.family.group());
            return Err(Error::Contradiction { what }.into());
        }
        if let Some(public) = told {
            check_algorithm(match public.curve() {
                Some(curve) => Algorithm::elliptic(Family::Ecdsa, curve),
                None => Algorithm::RSA,
            })?;
            return Ok(vec![PrivateKind::of(public.curve())?]);
        }
        let curve = pending.algorithm.and_then(|algorithm| algorithm.curve).or(pending.curve);
        match pending.algorithm.map(|algorithm| algorithm.family) {
            Some(Family::Rsa) => Ok(vec![PrivateKind::Rsa]),
            Some(Family::Symmetric(_)) => {
                let what = "a wrapped PKCS#8 holds a private key, not a symmetric one".to_owned();
                Err(Error::Contradiction { what }.into())
            }
            Some(family) => {
                check_algorithm(Algorithm { family, curve })?;
                Ok(vec![curve.map_or(Ok(PrivateKind::Ec), |curve| PrivateKind::of(Some(curve)))?])
            }
            None => match curve {
                Some(curve) => Ok(vec![PrivateKind::of(Some(curve))?]),
                None => Ok(vec![PrivateKind::Rsa, PrivateKind::Ec]),
            },
        }
    }

    /// The public half of an unwrapped key: as the token shows it, else as it was told, else from two signatures. What was told is proven later,
    /// by a signature or an agreement, and must be what the token shows.
    fn public_half(&self, session: Handle, told: Option<&PublicKey>) -> Result<PublicKey, crate::Error> {
        let record = self.token.read(session)?;
        match (record.public, told, record.curve) {
            (Some(shown), Some(told), _) if shown != *told => {
                Err(another("the wrapped key is another one than it says"))
            }
            (Some(shown), ..) => Ok(shown),
            (None, Some(told), curve) => {
                if curve.is_some_and(|curve| Some(curve) != told.curve()) {
                    return Err(another("the wrapped key is on another curve than it says"));
                }
                Ok(told.clone())
            }
            (None, None, Some(curve)) => {
                // Nothing was added to the object of the session: it wants no PIN.
                let point = proof::recover_point(self.token, session, curve, None)?;
                Ok(PublicKey::Ec(point.ok_or_else(|| Error::NoPublic { name: self.label() })?))
            }
            (None, None, None) => {
                let what = "the wrapped key is on a curve that is not known here".to_owned();
                Err(Error::Unsupported { what, ckr: None }.into())
            }
        }
    }

    pub(super) fn unwrap_secret(
        &self,
        sealed: &Sealed,
        algorithm: SymmetricAlgorithm,
        bits: Option<u32>,
    ) -> Result<Ready, crate::Error> {
        let opening = sealed.open(self.token)?;
        let (bits, usage) = self.open_secret(&opening, algorithm, bits)?;
        let id = self.secret_id(algorithm, bits.unwrap_or(0))?;
        let make = |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let bare = put::secret_shell(algorithm, &self.attributes(id, token, usage));
            let template = shape::with_length(bare, bits, self.token.profile());
            let unwrapped = opening.unwrap(&template);
            if let (Err(error), false) = (&unwrapped, token) {
                self.find_fault("C_UnwrapKey", &template, error.ckr(), |template| Ok(opening.unwrap(template)?));
            }
            unwrapped.map_err(|error| self.blame(explain(&opening, algorithm, error)))
        };
        let old = self.room_for_secret()?;
        self.check_id(&id, old.as_deref())?;
        let main = Source::new(make(&id, false)?, Box::new(move |id| make(id, true)));
        self.finish_secret(main, &id, usage, old.as_deref(), Way::of(Route::Unwrap), (algorithm, None))
    }

    /// Opens a symmetric key to learn its size, and asks whether it may have the rights that it is to have.
    pub(super) fn open_secret(
        &self,
        opening: &Opening<'_>,
        algorithm: SymmetricAlgorithm,
        bits: Option<u32>,
    ) -> Result<(Option<u32>, KeyUsage), crate::Error> {
        let name = Algorithm::symmetric(algorithm);
        let usage = self.pending.usage_for(name, None)?;
        self.pending.check_ceiling(usage)?;
        let explain = |error| explain(opening, algorithm, error);
        let measured = opening.secret_bits(algorithm, bits).map_err(explain)?;
        // What a container says of it must be true, as far as the token tells.
        if let (Some(said), Some(found)) = (bits, measured)
            && said != found
        {
            return Err(another(&format!("the wrapped key has {found} bits and not {said}")));
        }
        let bits = measured.or(bits);
        if let Some(bits) = bits {
            self.pending.check_said(name, bits)?;
        }
        // Bytes of any length may be an HMAC key: those of a private key among them.
        if algorithm == SymmetricAlgorithm::Hmac && opening.holds_private()? {
            let what = "a private key is wrapped there, not an HMAC key".to_owned();
            return Err(Error::Contradiction { what }.into());
        }
        let passenger = || Ok(opening.passenger(algorithm, bits)?);
        rights::check_secret(self.token, (self.policy(), usage), passenger)?;
        Ok((bits, usage))
    }
}

/// What was tried, with what the token said.
fn explain(opening: &Opening<'_>, algorithm: SymmetricAlgorithm, error: wrap::Error) -> wrap::Error {
    match error {
        wrap::Error::Token(source) => {
            let tried = format!("tried as {} by {}", algorithm.name(), opening.describe());
            wrap::Error::Unwrap { tried, source }
        }
        other => other,
    }
}

fn another(problem: &str) -> crate::Error {
    wrap::Error::Container { what: "the container", problem: problem.to_owned() }.into()
}
