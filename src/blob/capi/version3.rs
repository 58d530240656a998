//! The version 3 forms that DSS and DH share: `DSSPUBKEY_VER3`, `DSSPRIVKEY_VER3`, `DHPUBKEY_VER3`, `DHPRIVKEY_VER3`.
//!
//! | offset | size | field | public | private |
//! |---|---|---|---|---|
//! | 0 | 8 | [`BLOBHEADER`](super), version 3 | ✓ | ✓ |
//! | 8 | 4 LE | magic | ✓ | ✓ |
//! | 12 | 4 LE | bitlenP, exact | ✓ | ✓ |
//! | 16 | 4 LE | bitlenQ, 0 where there is no q | ✓ | ✓ |
//! | 20 | 4 LE | bitlenJ, 0 where there is no j | ✓ | ✓ |
//! | 24 | 4 LE | bitlenX | | ✓ |
//! | … | 24 | `DSSSEED`: counter (4 LE), seed (20) | ✓ | ✓ |
//! | … | of bitlenP | p | ✓ | ✓ |
//! | … | of bitlenQ | q | ✓ | ✓ |
//! | … | of bitlenP | g | ✓ | ✓ |
//! | … | of bitlenJ | j = (p − 1) / q | ✓ | ✓ |
//! | … | of bitlenP | y | ✓ | ✓ |
//! | … | of bitlenX | x | | ✓ |
//!
//! Of bitlenQ, bitlenJ and bitlenX Microsoft's documents make arrays of an eighth, so that they count the bits of whole bytes.
//!
//! A counter of 0xFFFFFFFF says that counter and seed are unknown, whatever stands in the seed. A known seed that has not 20 bytes is written
//! as an unknown one.

use super::BitLength;
use crate::blob::{Error, Reader};

/// Bytes of the seed in `DSSSEED`.
pub(super) const SEED: u32 = 20;

/// What stands behind the magic, borrowed from its bytes. Numbers are little-endian, absent ones empty.
#[derive(Clone, Copy)]
pub(super) struct Version3<'a> {
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) g: &'a [u8],
    pub(super) j: &'a [u8],
    pub(super) y: &'a [u8],
    pub(super) x: Option<&'a [u8]>,
    pub(super) counter: u32,
    pub(super) seed: &'a [u8],
}

impl<'a> Version3<'a> {
    pub(super) fn read(reader: &mut Reader<'a>, private: bool) -> Result<Self, Error> {
        let p = BitLength::read(reader, "bitlenP")?;
        let q = BitLength::read(reader, "bitlenQ")?;
        let j = BitLength::read(reader, "bitlenJ")?;
        let x = if private { Some(BitLength::read(reader, "bitlenX")?) } else { None };
        let [p_len, q_len, j_len] = [p, q, j].map(BitLength::bytes);
        let x_len = x.map_or(0, BitLength::bytes);
        let numbers = 3 * u64::from(p_len) + u64::from(q_len) + u64::from(j_len) + u64::from(x_len);
        reader.expect_rest("the payload", 4 + u64::from(SEED) + numbers)?;
        let counter = reader.u32("counter")?;
        let seed = reader.public("seed", SEED)?;
        let checked = |reader: &mut Reader<'a>, field, length: BitLength| {
            let number = reader.public(field, length.bytes())?;
            length.check_room(number).map(|()| number)
        };
        let modulus = reader.public("p", p_len)?;
        p.check_exact(modulus)?;
        let all = Self {
            counter,
            seed,
            p: modulus,
            q: checked(reader, "q", q)?,
            g: reader.public("g", p_len)?,
            j: checked(reader, "j", j)?,
            y: reader.public("y", p_len)?,
            x: match x {
                None => None,
                Some(length) => {
                    let number = reader.private("x", x_len)?;
                    length.check_room(number)?;
                    Some(number)
                }
            },
        };
        reader.expect_end()?;
        Ok(all)
    }
}
