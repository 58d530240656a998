//! Which AES a key-encryption key in software is for.

use super::Error;

/// Refuses a key of no AES size.
pub(super) fn check_kek(kek: &[u8]) -> Result<(), Error> {
    match kek.len() {
        16 | 24 | 32 => Ok(()),
        _ => Err(Error::WrappingKey { scheme: "AES", problem: "it must have 16, 24 or 32 bytes" }),
    }
}

/// Evaluates `$run` with `$aes` as the block cipher whose key is as long as `$kek`: AES-128, AES-192 or AES-256.
macro_rules! with_aes {
    ($kek:expr, $aes:ident => $run:expr) => {{
        super::kek::check_kek($kek)?;
        match $kek.len() {
            16 => {
                type $aes = aes::Aes128;
                $run
            }
            24 => {
                type $aes = aes::Aes192;
                $run
            }
            _ => {
                type $aes = aes::Aes256;
                $run
            }
        }
    }};
}

pub(super) use with_aes;
