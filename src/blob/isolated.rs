//! `ISOLATED_KEY_ENVELOPE`: `NCRYPT_EXPORTED_ISOLATED_KEY_HEADER`, 32 bytes, around a key of Windows' virtualisation-based security.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 4 LE | Version | 0 |
//! | 4 | 4 LE | KeyUsage | |
//! | 8 | 4 LE | PerBootKey | bit 0; the others are reserved |
//! | 12 | 4 LE | cbAlgName | bytes of the name, its NUL counted |
//! | 16 | 4 LE | cbNonce | |
//! | 20 | 4 LE | cbAuthTag | |
//! | 24 | 4 LE | cbWrappingKey | |
//! | 28 | 4 LE | cbIsolatedKey | |
//! | 32 | cbAlgName | AlgName | UTF-16LE with NUL |
//! | … | cbNonce | Nonce | |
//! | … | cbAuthTag | AuthTag | of AES-GCM |
//! | … | cbWrappingKey | WrappingKey | the AES key, under RSA-OAEP |
//! | … | cbIsolatedKey | IsolatedKey | the key, under AES-GCM |
//!
//! Recognised and shown, refused as a key. It has no magic number.

use super::{BlobType, Error, Reader};

pub(super) const WHY: &str = "only the isolation of the Windows it was made for can open it; generate the key without virtualisation-based isolation";

pub(super) fn read(reader: &mut Reader<'_>) -> Result<(), Error> {
    let foreign = |field, offset| Err(Error::Foreign { field, offset, expected: BlobType::IsolatedKey.name() });
    let version_at = reader.offset();
    if reader.u32("Version")? != 0 {
        return foreign("Version", version_at);
    }
    reader.u32("KeyUsage")?;
    let flags_at = reader.offset();
    if reader.u32("PerBootKey")? > 1 {
        return foreign("PerBootKey", flags_at);
    }
    let name = reader.u32("cbAlgName")?;
    let parts = [
        ("Nonce", reader.u32("cbNonce")?),
        ("AuthTag", reader.u32("cbAuthTag")?),
        ("WrappingKey", reader.u32("cbWrappingKey")?),
        ("IsolatedKey", reader.u32("cbIsolatedKey")?),
    ];
    let payload = parts.iter().map(|(_, len)| u64::from(*len)).sum::<u64>();
    reader.expect_rest("the payload", u64::from(name) + payload)?;
    reader.name("AlgName", name)?;
    for (field, len) in parts {
        reader.public(field, len)?;
    }
    reader.expect_end()
}
