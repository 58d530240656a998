//! `PcpTpmProtectedKeyBlob`, `PcpTpmPersistentKeyBlob`: keys of the Microsoft Platform Crypto Provider, which the TPM alone can use.
//!
//! | offset | size | field, `PcpTpmProtectedKeyBlob` | field, `PcpTpmPersistentKeyBlob` |
//! |---|---|---|---|
//! | 0 | 4 LE | magic | magic, the same number |
//! | 4 | 4 LE | cbHeader: 20 | cbHeader: 12 |
//! | 8 | 4 LE | cbPublic | tpmHandle |
//! | 12 | 4 LE | cbPrivate | |
//! | 16 | 4 LE | cbName | |
//! | 20 | cbPublic | TPM2B_PUBLIC | |
//! | … | cbPrivate | TPM2B_PRIVATE, encrypted by the TPM | |
//! | … | cbName | name | |
//!
//! Recognised and shown, refused as a key. The size of the header is what tells the two apart.

use super::{BlobType, Error, Reader, magic};

pub(super) const WHY: &str =
    "only the TPM that made it can use it; a certificate for the key, or its public blob, holds what may leave the TPM";

/// Bytes of the two headers.
pub(super) const HEADERS: &[(BlobType, u32)] = &[(BlobType::TpmProtected, 20), (BlobType::TpmPersistent, 12)];

pub(super) fn read(reader: &mut Reader<'_>, blob_type: BlobType) -> Result<(), Error> {
    reader.magic("magic", &[magic::KPTM], blob_type.name())?;
    let size_at = reader.offset();
    let size = reader.u32("cbHeader")?;
    if !HEADERS.contains(&(blob_type, size)) {
        let expected = "20 is a PcpTpmProtectedKeyBlob, 12 a PcpTpmPersistentKeyBlob";
        return Err(Error::Value { field: "cbHeader", offset: size_at, found: u64::from(size), expected });
    }
    if blob_type == BlobType::TpmPersistent {
        reader.u32("tpmHandle")?;
        return reader.expect_end();
    }
    let [public, private, name] = [reader.u32("cbPublic")?, reader.u32("cbPrivate")?, reader.u32("cbName")?];
    reader.expect_rest("the payload", u64::from(public) + u64::from(private) + u64::from(name))?;
    reader.public("public", public)?;
    reader.private("private", private)?;
    reader.public("name", name)?;
    reader.expect_end()
}
