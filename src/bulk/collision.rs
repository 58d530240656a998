//! A name that is taken: what stands under it, and what is done about it.

use std::cell::Cell;
use std::time::Instant;

use super::Error;
use super::journal::Outcome;
use super::promises::{Promise, Promises, What};
use super::report::KeyDone;
use super::run::{Held, Names};
use crate::blob::Decoded;
use crate::key::KeyMaterial;
use crate::provider::{self, Asked, Flags, Key, KeyName, Sameness, StorageProvider};

/// What is done where another key has the name. The same key with all that was asked is never in the way: it is done already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Collision {
    /// The entry fails.
    #[default]
    Refuse,
    /// The other key stays, and the entry counts as done.
    Skip,
    /// The key gets the name with a number behind it: `-2`, `-3` and so on.
    Rename,
    /// The key takes the other one's place, once it is complete and proven.
    Overwrite,
}

impl Collision {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Refuse, Self::Skip, Self::Rename, Self::Overwrite];

    /// The word of the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Skip => "skip",
            Self::Rename => "rename",
            Self::Overwrite => "overwrite",
        }
    }
}

/// No name is tried with a higher number.
const MOST: u32 = 1000;

/// What there is room for.
pub(super) enum Room<'n> {
    /// The key is to be put there.
    Free(Free<'n>),
    /// Nothing is to be done.
    Done(Box<KeyDone>),
}

/// Where a key is to be put, and what that comes to.
pub(super) struct Free<'n> {
    pub(super) name: KeyName,
    pub(super) outcome: Outcome,
    /// Another name than was wanted, until the key is there.
    _held: Option<Held<'n>>,
    /// The CKA_IDs of the keys that are in the way.
    in_the_way: Vec<Vec<u8>>,
}

impl Free<'_> {
    /// Whether this CKA_ID will tell the key from those that were there before it.
    pub(super) fn is_told_by(&self, id: &[u8]) -> bool {
        !id.is_empty() && !self.in_the_way.iter().any(|other| other == id)
    }
}

/// What a key is compared with.
pub(super) struct Wanted<'a> {
    pub(super) decoded: &'a Decoded,
    pub(super) asked: Asked<'a>,
    /// The CKA_ID that an earlier run chose for this very key before it wrote it.
    pub(super) begun: Option<&'a [u8]>,
}

/// Where one looks, and what is done there.
pub(super) struct Look<'n> {
    pub(super) provider: &'n StorageProvider,
    pub(super) collision: Collision,
    /// Whether what is there already is proven.
    pub(super) is_proven: bool,
    /// Of a plan, which writes nothing: what it has promised, and what the key in hand is. A run may do what an earlier one has left undone.
    pub(super) plan: Option<(&'n Promises, Option<&'n What>)>,
    pub(super) names: &'n Names,
    /// The entry of the key in hand.
    pub(super) entry: u32,
}

/// What has a name.
enum Holder {
    Key(Box<Key>),
    Promise(Promise),
}

impl Look<'_> {
    fn is_run(&self) -> bool {
        self.plan.is_none()
    }

    /// What has a name; a key whose import was cut short has none.
    fn holder(&self, name: &KeyName) -> Result<Option<Holder>, Error> {
        let provider = self.provider;
        if let Some(promise) = self.plan.and_then(|(promises, _)| promises.of(name.as_str())) {
            return Ok(Some(Holder::Promise(promise)));
        }
        if self.is_run() {
            provider.finish_replacement(name)?;
        }
        match provider.check_free(name) {
            Ok(()) => Ok(None),
            Err(crate::Error::Provider(provider::Error::NameTaken { .. })) => {
                Ok(Some(Holder::Key(Box::new(provider.open_key(name.as_str())?))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is not as it is wanted of what has the name; `None` where all is.
    fn difference(
        &self,
        holder: &Holder,
        differs: impl Fn(&Key) -> Result<Option<String>, Error>,
    ) -> Result<Option<String>, Error> {
        match holder {
            Holder::Key(held) => differs(held),
            Holder::Promise(promise) if promise.is(self.plan.and_then(|(_, what)| what)) => Ok(None),
            Holder::Promise(_) => Ok(Some("this run would put another key there before it".to_owned())),
        }
    }

    fn settled(&self, holder: &Holder, name: &KeyName, outcome: Outcome) -> Result<KeyDone, Error> {
        let held = match holder {
            Holder::Key(held) => held,
            Holder::Promise(promise) => return Ok(KeyDone::planned(name, &promise.source, outcome)),
        };
        if outcome != Outcome::Identical || !self.is_proven {
            return Ok(KeyDone::of_key(held, outcome));
        }
        let start = Instant::now();
        let verified = Some(held.prove()?);
        Ok(KeyDone { verified, proof_time: start.elapsed(), ..KeyDone::of_key(held, outcome) })
    }
}

impl Holder {
    fn describe(&self) -> String {
        match self {
            Self::Key(held) => held.uri().to_string(),
            Self::Promise(promise) => promise.source.clone(),
        }
    }

    /// Its CKA_ID, so far as it has one.
    fn id(&self) -> Option<Vec<u8>> {
        match self {
            Self::Key(held) => Some(held.id().to_vec()),
            Self::Promise(_) => None,
        }
    }
}

/// Looks under a name before anything is made there. The caller holds the name.
pub(super) fn room<'n>(look: &Look<'n>, name: &KeyName, wanted: &Wanted<'_>) -> Result<Room<'n>, Error> {
    let is_restored = Cell::new(false);
    let mut room = room_by(look, name, |held| {
        let difference = identical(look.provider, held, wanted)?;
        if look.is_run()
            && difference.is_none()
            && let KeyMaterial::Private(private) = &wanted.decoded.key
            && let Some(public) = private.public()
        {
            is_restored.set(held.restore_public(&public)?);
        }
        Ok(difference)
    })?;
    if let (Room::Done(done), true) = (&mut room, is_restored.get()) {
        done.warnings.push("its public object was not there, and was written again".to_owned());
    }
    Ok(room)
}

/// The same of a key that shows itself on the token alone. `differs` says what is not as it was asked.
pub(super) fn room_by<'n>(
    look: &Look<'n>,
    name: &KeyName,
    differs: impl Fn(&Key) -> Result<Option<String>, Error>,
) -> Result<Room<'n>, Error> {
    let Look { collision, names, .. } = *look;
    let free = |name: &KeyName, outcome, held, in_the_way| {
        Ok(Room::Free(Free { name: name.clone(), outcome, _held: held, in_the_way }))
    };
    let Some(first) = look.holder(name)? else { return free(name, Outcome::Imported, None, Vec::new()) };
    let mut in_the_way: Vec<_> = first.id().into_iter().collect();
    let Some(difference) = look.difference(&first, &differs)? else {
        return match look.settled(&first, name, Outcome::Identical) {
            Ok(done) => Ok(Room::Done(Box::new(done))),
            // The same key, but damaged.
            Err(Error::Library(error @ crate::Error::Provider(provider::Error::Unproven { .. })))
                if collision == Collision::Overwrite && !look.provider.has_lost(&error) =>
            {
                free(name, Outcome::Overwritten, None, in_the_way)
            }
            Err(error) => Err(error),
        };
    };
    match collision {
        Collision::Refuse => {}
        Collision::Skip => {
            let mut done = look.settled(&first, name, Outcome::Skipped)?;
            done.warnings.push(format!("`{name}` was left as it is: {difference}"));
            return Ok(Room::Done(Box::new(done)));
        }
        Collision::Overwrite if matches!(first, Holder::Promise(_)) => {}
        Collision::Overwrite if names.was_given(name.as_str(), look.entry) => {
            let difference = format!("{difference}, which this run has put there");
            return Err(Error::NameTaken { name: name.to_string(), held: first.describe(), difference });
        }
        Collision::Overwrite => return free(name, Outcome::Overwritten, None, in_the_way),
        Collision::Rename => {
            for number in 2..=MOST {
                let other = KeyName::new(&format!("{name}-{number}"))?;
                let own = names.hold(other.as_str());
                match look.holder(&other)? {
                    None => return free(&other, Outcome::Renamed, Some(own), in_the_way),
                    // Of an earlier run.
                    Some(holder) if look.difference(&holder, &differs)?.is_none() => {
                        return Ok(Room::Done(Box::new(look.settled(&holder, &other, Outcome::Identical)?)));
                    }
                    Some(holder) => in_the_way.extend(holder.id()),
                }
            }
        }
    }
    Err(Error::NameTaken { name: name.to_string(), held: first.describe(), difference })
}

/// What is not as it was asked; `None` where all is.
fn identical(provider: &StorageProvider, held: &Key, wanted: &Wanted<'_>) -> Result<Option<String>, Error> {
    Ok(match provider.compare(held, wanted.decoded, &wanted.asked)? {
        Sameness::Identical => None,
        Sameness::Differs(differences) => Some(format!("it is the same key with {}", differences.join(" and "))),
        Sameness::Another => Some("it is another key".to_owned()),
        Sameness::Unknown(_) if wanted.begun == Some(held.id()) => None,
        Sameness::Unknown(why) => Some(format!("whether it is the same key cannot be told: {why}")),
    })
}

/// What is not the same of a key that was unwrapped and waits to be finalized: as a key of the session it shows what it is.
pub(super) fn is_unwrapped(held: &Key, probe: &mut Key, begun: Option<&[u8]>) -> Result<Option<String>, Error> {
    let policy = probe.export_policy().effective();
    let certificate = probe.certificate_chain()?.into_iter().next();
    probe.take_name_away()?;
    probe.finalize(Flags::NONE)?;
    // Which uses are usual is known once it is known what it is.
    let asked = (policy, probe.usage());
    // A symmetric key that says none gets a random one.
    let has_id = probe.is_symmetric() || held.id() == probe.id();
    let is_certified = certificate.is_none() || held.certificate_chain()?.into_iter().next() == certificate;
    Ok(match held.is_the_same(probe)? {
        Some(true) if (held.export_policy(), held.usage()) == asked && has_id && is_certified => None,
        Some(true) => Some("it is the same key with another policy, usage, CKA_ID or certificate".to_owned()),
        Some(false) => Some("it is another key".to_owned()),
        None if begun == Some(held.id()) => None,
        None => Some("whether it is the same key cannot be told".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::{Free, KeyName, Outcome};

    #[test]
    fn a_key_is_told_by_a_cka_id_that_no_key_in_the_way_has() {
        let name = KeyName::new("web").unwrap();
        let free = |ids: &[&[u8]]| Free {
            name: name.clone(),
            outcome: Outcome::Renamed,
            _held: None,
            in_the_way: ids.iter().map(|id| id.to_vec()).collect(),
        };
        assert!(free(&[]).is_told_by(b"one"));
        assert!(free(&[b"other", b"two"]).is_told_by(b"one"));
        assert!(!free(&[b"other", b"one"]).is_told_by(b"one"));
        // Keys without any are not told by it.
        assert!(!free(&[]).is_told_by(b""));
    }
}
