//! Handles: a table of slots with a generation each.
//!
//! A handle is the number of a slot and the generation that the slot had when the handle was made. Freeing counts the generation up, so that an old handle never
//! means a new object; generations begin at a random number, so that a number from elsewhere means nothing. The low four bits are 8: CNG's pseudo-handles end in 1.

use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::guard::Fault;
use super::ncrypt::{KeyObject, SecretObject};
use super::provider::Provider;
use crate::provider::Agreement;
use crate::provider::bcrypt::{AlgorithmProvider, BcryptKey, Hashing};

/// `NCRYPT_HANDLE`, and what `BCRYPT_HANDLE` points nowhere with.
pub(super) type Handle = usize;

const TAG: usize = 0x8;
const TAG_BITS: u32 = 4;
const INDEX_BITS: u32 = 24;

/// Something that has a handle.
#[derive(Clone)]
pub(super) enum Object {
    Agreement(Arc<Agreement>),
    Algorithm(Arc<AlgorithmProvider>),
    BcryptKey(Arc<BcryptKey>),
    Hash(Arc<Hashing>),
    Key(Arc<KeyObject>),
    Provider(Arc<Provider>),
    Secret(Arc<SecretObject>),
}

impl Object {
    /// Whether `NCryptFreeObject` frees it.
    pub(super) fn is_ncrypt(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Provider(_) | Self::Secret(_))
    }
}

/// A kind of object.
pub(super) trait Kind: Sized {
    fn of(object: &Object) -> Option<&Arc<Self>>;
    fn into_object(this: Arc<Self>) -> Object;
}

macro_rules! kinds {
    ($($variant:ident: $type:ty;)+) => {$(
        impl Kind for $type {
            fn of(object: &Object) -> Option<&Arc<Self>> {
                match object {
                    Object::$variant(object) => Some(object),
                    _ => None,
                }
            }

            fn into_object(this: Arc<Self>) -> Object {
                Object::$variant(this)
            }
        }
    )+};
}

kinds! {
    Agreement: Agreement;
    Algorithm: AlgorithmProvider;
    BcryptKey: BcryptKey;
    Hash: Hashing;
    Key: KeyObject;
    Provider: Provider;
    Secret: SecretObject;
}

struct Slot {
    generation: u32,
    object: Option<Object>,
}

#[derive(Default)]
struct Table {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

fn read() -> RwLockReadGuard<'static, Table> {
    // A panic elsewhere leaves the table whole: nothing of it is done by halves.
    TABLE.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Table> {
    TABLE.write().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn slot(&self, handle: Handle) -> Option<&Slot> {
        let (index, generation) = parts(handle)?;
        self.slots.get(index).filter(|slot| slot.generation == generation)
    }
}

fn parts(handle: Handle) -> Option<(usize, u32)> {
    let index = (handle >> TAG_BITS) & ((1 << INDEX_BITS) - 1);
    let generation = u32::try_from(handle >> (TAG_BITS + INDEX_BITS)).ok()?;
    (handle & ((1 << TAG_BITS) - 1) == TAG).then_some((index, generation))
}

/// A new handle.
pub(super) fn insert<T: Kind>(object: Arc<T>) -> Result<Handle, Fault> {
    let full = Fault::Call(crate::Status::NTE_NO_MEMORY, "there are too many handles");
    let mut table = write();
    let index = match table.free.pop() {
        Some(index) => index,
        None => {
            let index = table.slots.len();
            if index >> INDEX_BITS != 0 {
                return Err(full);
            }
            let mut seed = [0; 4];
            // Without randomness handles are still told apart from each other.
            let _ = getrandom::fill(&mut seed);
            table.slots.push(Slot { generation: u32::from_ne_bytes(seed), object: None });
            index
        }
    };
    let Some(slot) = table.slots.get_mut(index) else { return Err(full) };
    slot.object = Some(T::into_object(object));
    Ok((slot.generation as usize) << (TAG_BITS + INDEX_BITS) | index << TAG_BITS | TAG)
}

/// The object behind a handle.
pub(super) fn get<T: Kind>(handle: Handle) -> Result<Arc<T>, Fault> {
    let table = read();
    let object = table.slot(handle).and_then(|slot| slot.object.as_ref());
    object.and_then(T::of).cloned().ok_or(Fault::handle())
}

/// Looks at an object for a moment, in which no handle is made or freed: nothing that asks a token.
pub(super) fn peek<T: Kind, R>(handle: Handle, look: impl FnOnce(&T) -> Option<R>) -> Option<R> {
    let table = read();
    let object = table.slot(handle).and_then(|slot| slot.object.as_ref()).and_then(T::of);
    object.and_then(|object| look(object))
}

/// Any object behind a handle.
pub(super) fn any(handle: Handle) -> Result<Object, Fault> {
    let table = read();
    table.slot(handle).and_then(|slot| slot.object.clone()).ok_or(Fault::handle())
}

/// Whether there is such an object behind a handle.
pub(super) fn is<T: Kind>(handle: Handle) -> bool {
    read().slot(handle).and_then(|slot| slot.object.as_ref()).and_then(T::of).is_some()
}

/// Frees a handle, if what is behind it is fit to be freed. The object is dropped by the caller: outside of the table's lock, since the token may be asked.
pub(super) fn remove(handle: Handle, fits: impl FnOnce(&Object) -> bool) -> Result<Object, Fault> {
    let (index, _) = parts(handle).ok_or(Fault::handle())?;
    let mut table = write();
    let is_fit = table.slot(handle).and_then(|slot| slot.object.as_ref()).is_some_and(fits);
    let slot = table.slots.get_mut(index).filter(|_| is_fit).ok_or(Fault::handle())?;
    let object = slot.object.take().ok_or(Fault::handle())?;
    slot.generation = slot.generation.wrapping_add(1);
    table.free.push(index);
    Ok(object)
}

/// Frees the handle of one kind of object.
pub(super) fn remove_kind<T: Kind>(handle: Handle) -> Result<Object, Fault> {
    remove(handle, |object| T::of(object).is_some())
}
