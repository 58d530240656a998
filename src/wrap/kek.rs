//! Which AES a key-encryption key is for.

/// Evaluates `$run` with `$aes` as the block cipher whose key is as long as `$kek`: AES-128, AES-192 or AES-256.
macro_rules! with_aes {
    ($kek:expr, $aes:ident => $run:expr) => {
        match $kek.len() {
            16 => {
                type $aes = aes::Aes128;
                $run
            }
            24 => {
                type $aes = aes::Aes192;
                $run
            }
            32 => {
                type $aes = aes::Aes256;
                $run
            }
            _ => {
                return Err(Error::WrappingKey { scheme: "AES", problem: "it must have 16, 24 or 32 bytes" });
            }
        }
    };
}

pub(super) use with_aes;
