//! The attribute `keyUsage` (2.5.29.15) of PKCS#8, by which Windows says what a key may do.
//!
//! Bits are those of X.509 (RFC 5280 §4.2.1.3). Read as Windows' own sample provider maps them: any encipherment bit to decrypting,
//! digitalSignature, keyCertSign and cRLSign to signing, keyAgreement to agreeing. Written with one bit for each use. The BIT STRING may be padded as
//! its writer likes: trailing zero bits and bytes say nothing.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};

use crate::key::KeyUsage;

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");

/// The bits that allow a use, in the order of the BIT STRING: the first is the highest. The one that is written comes first.
const USES: [(KeyUsage, &[u16]); 4] = [
    (KeyUsage::SIGN, &[0x8000, 0x0400, 0x0200]), // digitalSignature; keyCertSign, cRLSign
    (KeyUsage::DECRYPT, &[0x1000, 0x2000, 0x0100, 0x0080]), // dataEncipherment; keyEncipherment, encipherOnly, decipherOnly
    (KeyUsage::AGREE, &[0x0800]),                           // keyAgreement
    (KeyUsage::WRAP, &[0x2000]),                            // keyEncipherment, which is read as decrypting
];

#[derive(Sequence)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    values: AnyRef<'a>,
}

/// The usage among attributes, and whether there are other attributes.
pub(super) fn read(attributes: &[u8]) -> der::Result<(Option<KeyUsage>, bool)> {
    let (mut usage, mut others) = (None, false);
    let mut reader = SliceReader::new(attributes)?;
    while !reader.is_finished() {
        let attribute = Attribute::decode(&mut reader)?;
        if attribute.values.tag() != Tag::Set {
            return Err(reader.error(Tag::Set.value_error()));
        }
        if attribute.kind == KEY_USAGE {
            usage = usage.or(bits(attribute.values.value())?);
        } else {
            others = true;
        }
    }
    Ok((usage, others))
}

/// The usage in a SET of BIT STRINGs; an empty one says nothing.
fn bits(set: &[u8]) -> der::Result<Option<KeyUsage>> {
    if set.is_empty() {
        return Ok(None);
    }
    let mut reader = SliceReader::new(set)?;
    let value = AnyRef::decode(&mut reader)?;
    if value.tag() != Tag::BitString {
        return Err(reader.error(Tag::BitString.value_error()));
    }
    // The count of unused bits comes first. It is not looked at: what is unused is zero, or a bit that was meant.
    let mut octets = value.value().iter().skip(1).copied();
    let bits = u16::from_be_bytes([octets.next().unwrap_or(0), octets.next().unwrap_or(0)]);
    let mut usage = KeyUsage::default();
    for (allowed, masks) in USES {
        if allowed != KeyUsage::WRAP && masks.iter().any(|mask| bits & mask != 0) {
            usage |= allowed;
        }
    }
    Ok(Some(usage))
}

/// The attribute, as it stands among the attributes: minimal, as `CryptEncodeObject` and DER have a list of named bits.
pub(super) fn write(usage: KeyUsage) -> der::Result<Vec<u8>> {
    let allowed = USES.iter().filter(|(allowed, _)| usage.contains(*allowed));
    let mask = allowed.filter_map(|(_, masks)| masks.first()).fold(0, |bits, mask| bits | mask);
    let [octet, _] = mask.to_be_bytes();
    let unused = u8::try_from(octet.trailing_zeros()).unwrap_or(0) % 8;
    let octets = [octet];
    let value = BitStringRef::new(unused, if octet == 0 { &[] } else { &octets })?.to_der()?;
    Attribute { kind: KEY_USAGE, values: AnyRef::new(Tag::Set, &value)? }.to_der()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_uses_is_read_as_it_was_written() {
        for bits in 0..8_u8 {
            let uses = [KeyUsage::SIGN, KeyUsage::DECRYPT, KeyUsage::AGREE];
            let mut usage = KeyUsage::default();
            for (i, allowed) in uses.into_iter().enumerate() {
                if bits & (1 << i) != 0 {
                    usage |= allowed;
                }
            }
            assert_eq!(read(&write(usage).unwrap()).unwrap(), (Some(usage), false));
        }
    }

    #[test]
    fn the_one_bit_of_each_use_is_windows_own() {
        for (usage, bit_string) in [
            (KeyUsage::DECRYPT, [3, 2, 4, 0x10]),
            (KeyUsage::SIGN, [3, 2, 7, 0x80]),
            (KeyUsage::AGREE, [3, 2, 3, 0x08]),
        ] {
            assert!(write(usage).unwrap().ends_with(&bit_string));
        }
    }

    #[test]
    fn padding_other_attributes_and_empty_sets_do_not_matter() {
        let attribute = |bits: &[u8]| {
            let set = [&[0x31, u8::try_from(bits.len()).unwrap()], bits].concat();
            [&[0x30, u8::try_from(set.len()).unwrap() + 5, 6, 3, 0x55, 0x1D, 0x0F], set.as_slice()].concat()
        };
        for bits in [&[3, 2, 0, 0x80][..], &[3, 2, 7, 0x80], &[3, 3, 0, 0x80, 0], &[3, 3, 7, 0x80, 0]] {
            assert_eq!(read(&attribute(bits)).unwrap(), (Some(KeyUsage::SIGN), false), "{bits:?}");
        }
        assert_eq!(read(&attribute(&[3, 3, 7, 0, 0x80])).unwrap().0, Some(KeyUsage::DECRYPT));
        assert_eq!(read(&attribute(&[3, 1, 0])).unwrap().0, Some(KeyUsage::default()));
        assert_eq!(read(&attribute(&[])).unwrap().0, None);
        assert_eq!(read(&[]).unwrap(), (None, false));
        // friendlyName of PKCS#9, an empty keyUsage and a full one.
        let other = [0x30, 13, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 20, 0x31, 0];
        let several = [&other[..], &attribute(&[]), &attribute(&[3, 2, 3, 8])].concat();
        assert_eq!(read(&several).unwrap(), (Some(KeyUsage::AGREE), true));
        assert!(read(&attribute(&[4, 1, 0x80])).is_err());
    }
}
