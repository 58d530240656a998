//! Public objects that come and go with their private ones. CKA_SUBJECT of both tells which belong together: nothing else uses it.

use cng_pkcs11::key::{Curve, Validation, ec};
use cng_pkcs11::secret::SecretBytes;
use cng_pkcs11::template::put;
use cryptoki_sys::*;

use super::padded::{Template, read};
use super::{length, number, real, slot_of, value};

/// What links a pair.
pub(crate) fn link() -> Vec<u8> {
    SecretBytes::random(16).map(|bytes| bytes.to_vec()).unwrap_or_default()
}

/// Makes the public object of a private one.
pub(crate) fn follow(session: CK_SESSION_HANDLE, private: &[CK_ATTRIBUTE], link: &[u8]) -> Result<(), CK_RV> {
    let key_type = number(private, CKA_KEY_TYPE).ok_or(CKR_TEMPLATE_INCOMPLETE)?;
    let is = |kind| value(private, kind).is_some_and(|value| value != [0]);
    let of = |kind| value(private, kind).unwrap_or_default();
    let template = Template::new(CKO_PUBLIC_KEY, key_type)
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, false)
        .flag(CKA_VERIFY, is(CKA_SIGN))
        .flag(CKA_ENCRYPT, is(CKA_DECRYPT))
        .flag(CKA_VERIFY_RECOVER, false)
        .flag(CKA_WRAP, false)
        .flag(CKA_DERIVE, false)
        .bytes(CKA_LABEL, of(CKA_LABEL))
        .bytes(CKA_ID, &SecretBytes::random(2).map_err(|_| CKR_GENERAL_ERROR)?)
        .bytes(CKA_SUBJECT, link);
    let template = if key_type == CKK_RSA {
        template.bytes(CKA_MODULUS, of(CKA_MODULUS)).bytes(CKA_PUBLIC_EXPONENT, &[1, 0, 1])
    } else {
        let parameters = of(CKA_EC_PARAMS);
        let of_curve = |name: &&str| {
            Curve::by_name(name).ok().filter(|curve| put::ec_params(curve).is_ok_and(|known| known == parameters))
        };
        let curve = ["nistP256", "nistP384", "nistP521"].iter().find_map(of_curve).ok_or(CKR_CURVE_NOT_SUPPORTED)?;
        let key = ec::PrivateKey::from_scalar(curve, of(CKA_VALUE), Validation::Skip);
        let point = key.ok().and_then(|key| put::ec_point(&key.public()?.to_point()).ok());
        template.bytes(CKA_EC_PARAMS, parameters).bytes(CKA_EC_POINT, &point.ok_or(CKR_ATTRIBUTE_VALUE_INVALID)?)
    };
    template.create(session).map(|_| ())
}

/// Destroys what follows a private object; whether the object is one that follows itself, which stays.
pub(crate) fn leave(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> bool {
    let class = read(session, object, CKA_CLASS);
    let subject = read(session, object, CKA_SUBJECT).filter(|subject| subject.len() == 16);
    let Some(subject) = subject else { return false };
    if class.as_deref() == Some(&CKO_PUBLIC_KEY.to_ne_bytes()[..]) {
        return true;
    }
    for public in find(session, &[(CKA_CLASS, &CKO_PUBLIC_KEY.to_ne_bytes()), (CKA_SUBJECT, &subject)]) {
        let _ = real_call!(C_DestroyObject, session, public);
    }
    false
}

/// The objects of the module behind that have these attributes.
pub(crate) fn find(session: CK_SESSION_HANDLE, wanted: &[(CK_ATTRIBUTE_TYPE, &[u8])]) -> Vec<CK_OBJECT_HANDLE> {
    let mut template: Vec<_> = wanted
        .iter()
        .map(|(kind, value)| CK_ATTRIBUTE {
            type_: *kind,
            pValue: value.as_ptr().cast_mut().cast(),
            ulValueLen: CK_ULONG::try_from(value.len()).unwrap_or(0),
        })
        .collect();
    let mut found = [0; 16];
    let mut count = 0;
    // The caller's session may be in the midst of something that it was told had failed.
    let mut own = 0;
    let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    if real_call!(C_OpenSession, slot_of(session), flags, std::ptr::null_mut(), None, &raw mut own) != CKR_OK {
        return Vec::new();
    }
    if real_call!(C_FindObjectsInit, own, template.as_mut_ptr(), length(&template)) == CKR_OK {
        let _ = real_call!(C_FindObjects, own, found.as_mut_ptr(), 16, &raw mut count);
        let _ = real_call!(C_FindObjectsFinal, own);
    }
    let _ = real_call!(C_CloseSession, own);
    found.into_iter().take(usize::try_from(count).unwrap_or(0)).collect()
}
