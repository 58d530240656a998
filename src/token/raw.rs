//! The one escape from `cryptoki`: calls on a second handle of the same library, which shares the module's state, sessions and objects.
//!
//! Here because `cryptoki` 0.12 cannot say every standard mechanism number, drops what it does not know from lists and fails whole attribute reads
//! over it, asks sizes with calls that need not be made, and leaves secrets in unwiped buffers; and sessions with what is done in them, because with p11-kit's client the
//! handles of one list mean nothing to another. `cryptoki` loads and initialises the module, and initialises tokens. The only file with `unsafe` in it:
//! every block hands the module pointers to live buffers with their true lengths, and reads no more than the module says it wrote, bounded by
//! what was allocated.

#![allow(unsafe_code, reason = "the PKCS#11 function list is a table of C functions")]

mod parameters;

use std::ffi::CStr;
use std::path::Path;
use std::ptr::NonNull;

use cryptoki::context::{CInitializeArgs, CInitializeFlags};
use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_BYTE, CK_C_INITIALIZE_ARGS, CK_EFFECTIVELY_INFINITE, CK_FLAGS,
    CK_FUNCTION_LIST, CK_INFO, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE,
    CK_SESSION_INFO, CK_SLOT_ID, CK_TOKEN_INFO, CK_TRUE, CK_ULONG, CK_UNAVAILABLE_INFORMATION, CK_USER_TYPE,
    CKF_LOGIN_REQUIRED, CKF_OS_LOCKING_OK, CKF_PROTECTED_AUTHENTICATION_PATH, CKF_RW_SESSION, CKF_SERIAL_SESSION,
    CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED, CKF_TOKEN_INITIALIZED, CKF_USER_PIN_COUNT_LOW,
    CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_INITIALIZED, CKF_USER_PIN_LOCKED, CKS_RO_PUBLIC_SESSION,
    CKS_RW_PUBLIC_SESSION,
};
use zeroize::Zeroizing;

use self::parameters::{in_pointer, ulong, with_mechanism};
use super::mechanism::Mechanism;
use super::module::{TokenInfo, Tries};
use super::{Access, Error, Handle};
use crate::secret::SecretBytes;
use crate::status::Ckr;
use crate::template::Template;

/// How many objects C_FindObjects is asked for at once.
const BATCH: usize = 1000;

/// No attribute value and no result is taken beyond this, whatever a module says of its size.
const MAX_LEN: usize = 1 << 20;

/// The function list of a module. The library stays loaded as long as this lives.
pub(super) struct Raw {
    _library: cryptoki_sys::Pkcs11,
    functions: *const CK_FUNCTION_LIST,
    /// Whether every list of the module has the same state behind it. With p11-kit's client each is a connection of its own.
    shares_state: bool,
}

// SAFETY: the function list is constant after loading, and the module was initialised for use from several threads (CKF_OS_LOCKING_OK).
unsafe impl Send for Raw {}
// SAFETY: as above; sessions are serialised by their owner.
unsafe impl Sync for Raw {}

/// Calls one function of the list, or says that the module has none.
macro_rules! call {
    ($raw:expr, $name:ident, $($argument:expr),+ $(,)?) => {{
        // SAFETY: the list was checked to be non-null when it was loaded and lives as long as the library.
        let function = unsafe { (*$raw.functions).$name };
        match function {
            // SAFETY: every pointer argument comes from a live buffer or template of this function, with its true length.
            Some(function) => check(stringify!($name), unsafe { function($($argument),+) }),
            None => Err(Error::Pkcs11 { function: stringify!($name), ckr: Ckr::FUNCTION_NOT_SUPPORTED }),
        }
    }};
}

/// An operation on data in one part: its Init call, what is to happen then, and the call that fills a buffer.
macro_rules! one_part {
    ($raw:expr, $init:ident, $run:ident, $session:expr, $mechanism:expr, $key:expr, $data:expr, $capacity:expr) => {
        one_part!($raw, $init, $run, $session, $mechanism, $key, $data, $capacity, || Ok(()))
    };
    (
        $raw:expr, $init:ident, $run:ident, $session:expr, $mechanism:expr, $key:expr, $data:expr, $capacity:expr, $between:expr
    ) => {{
        with_mechanism($mechanism, |mechanism| call!($raw, $init, $session, mechanism, $key.0))?;
        let allowed: Result<(), Error> = $between();
        // What is not allowed is tried all the same: an operation that is left open would be in the way of the next.
        let outcome = output(stringify!($run), $capacity, |out, len| {
            call!($raw, $run, $session, in_pointer($data), ulong($data.len()), out, len)
        });
        allowed.and(outcome)
    }};
}

/// What C_Initialize is told: that threads are there, and what the module wants to know besides. The text must live as long as the call.
pub(super) fn initialize_arguments(text: Option<&CStr>) -> CInitializeArgs {
    let flags = CInitializeFlags::OS_LOCKING_OK;
    match text {
        None => CInitializeArgs::new(flags),
        // SAFETY: it points to a C string, which modules that take a reserved argument read as such; its owner keeps it over the call.
        Some(text) => unsafe { CInitializeArgs::new_with_reserved(flags, NonNull::from(text).cast()) },
    }
}

impl Raw {
    /// Loads the library again. What the loader says is returned as text.
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        // SAFETY: loading a library runs its initialisers; the caller chose the module, and cryptoki has loaded it already.
        let library = unsafe { cryptoki_sys::Pkcs11::new(path) }.map_err(|error| error.to_string())?;
        let mut functions = std::ptr::null_mut();
        let mut others = std::ptr::null_mut();
        let get = library.C_GetFunctionList.as_ref().map_err(ToString::to_string)?;
        for list in [&raw mut others, &raw mut functions] {
            // SAFETY: the one argument points to a live pointer.
            let rv = unsafe { get(list) };
            if rv != 0 {
                return Err(format!("C_GetFunctionList answered {}", Ckr(rv)));
            }
        }
        if functions.is_null() {
            return Err("C_GetFunctionList gave no list".to_owned());
        }
        Ok(Self { _library: library, functions, shares_state: functions == others })
    }

    /// C_Initialize, where what `cryptoki` has initialised is not what is behind this list.
    pub(super) fn initialize(&self, text: Option<&CStr>) -> Result<(), Error> {
        if self.shares_state {
            return Ok(());
        }
        self.start(text)
    }

    /// C_Finalize and C_Initialize. `cryptoki` knows nothing of it and need not.
    pub(super) fn restart(&self, text: Option<&CStr>) -> Result<(), Error> {
        call!(self, C_Finalize, std::ptr::null_mut())?;
        self.start(text)
    }

    /// The same of a module that may have lost what it stands on: whatever its end answers, what counts is its start.
    pub(super) fn start_anew(&self, text: Option<&CStr>) -> Result<(), Error> {
        let _ = call!(self, C_Finalize, std::ptr::null_mut());
        match self.start(text) {
            Err(error) if error.is(Ckr::CRYPTOKI_ALREADY_INITIALIZED) => Ok(()),
            outcome => outcome,
        }
    }

    /// C_GetSlotList: the slots with a token. Through cryptoki it would ask another list, which nobody has started anew.
    pub(super) fn slots(&self) -> Result<Vec<CK_SLOT_ID>, Error> {
        let mut count = 0;
        call!(self, C_GetSlotList, CK_TRUE, std::ptr::null_mut(), &raw mut count)?;
        let mut list = vec![0; bounded("C_GetSlotList", count)?];
        let mut count = ulong(list.len());
        call!(self, C_GetSlotList, CK_TRUE, list.as_mut_ptr(), &raw mut count)?;
        list.truncate(usize::try_from(count).unwrap_or(0));
        Ok(list)
    }

    fn start(&self, text: Option<&CStr>) -> Result<(), Error> {
        let mut arguments = CK_C_INITIALIZE_ARGS {
            flags: CKF_OS_LOCKING_OK,
            pReserved: text.map_or(std::ptr::null_mut(), |text| text.as_ptr().cast_mut().cast()),
            ..CK_C_INITIALIZE_ARGS::default()
        };
        call!(self, C_Initialize, (&raw mut arguments).cast())
    }

    /// C_GetInfo: who made the library.
    pub(super) fn library_manufacturer(&self) -> Result<String, Error> {
        let mut info = CK_INFO::default();
        call!(self, C_GetInfo, &raw mut info)?;
        Ok(text(&info.manufacturerID))
    }

    /// C_OpenSession.
    pub(super) fn open_session(&self, slot: CK_SLOT_ID, access: Access) -> Result<CK_SESSION_HANDLE, Error> {
        let flags = match access {
            Access::ReadOnly => CKF_SERIAL_SESSION,
            Access::ReadWrite => CKF_SERIAL_SESSION | CKF_RW_SESSION,
        };
        let mut session = 0;
        call!(self, C_OpenSession, slot, flags, std::ptr::null_mut(), None, &raw mut session)?;
        Ok(session)
    }

    pub(super) fn close_session(&self, session: CK_SESSION_HANDLE) -> Result<(), Error> {
        call!(self, C_CloseSession, session)
    }

    /// C_Login; without a PIN the token asks on a pad of its own.
    pub(super) fn login(&self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: Option<&str>) -> Result<(), Error> {
        let (bytes, len) = pin_of(pin);
        call!(self, C_Login, session, user, bytes, len)
    }

    pub(super) fn logout(&self, session: CK_SESSION_HANDLE) -> Result<(), Error> {
        call!(self, C_Logout, session)
    }

    /// Whether somebody is logged in, by C_GetSessionInfo.
    pub(super) fn is_logged_in(&self, session: CK_SESSION_HANDLE) -> Result<bool, Error> {
        let mut info = CK_SESSION_INFO::default();
        call!(self, C_GetSessionInfo, session, &raw mut info)?;
        Ok(![CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION].contains(&info.state))
    }

    /// C_InitPIN; without a PIN the token asks on a pad of its own.
    pub(super) fn init_pin(&self, session: CK_SESSION_HANDLE, pin: Option<&str>) -> Result<(), Error> {
        let (bytes, len) = pin_of(pin);
        call!(self, C_InitPIN, session, bytes, len)
    }

    /// C_SetPIN; without PINs the token asks on a pad of its own.
    pub(super) fn set_pin(
        &self,
        session: CK_SESSION_HANDLE,
        old: Option<&str>,
        new: Option<&str>,
    ) -> Result<(), Error> {
        let ((old, old_len), (new, new_len)) = (pin_of(old), pin_of(new));
        call!(self, C_SetPIN, session, old, old_len, new, new_len)
    }

    /// C_CreateObject, of a module that frees the values of some attributes.
    pub(super) fn create(
        &self,
        session: CK_SESSION_HANDLE,
        template: &Template,
        frees: &[CK_ATTRIBUTE_TYPE],
    ) -> Result<Handle, Error> {
        let mut attributes = Attributes::of(template);
        for attribute in attributes.list.iter_mut().filter(|attribute| frees.contains(&attribute.type_)) {
            give_away(attribute);
        }
        let mut object = 0;
        let (template, count) = (attributes.as_mut_ptr(), attributes.len());
        call!(self, C_CreateObject, session, template, count, &raw mut object)?;
        Ok(Handle(object))
    }

    pub(super) fn copy(&self, session: CK_SESSION_HANDLE, object: Handle, changes: &Template) -> Result<Handle, Error> {
        let mut attributes = Attributes::of(changes);
        let mut copy = 0;
        let (template, count) = (attributes.as_mut_ptr(), attributes.len());
        call!(self, C_CopyObject, session, object.0, template, count, &raw mut copy)?;
        Ok(Handle(copy))
    }

    pub(super) fn set(&self, session: CK_SESSION_HANDLE, object: Handle, changes: &Template) -> Result<(), Error> {
        let mut attributes = Attributes::of(changes);
        let (template, count) = (attributes.as_mut_ptr(), attributes.len());
        call!(self, C_SetAttributeValue, session, object.0, template, count)
    }

    pub(super) fn destroy(&self, session: CK_SESSION_HANDLE, object: Handle) -> Result<(), Error> {
        call!(self, C_DestroyObject, session, object.0)
    }

    /// C_GetTokenInfo. Through cryptoki it fails as a whole on a clock that is not a date.
    pub(super) fn token_info(&self, slot: CK_SLOT_ID) -> Result<TokenInfo, Error> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self, C_GetTokenInfo, slot, &raw mut info)?;
        let has = |flag: CK_FLAGS| info.flags & flag != 0;
        let told =
            |most| Some(most).filter(|most| !matches!(*most, CK_EFFECTIVELY_INFINITE | CK_UNAVAILABLE_INFORMATION));
        let tries = |locked, last, low| match (has(locked), has(last), has(low)) {
            (true, ..) => Tries::None,
            (_, true, _) => Tries::Last,
            (.., true) => Tries::Low,
            _ => Tries::Unknown,
        };
        Ok(TokenInfo {
            slot,
            label: text(&info.label),
            manufacturer: text(&info.manufacturerID),
            model: text(&info.model),
            serial: text(&info.serialNumber),
            firmware: (info.firmwareVersion.major, info.firmwareVersion.minor),
            initialised: has(CKF_TOKEN_INITIALIZED),
            user_pin_set: has(CKF_USER_PIN_INITIALIZED),
            login_required: has(CKF_LOGIN_REQUIRED),
            protected_path: has(CKF_PROTECTED_AUTHENTICATION_PATH),
            tries: tries(CKF_USER_PIN_LOCKED, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_COUNT_LOW),
            so_tries: tries(CKF_SO_PIN_LOCKED, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_COUNT_LOW),
            max_sessions: told(info.ulMaxSessionCount),
            max_rw_sessions: told(info.ulMaxRwSessionCount),
        })
    }

    /// Every mechanism number that the token lists, known to anyone or not.
    pub(super) fn mechanisms(&self, slot: CK_SLOT_ID) -> Result<Vec<u64>, Error> {
        let mut count = 0;
        call!(self, C_GetMechanismList, slot, std::ptr::null_mut(), &raw mut count)?;
        let mut list = vec![0; bounded("C_GetMechanismList", count)?];
        let mut count = ulong(list.len());
        call!(self, C_GetMechanismList, slot, list.as_mut_ptr(), &raw mut count)?;
        // Some modules list fewer on the second call than they counted on the first.
        list.truncate(usize::try_from(count).unwrap_or(0));
        Ok(list)
    }

    /// What the token says that a mechanism can do: its flags, or `None` where it does not have it.
    pub(super) fn mechanism_flags(&self, slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE) -> Result<Option<u64>, Error> {
        let mut info = CK_MECHANISM_INFO::default();
        match call!(self, C_GetMechanismInfo, slot, mechanism, &raw mut info) {
            Ok(()) => Ok(Some(info.flags)),
            Err(error) if error.is(Ckr::MECHANISM_INVALID) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn find(&self, session: CK_SESSION_HANDLE, template: &Template) -> Result<Vec<Handle>, Error> {
        let mut attributes = Attributes::of(template);
        call!(self, C_FindObjectsInit, session, attributes.as_mut_ptr(), attributes.len())?;
        let found = self.find_all(session);
        let finished = call!(self, C_FindObjectsFinal, session);
        let found = found?;
        finished?;
        Ok(found)
    }

    fn find_all(&self, session: CK_SESSION_HANDLE) -> Result<Vec<Handle>, Error> {
        let mut found = Vec::new();
        loop {
            let mut batch: [CK_OBJECT_HANDLE; BATCH] = [0; BATCH];
            let mut count = 0;
            call!(self, C_FindObjects, session, batch.as_mut_ptr(), ulong(BATCH), &raw mut count)?;
            let count = usize::try_from(count).unwrap_or(BATCH).min(BATCH);
            found.extend(batch.iter().take(count).map(|object| Handle(*object)));
            if count < BATCH {
                return Ok(found);
            }
        }
    }

    /// Reads attributes with preset buffers in one call; sizes are asked only when the token does not respect them or a buffer was too small.
    pub(super) fn attributes(
        &self,
        session: CK_SESSION_HANDLE,
        object: Handle,
        wanted: &[(CK_ATTRIBUTE_TYPE, usize)],
        ask_sizes: bool,
    ) -> Result<Vec<Option<SecretBytes>>, Error> {
        if !ask_sizes {
            let (values, too_small) = self.read_attributes(session, object, wanted)?;
            if !too_small {
                return Ok(values);
            }
        }
        let mut query: Vec<_> = wanted
            .iter()
            .map(|(kind, _)| CK_ATTRIBUTE { type_: *kind, pValue: std::ptr::null_mut(), ulValueLen: 0 })
            .collect();
        let outcome = call!(self, C_GetAttributeValue, session, object.0, query.as_mut_ptr(), ulong(query.len()));
        tolerate(outcome)?;
        let mut sized = Vec::new();
        for (attribute, (kind, usual)) in query.iter().zip(wanted) {
            if attribute.ulValueLen != CK_UNAVAILABLE_INFORMATION {
                // Never less than usual: a module that does not look at the size may meet a value that has grown since.
                sized.push((*kind, bounded("C_GetAttributeValue", attribute.ulValueLen)?.max(*usual)));
            }
        }
        let (values, too_small) = self.read_attributes(session, object, &sized)?;
        if too_small {
            let problem = "an attribute grew between asking its size and reading it".to_owned();
            return Err(Error::Module { function: "C_GetAttributeValue", problem });
        }
        let mut values: Vec<_> = sized.iter().map(|(kind, _)| *kind).zip(values).collect();
        let mut take = |kind: CK_ATTRIBUTE_TYPE| {
            let at = values.iter().position(|(known, _)| *known == kind)?;
            values.swap_remove(at).1
        };
        Ok(wanted.iter().map(|(kind, _)| take(*kind)).collect())
    }

    fn read_attributes(
        &self,
        session: CK_SESSION_HANDLE,
        object: Handle,
        wanted: &[(CK_ATTRIBUTE_TYPE, usize)],
    ) -> Result<(Vec<Option<SecretBytes>>, bool), Error> {
        // Places side by side, each as aligned as a number wants it, and wiped at the end. For what most reads want no allocation of a kilobyte or more is made, each of which would have the C library
        // tidy its heap.
        const USUAL: usize = 560;
        let words = |len: usize| len.div_ceil(size_of::<u64>());
        let total = wanted.iter().map(|(_, len)| words(*len)).sum();
        let (mut usual, mut larger) = (Zeroizing::new([0_u64; USUAL]), Zeroizing::new(Vec::new()));
        let mut room = match usual.get_mut(..total) {
            Some(room) => room,
            None => {
                larger.resize(total, 0);
                larger.as_mut_slice()
            }
        };
        let mut places = Vec::with_capacity(wanted.len());
        for (_, len) in wanted {
            let (place, rest) = std::mem::take(&mut room).split_at_mut(words(*len));
            places.push(place);
            room = rest;
        }
        let of = |((kind, len), place): (&(CK_ATTRIBUTE_TYPE, usize), &mut &mut [u64])| CK_ATTRIBUTE {
            type_: *kind,
            pValue: place.as_mut_ptr().cast(),
            ulValueLen: ulong(*len),
        };
        let mut attributes: Vec<_> = wanted.iter().zip(&mut places).map(of).collect();
        let outcome =
            call!(self, C_GetAttributeValue, session, object.0, attributes.as_mut_ptr(), ulong(attributes.len()));
        let too_small = tolerate(outcome)?;
        let values = attributes.iter().zip(wanted).zip(places).map(|((attribute, (_, most)), place)| {
            let len = usize::try_from(attribute.ulValueLen).ok().filter(|len| len <= most)?;
            let mut value = SecretBytes::zeroed(len);
            for (bytes, word) in value.as_mut_slice().chunks_mut(size_of::<u64>()).zip(place) {
                bytes.iter_mut().zip(word.to_ne_bytes()).for_each(|(byte, read)| *byte = read);
            }
            Some(value)
        });
        Ok((values.collect(), too_small))
    }

    /// Reads an attribute whose value is an array of attributes, in the three steps of the standard: how long it is, what stands in it and how long
    /// that is, and the values. `None` where the object does not have it.
    pub(super) fn attribute_array(
        &self,
        session: CK_SESSION_HANDLE,
        object: Handle,
        kind: CK_ATTRIBUTE_TYPE,
    ) -> Result<Option<Vec<(CK_ATTRIBUTE_TYPE, SecretBytes)>>, Error> {
        const FUNCTION: &str = "C_GetAttributeValue";
        let broken = |problem: &str| Error::Module { function: FUNCTION, problem: problem.to_owned() };
        let nothing = CK_ATTRIBUTE { type_: 0, pValue: std::ptr::null_mut(), ulValueLen: 0 };
        let mut outer = CK_ATTRIBUTE { type_: kind, ..nothing };
        tolerate(call!(self, C_GetAttributeValue, session, object.0, &raw mut outer, 1))?;
        if outer.ulValueLen == CK_UNAVAILABLE_INFORMATION {
            return Ok(None);
        }
        let len = bounded(FUNCTION, outer.ulValueLen)?;
        if !len.is_multiple_of(size_of::<CK_ATTRIBUTE>()) {
            return Err(broken("the length of an array of attributes is not that of whole attributes"));
        }
        // Kryoptic takes nothing else for a question.
        let unknown = CK_ATTRIBUTE { type_: CK_UNAVAILABLE_INFORMATION, ..nothing };
        let mut inner = vec![unknown; len / size_of::<CK_ATTRIBUTE>()];
        if inner.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let read = |inner: &mut Vec<CK_ATTRIBUTE>| {
            let mut outer = CK_ATTRIBUTE { type_: kind, pValue: inner.as_mut_ptr().cast(), ulValueLen: ulong(len) };
            let is_cut = tolerate(call!(self, C_GetAttributeValue, session, object.0, &raw mut outer, 1))?;
            if is_cut || outer.ulValueLen != ulong(len) {
                Err(broken("an array of attributes changed while it was read"))
            } else {
                Ok(())
            }
        };
        read(&mut inner)?;
        let mut buffers = Vec::new();
        for attribute in &mut inner {
            // What is kept as it was given holds the pointers of then, which mean nothing.
            if !attribute.pValue.is_null() {
                return Err(broken("an array of attributes holds pointers where it should tell lengths"));
            }
            let mut buffer = SecretBytes::zeroed(bounded(FUNCTION, attribute.ulValueLen)?);
            attribute.pValue = buffer.as_mut_slice().as_mut_ptr().cast();
            buffers.push(buffer);
        }
        read(&mut inner)?;
        let mut values = Vec::new();
        for (attribute, buffer) in inner.iter().zip(buffers) {
            let is_ours =
                attribute.pValue.cast_const() == buffer.as_ptr().cast() && attribute.ulValueLen == ulong(buffer.len());
            if !is_ours {
                return Err(broken("an array of attributes was not read into its buffers"));
            }
            values.push((attribute.type_, buffer));
        }
        Ok(Some(values))
    }

    /// C_SignInit and C_Sign, and between the two what the key wants.
    pub(super) fn sign(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        capacity: usize,
        between: impl FnOnce() -> Result<(), Error>,
    ) -> Result<Vec<u8>, Error> {
        let out = one_part!(self, C_SignInit, C_Sign, session, mechanism, key, data, capacity, between)?;
        Ok(out.to_vec())
    }

    pub(super) fn verify(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        with_mechanism(mechanism, |mechanism| call!(self, C_VerifyInit, session, mechanism, key.0))?;
        let outcome = call!(
            self,
            C_Verify,
            session,
            in_pointer(data),
            ulong(data.len()),
            in_pointer(signature),
            ulong(signature.len()),
        );
        match outcome {
            Ok(()) => Ok(true),
            Err(error) if error.is(Ckr::SIGNATURE_INVALID) || error.is(Ckr::SIGNATURE_LEN_RANGE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn encrypt(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        capacity: usize,
    ) -> Result<Vec<u8>, Error> {
        let out = one_part!(self, C_EncryptInit, C_Encrypt, session, mechanism, key, data, capacity)?;
        Ok(out.to_vec())
    }

    /// C_DecryptInit and C_Decrypt, and between the two what the key wants.
    pub(super) fn decrypt(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        key: Handle,
        data: &[u8],
        capacity: usize,
        between: impl FnOnce() -> Result<(), Error>,
    ) -> Result<SecretBytes, Error> {
        one_part!(self, C_DecryptInit, C_Decrypt, session, mechanism, key, data, capacity, between)
    }

    pub(super) fn derive(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        base: Handle,
        template: &Template,
    ) -> Result<Handle, Error> {
        let mut attributes = Attributes::of(template);
        let mut object = 0;
        with_mechanism(mechanism, |mechanism| {
            let (template, count) = (attributes.as_mut_ptr(), attributes.len());
            call!(self, C_DeriveKey, session, mechanism, base.0, template, count, &raw mut object)
        })?;
        Ok(Handle(object))
    }

    pub(super) fn wrap(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        kek: Handle,
        key: Handle,
        capacity: usize,
    ) -> Result<Vec<u8>, Error> {
        let out = output("C_WrapKey", capacity, |out, len| {
            with_mechanism(mechanism, |mechanism| call!(self, C_WrapKey, session, mechanism, kek.0, key.0, out, len))
        })?;
        Ok(out.to_vec())
    }

    pub(super) fn unwrap_key(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        kek: Handle,
        wrapped: &[u8],
        template: &Template,
    ) -> Result<Handle, Error> {
        let mut attributes = Attributes::of(template);
        let mut object = 0;
        with_mechanism(mechanism, |mechanism| {
            let (bytes, len) = (in_pointer(wrapped), ulong(wrapped.len()));
            let (template, count) = (attributes.as_mut_ptr(), attributes.len());
            call!(self, C_UnwrapKey, session, mechanism, kek.0, bytes, len, template, count, &raw mut object)
        })?;
        Ok(Handle(object))
    }

    pub(super) fn generate(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        template: &Template,
    ) -> Result<Handle, Error> {
        let mut attributes = Attributes::of(template);
        let mut object = 0;
        with_mechanism(mechanism, |mechanism| {
            let (template, count) = (attributes.as_mut_ptr(), attributes.len());
            call!(self, C_GenerateKey, session, mechanism, template, count, &raw mut object)
        })?;
        Ok(Handle(object))
    }

    pub(super) fn generate_pair(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: &Mechanism<'_>,
        public: &Template,
        private: &Template,
    ) -> Result<(Handle, Handle), Error> {
        let (mut public, mut private) = (Attributes::of(public), Attributes::of(private));
        let (mut public_key, mut private_key) = (0, 0);
        with_mechanism(mechanism, |mechanism| {
            call!(
                self,
                C_GenerateKeyPair,
                session,
                mechanism,
                public.as_mut_ptr(),
                public.len(),
                private.as_mut_ptr(),
                private.len(),
                &raw mut public_key,
                &raw mut private_key,
            )
        })?;
        Ok((Handle(public_key), Handle(private_key)))
    }
}

/// A PIN as C_Login takes it.
fn pin_of(pin: Option<&str>) -> (*mut CK_BYTE, CK_ULONG) {
    pin.map_or((std::ptr::null_mut(), 0), |pin| (in_pointer(pin.as_bytes()), ulong(pin.len())))
}

/// A template as C sees it. Borrows the values, so it cannot outlive them.
struct Attributes<'a> {
    list: Vec<CK_ATTRIBUTE>,
    /// The templates inside, to which `list` points: moving them leaves their lists where they are.
    _nested: Vec<Self>,
    _values: std::marker::PhantomData<&'a Template>,
}

impl<'a> Attributes<'a> {
    fn of(template: &'a Template) -> Self {
        let mut list: Vec<_> = template
            .iter()
            .map(|(kind, value)| CK_ATTRIBUTE {
                type_: kind.0,
                // The functions that take a template only read it.
                pValue: value.as_ptr().cast_mut().cast(),
                ulValueLen: ulong(value.len()),
            })
            .collect();
        let mut nested = Vec::new();
        for (kind, inside) in template.iter_nested() {
            let mut inside = Self::of(inside);
            let len = inside.list.len() * size_of::<CK_ATTRIBUTE>();
            list.push(CK_ATTRIBUTE { type_: kind.0, pValue: inside.as_mut_ptr().cast(), ulValueLen: ulong(len) });
            nested.push(inside);
        }
        Self { list, _nested: nested, _values: std::marker::PhantomData }
    }

    fn as_mut_ptr(&mut self) -> *mut CK_ATTRIBUTE {
        self.list.as_mut_ptr()
    }

    fn len(&self) -> CK_ULONG {
        ulong(self.list.len())
    }
}

unsafe extern "C" {
    /// The C library's, whose `free` a module calls.
    fn malloc(size: usize) -> *mut std::ffi::c_void;
}

/// Puts a copy of the value in its place, for a module that frees it: nobody here does.
fn give_away(attribute: &mut CK_ATTRIBUTE) {
    let Ok(len) = usize::try_from(attribute.ulValueLen) else { return };
    // SAFETY: any size may be asked for.
    let copy = unsafe { malloc(len.max(1)) };
    if !copy.is_null() {
        // SAFETY: both are `len` bytes long, and the new one is nobody else's.
        unsafe { std::ptr::copy_nonoverlapping(attribute.pValue.cast::<u8>(), copy.cast::<u8>(), len) };
        attribute.pValue = copy;
    }
}

/// Calls a function that fills a buffer; grows it when the token says CKR_BUFFER_TOO_SMALL, and cuts it to the length that was written.
fn output(
    function: &'static str,
    capacity: usize,
    mut fill: impl FnMut(*mut CK_BYTE, *mut CK_ULONG) -> Result<(), Error>,
) -> Result<SecretBytes, Error> {
    let mut capacity = capacity.max(1);
    loop {
        let mut out = SecretBytes::zeroed(capacity);
        let mut len = ulong(capacity);
        match fill(out.as_mut_slice().as_mut_ptr(), &raw mut len) {
            Ok(()) => {
                let written = usize::try_from(len).ok().and_then(|len| out.get(..len));
                return written.map(SecretBytes::from).ok_or_else(|| Error::Module {
                    function,
                    problem: format!("it says that it wrote {len} bytes into {capacity}"),
                });
            }
            // Some modules leave the length as it was: double it then. MAX_LEN ends it.
            Err(error) if error.is(Ckr::BUFFER_TOO_SMALL) => {
                capacity = bounded(function, len)?.max(capacity.saturating_mul(2));
                bounded(function, ulong(capacity))?;
            }
            Err(error) => return Err(error),
        }
    }
}

fn check(function: &'static str, rv: CK_RV) -> Result<(), Error> {
    match Ckr(rv) {
        Ckr::OK => Ok(()),
        ckr => Err(Error::Pkcs11 { function, ckr }),
    }
}

/// The return values of C_GetAttributeValue that leave the other attributes usable; whether a buffer was too small.
fn tolerate(outcome: Result<(), Error>) -> Result<bool, Error> {
    match outcome {
        Ok(()) => Ok(false),
        Err(error) if error.is(Ckr::ATTRIBUTE_SENSITIVE) || error.is(Ckr::ATTRIBUTE_TYPE_INVALID) => Ok(false),
        Err(error) if error.is(Ckr::BUFFER_TOO_SMALL) => Ok(true),
        Err(error) => Err(error),
    }
}

fn bounded(function: &'static str, len: CK_ULONG) -> Result<usize, Error> {
    let too_long = || Error::Module { function, problem: format!("a length of {len}") };
    usize::try_from(len).ok().filter(|len| *len <= MAX_LEN).ok_or_else(too_long)
}

/// A blank-padded text field.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned()
}
