//! Reading: everything that is visible without the password is read and paid for first, then comes the MAC, then what is encrypted.

use std::borrow::Cow;

use der::{Decode, Reader, Sequence, SliceReader};

use super::bag::{Bag, Collector, Content, octets, sequence_of};
use super::mac::{MacData, Stated};
use super::{
    ContentInfo, DATA, ENCRYPTED_DATA, ENVELOPED_DATA, EncryptedData, Ignored, MacInfo, Pfx, PfxCertificate, PfxKey,
    SIGNED_DATA,
};
use crate::asn1::ber::{Normalised, implicit_octets, normalise};
use crate::asn1::pbe::{Budget, Opening, Parameters, Password, refused};
use crate::asn1::{Error, encode_secret};

const WHAT: &str = "PFX";
const SAFE: &str = "AuthenticatedSafe";
const CONTENTS: &str = "SafeContents";

#[derive(Sequence)]
struct PfxStructure<'a> {
    version: u8,
    auth_safe: ContentInfo<'a>,
    mac: Option<MacData<'a>>,
}

/// One of the parts of an `AuthenticatedSafe`.
enum Part<'a> {
    Plain(Normalised<'a>),
    Encrypted(Parameters<'a>, Cow<'a, [u8]>),
}

/// Reads a PKCS#12 file.
///
/// Without a password only a file without MAC and encryption opens. An empty password is tried in both forms that are around.
///
/// # Errors
/// [`Error`]; in particular [`Error::PasswordMissing`], [`Error::PasswordWrong`] and [`Error::Work`].
pub fn decode(bytes: &[u8], opening: Opening<'_>) -> Result<Pfx, Error> {
    let outer = normalise(WHAT, bytes)?;
    let outer: PfxStructure<'_> = crate::asn1::decode(WHAT, outer.bytes())?;
    if outer.version != 3 {
        return Err(Error::Invalid { what: WHAT, problem: "its version is not 3" });
    }
    let content = match outer.auth_safe.kind {
        DATA => octets(SAFE, outer.auth_safe.content)?,
        kind => return Err(unsupported(kind)),
    };
    let mut budget = Budget::new(opening.limits);
    let mut ignored = Ignored::default();
    let mac = outer.mac.as_ref().map(|mac| Stated::read(mac, &mut budget)).transpose()?;

    let safe = normalise(SAFE, content)?;
    let parts = parts(safe.bytes(), &mut budget)?;
    let mut collector = Collector { budget: &mut budget, ignored: &mut ignored };
    let mut bags = Vec::with_capacity(parts.len());
    for part in &parts {
        bags.push(match part {
            Part::Plain(contents) => (false, collector.collect(contents.bytes())?),
            Part::Encrypted(..) => (true, Vec::new()),
        });
    }

    let mut password = opening.password.map(Password::for_reading);
    let mac = match (&mac, &mut password) {
        (Some(mac), Some(password)) => mac.verify(content, password)?,
        (Some(_), None) => return Err(Error::PasswordMissing),
        (None, _) => MacInfo::Absent,
    };

    let mut opened = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        if let Part::Encrypted(parameters, data) = part {
            opened.push((at, parameters.decrypt(password.as_ref().ok_or(Error::PasswordMissing)?, data)?));
        }
    }
    let normalised = opened.iter().map(|(at, plain)| Ok((*at, normalise(CONTENTS, plain)?)));
    let normalised = normalised.collect::<Result<Vec<_>, Error>>().map_err(|error| nonsense(error, mac))?;
    for (at, contents) in &normalised {
        let found = collector.collect(contents.bytes()).map_err(|error| nonsense(error, mac))?;
        if let Some(place) = bags.get_mut(*at) {
            place.1 = found;
        }
    }

    let mut pfx = Pfx { keys: Vec::new(), certificates: Vec::new(), mac, ignored };
    for (encrypted, bags) in bags {
        for bag in bags {
            pfx.add(bag, encrypted, password.as_ref())?;
        }
    }
    Ok(pfx)
}

impl Pfx {
    fn add(&mut self, bag: Bag<'_>, mut encrypted: bool, password: Option<&Password<'_>>) -> Result<(), Error> {
        let (friendly_name, local_key_id) = (bag.names.friendly_name, bag.names.local_key_id);
        let pkcs8 = match bag.content {
            Content::Certificate(der) => {
                self.certificates.push(PfxCertificate { der: der.to_vec(), friendly_name, local_key_id });
                return Ok(());
            }
            Content::Key(info) => encode_secret(&info)?,
            Content::ShroudedKey(parameters, data) => {
                let plain = parameters.decrypt(password.ok_or(Error::PasswordMissing)?, data)?;
                // Wrong passwords leave valid padding now and then, and nonsense before it.
                sequence_of("PrivateKeyInfo", &plain).map_err(|_| Error::PasswordWrong)?;
                encrypted = true;
                plain
            }
        };
        self.keys.push(PfxKey { pkcs8, encrypted, friendly_name, local_key_id });
        Ok(())
    }
}

fn parts<'a>(safe: &'a [u8], budget: &mut Budget) -> Result<Vec<Part<'a>>, Error> {
    let wrong = |error| Error::from((SAFE, error));
    let mut reader = SliceReader::new(sequence_of(SAFE, safe)?).map_err(wrong)?;
    let mut parts = Vec::new();
    while !reader.is_finished() {
        let info = ContentInfo::decode(&mut reader).map_err(wrong)?;
        parts.push(match info.kind {
            DATA => Part::Plain(normalise(CONTENTS, octets(SAFE, info.content)?)?),
            ENCRYPTED_DATA => {
                let data: EncryptedData<'a> =
                    info.content.decode_as().map_err(|error| Error::from(("EncryptedData", error)))?;
                let missing = Error::Invalid { what: "encryptedContent", problem: "it is missing" };
                let content = data.info.content.ok_or(missing)?;
                if data.info.kind != DATA {
                    return Err(unsupported(data.info.kind));
                }
                let parameters = Parameters::read(&data.info.algorithm, budget)?;
                Part::Encrypted(parameters, implicit_octets("encryptedContent", content)?)
            }
            kind => return Err(unsupported(kind)),
        });
    }
    Ok(parts)
}

fn unsupported(kind: der::asn1::ObjectIdentifier) -> Error {
    let what = match kind {
        SIGNED_DATA => "signedData, protected by a signature instead of a password",
        ENVELOPED_DATA => "envelopedData, encrypted under a public key",
        other => return refused(other),
    };
    Error::Scheme { what: what.to_owned() }
}

/// Without a MAC a wrong password shows in what it leads to.
fn nonsense(error: Error, mac: MacInfo) -> Error {
    match error {
        Error::Malformed { .. } | Error::Invalid { .. } if mac == MacInfo::Absent => Error::PasswordWrong,
        other => other,
    }
}
