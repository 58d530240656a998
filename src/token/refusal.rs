//! What a return value is about, for every choice of another way. Wrong PIN, full, and removed refuse nothing: they are about the session.

use crate::status::Ckr;

/// The shape of a template: another one may do.
pub(crate) fn is_about_shape(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::TEMPLATE_INCOMPLETE | Ckr::TEMPLATE_INCONSISTENT | Ckr::ATTRIBUTE_READ_ONLY | Ckr::ATTRIBUTE_TYPE_INVALID
    )
}

/// What was asked, in this shape or in any: this token does not do it.
pub(crate) fn is_refusal(ckr: Ckr) -> bool {
    is_about_shape(ckr)
        || matches!(
            ckr,
            Ckr::ACTION_PROHIBITED
                | Ckr::ATTRIBUTE_VALUE_INVALID
                | Ckr::FUNCTION_NOT_SUPPORTED
                | Ckr::FUNCTION_REJECTED
                | Ckr::KEY_FUNCTION_NOT_PERMITTED
                | Ckr::KEY_NOT_WRAPPABLE
                | Ckr::KEY_TYPE_INCONSISTENT
                | Ckr::KEY_UNEXTRACTABLE
                | Ckr::MECHANISM_INVALID
                | Ckr::MECHANISM_PARAM_INVALID
        )
}

/// A mechanism's parameters, as a hash that the token does not have for OAEP.
pub(crate) fn is_about_parameters(ckr: Ckr) -> bool {
    matches!(ckr, Ckr::ARGUMENTS_BAD | Ckr::MECHANISM_PARAM_INVALID)
}

/// The wrapped data; SoftHSM answers CKR_GENERAL_ERROR to a failed integrity check and CKR_FUNCTION_FAILED to a PKCS#8 of another kind, Kryoptic CKR_DEVICE_ERROR.
pub(crate) fn is_about_data(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::GENERAL_ERROR
            | Ckr::FUNCTION_FAILED
            | Ckr::DEVICE_ERROR
            | Ckr::WRAPPED_KEY_INVALID
            | Ckr::WRAPPED_KEY_LEN_RANGE
            | Ckr::ENCRYPTED_DATA_INVALID
            | Ckr::ENCRYPTED_DATA_LEN_RANGE
    )
}

/// The wrapped data as this kind of key: another kind is worth a try.
pub(crate) fn is_about_kind(ckr: Ckr) -> bool {
    is_about_data(ckr)
        || matches!(
            ckr,
            Ckr::TEMPLATE_INCOMPLETE
                | Ckr::TEMPLATE_INCONSISTENT
                | Ckr::ATTRIBUTE_VALUE_INVALID
                | Ckr::KEY_TYPE_INCONSISTENT
                | Ckr::KEY_SIZE_RANGE
        )
}

/// That the token is gone, or all that was opened of it. The last is what p11-kit's client answers once its server is dead.
pub(crate) fn is_lost(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::CRYPTOKI_NOT_INITIALIZED
            | Ckr::DEVICE_REMOVED
            | Ckr::SESSION_CLOSED
            | Ckr::SESSION_HANDLE_INVALID
            | Ckr::TOKEN_NOT_PRESENT
            | Ckr::DEVICE_ERROR
    )
}

/// Nothing of what was asked, but that the token or the session cannot be used, or that the key may not be used so, whatever the data are.
pub(crate) fn is_about_session(ckr: Ckr) -> bool {
    matches!(
        ckr,
        Ckr::CRYPTOKI_NOT_INITIALIZED
            | Ckr::DEVICE_MEMORY
            | Ckr::DEVICE_REMOVED
            | Ckr::FUNCTION_CANCELED
            | Ckr::HOST_MEMORY
            | Ckr::KEY_FUNCTION_NOT_PERMITTED
            | Ckr::PIN_EXPIRED
            | Ckr::SESSION_CLOSED
            | Ckr::SESSION_COUNT
            | Ckr::SESSION_HANDLE_INVALID
            | Ckr::SESSION_READ_ONLY
            | Ckr::TOKEN_NOT_PRESENT
            | Ckr::TOKEN_NOT_RECOGNIZED
            | Ckr::USER_NOT_LOGGED_IN
    )
}
