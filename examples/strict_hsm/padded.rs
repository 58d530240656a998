//! RFC 3394 over PKCS#5 padding, which the module behind does not have: through the clear, as only a simulation may.

use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::wrap::kw;
use cryptoki_sys::*;

use super::{kwp_behind, length, real, slot_of};

/// A template, with its values.
pub(crate) struct Template(Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>);

impl Template {
    pub(crate) fn new(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE) -> Self {
        Self(Vec::new()).number(CKA_CLASS, class).number(CKA_KEY_TYPE, key_type)
    }

    pub(crate) fn bytes(mut self, kind: CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.0.push((kind, value.to_vec()));
        self
    }

    pub(crate) fn number(self, kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    pub(crate) fn flag(self, kind: CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        self.bytes(kind, &[value.into()])
    }

    /// As the module behind takes it, as long as this lives.
    pub(crate) fn attributes(&self) -> Vec<CK_ATTRIBUTE> {
        let attribute = |(kind, value): &(CK_ATTRIBUTE_TYPE, Vec<u8>)| CK_ATTRIBUTE {
            type_: *kind,
            pValue: value.as_ptr().cast_mut().cast(),
            ulValueLen: CK_ULONG::try_from(value.len()).unwrap_or(0),
        };
        self.0.iter().map(attribute).collect()
    }

    /// Makes an object of it in the module behind.
    pub(crate) fn create(&self, session: CK_SESSION_HANDLE) -> Result<CK_OBJECT_HANDLE, CK_RV> {
        let mut attributes = self.attributes();
        let mut object = 0;
        let rv = real_call!(C_CreateObject, session, attributes.as_mut_ptr(), length(&attributes), &raw mut object);
        if rv == CKR_OK { Ok(object) } else { Err(rv) }
    }
}

/// One attribute of an object in the module behind.
pub(crate) fn read(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, kind: CK_ATTRIBUTE_TYPE) -> Option<Vec<u8>> {
    let mut value = vec![0u8; 8192];
    let mut attribute = CK_ATTRIBUTE { type_: kind, pValue: value.as_mut_ptr().cast(), ulValueLen: 8192 };
    let rv = real_call!(C_GetAttributeValue, session, object, &raw mut attribute, 1);
    value.truncate(usize::try_from(attribute.ulValueLen).ok().filter(|_| rv == CKR_OK)?);
    Some(value)
}

fn destroy(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) {
    let _ = real_call!(C_DestroyObject, session, object);
}

/// An AES key whose value is known, to carry a key out of the module behind and into it.
fn carrier(session: CK_SESSION_HANDLE) -> Result<(CK_OBJECT_HANDLE, SecretBytes), CK_RV> {
    let value = SecretBytes::random(32).map_err(|_| CKR_GENERAL_ERROR)?;
    let template = Template::new(CKO_SECRET_KEY, CKK_AES)
        .flag(CKA_TOKEN, false)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_WRAP, true)
        .flag(CKA_UNWRAP, true)
        .bytes(CKA_VALUE, &value);
    Ok((template.create(session)?, value))
}

fn wrapped_behind(
    session: CK_SESSION_HANDLE,
    mechanism: CK_MECHANISM_TYPE,
    kek: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
) -> Result<Vec<u8>, CK_RV> {
    let mut mechanism = CK_MECHANISM { mechanism, pParameter: std::ptr::null_mut(), ulParameterLen: 0 };
    let mut wrapped = vec![0u8; 8192];
    let mut len = 8192;
    let rv = real_call!(C_WrapKey, session, &raw mut mechanism, kek, key, wrapped.as_mut_ptr(), &raw mut len);
    wrapped.truncate(usize::try_from(len).unwrap_or(0));
    if rv == CKR_OK { Ok(wrapped) } else { Err(rv) }
}

fn unwrapped_behind(
    session: CK_SESSION_HANDLE,
    mechanism: CK_MECHANISM_TYPE,
    kek: CK_OBJECT_HANDLE,
    wrapped: &[u8],
    template: &[CK_ATTRIBUTE],
) -> Result<CK_OBJECT_HANDLE, CK_RV> {
    let mut mechanism = CK_MECHANISM { mechanism, pParameter: std::ptr::null_mut(), ulParameterLen: 0 };
    let mut template = template.to_vec();
    let (attributes, count) = (template.as_mut_ptr(), length(&template));
    let (bytes, len) = (wrapped.as_ptr().cast_mut(), CK_ULONG::try_from(wrapped.len()).unwrap_or(0));
    let mut object = 0;
    let rv = real_call!(C_UnwrapKey, session, &raw mut mechanism, kek, bytes, len, attributes, count, &raw mut object);
    if rv == CKR_OK { Ok(object) } else { Err(rv) }
}

/// A value that leaves.
fn passenger() -> Template {
    Template::new(CKO_SECRET_KEY, CKK_GENERIC_SECRET)
        .flag(CKA_TOKEN, false)
        .flag(CKA_PRIVATE, true)
        .flag(CKA_SENSITIVE, false)
        .flag(CKA_EXTRACTABLE, true)
}

pub(crate) fn wrap(session: CK_SESSION_HANDLE, kek: CK_OBJECT_HANDLE, key: CK_OBJECT_HANDLE) -> Result<Vec<u8>, CK_RV> {
    let (object, value) = carrier(session)?;
    let carried = wrapped_behind(session, kwp_behind(slot_of(session)), object, key);
    destroy(session, object);
    let plain = kw::kwp_unwrap(&value, &carried?).map_err(|_| CKR_GENERAL_ERROR)?;
    // SoftHSM2 puts zero bytes behind a PKCS#8.
    let plain = kw::trim_zeros(&plain).map_or(plain, |(plain, _)| plain);
    let pad = 8 - plain.len() % 8;
    let padded = [&plain[..], &vec![u8::try_from(pad).unwrap_or(8); pad]].concat();
    let object = passenger().bytes(CKA_VALUE, &padded).create(session)?;
    let wrapped = wrapped_behind(session, CKM_AES_KEY_WRAP, kek, object);
    destroy(session, object);
    wrapped
}

pub(crate) fn unwrap(
    session: CK_SESSION_HANDLE,
    kek: CK_OBJECT_HANDLE,
    wrapped: &[u8],
    template: &[CK_ATTRIBUTE],
) -> Result<CK_OBJECT_HANDLE, CK_RV> {
    let object = unwrapped_behind(session, CKM_AES_KEY_WRAP, kek, wrapped, &passenger().attributes())
        .map_err(|_| CKR_WRAPPED_KEY_INVALID)?;
    let padded = read(session, object, CKA_VALUE);
    destroy(session, object);
    let padded = padded.ok_or(CKR_WRAPPED_KEY_INVALID)?;
    let pad = padded.last().map_or(0, |pad| usize::from(*pad));
    let (plain, padding) = padded.split_at(padded.len().saturating_sub(pad));
    if !(1..=8).contains(&pad) || padding.iter().any(|byte| usize::from(*byte) != pad) {
        return Err(CKR_WRAPPED_KEY_INVALID);
    }
    let (object, value) = carrier(session)?;
    let carried = kw::kwp_wrap(&value, plain).map_err(|_| CKR_GENERAL_ERROR)?;
    let unwrapped = unwrapped_behind(session, kwp_behind(slot_of(session)), object, &carried, template);
    destroy(session, object);
    unwrapped
}
