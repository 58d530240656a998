//! How much work a file may demand of whoever opens it.

use crate::asn1::Error;
use crate::secret::SecretBytes;

/// The most work that a password-encrypted file may demand. What goes beyond it is not done: nothing is derived for a part that does not fit
/// any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Iterations of PBKDF2 and of the PKCS#12 derivation, of all the encrypted parts and the MAC of one file together.
    pub iterations: u32,
    /// Bytes that each of scrypt's two blocks of memory may take: 128·N·r, and 128·p·r, which is far less as a rule (RFC 7914 §5, §6).
    pub scrypt_memory: u64,
    /// Steps of scrypt, N·r·p, of all the encrypted parts of one file together.
    pub scrypt_work: u64,
}

impl Limits {
    /// Ten million iterations; 128 MiB and 2^24 steps of scrypt.
    pub const DEFAULT: Self = Self { iterations: 10_000_000, scrypt_memory: 128 << 20, scrypt_work: 1 << 24 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is needed to open an encrypted file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening<'a> {
    /// The password, in UTF-8.
    pub password: Option<&'a SecretBytes>,
    /// The work that the file may demand.
    pub limits: Limits,
}

/// What is left of the [`Limits`] while one file is read.
pub(in crate::asn1) struct Budget {
    limits: Limits,
    iterations: u64,
    scrypt_work: u64,
}

impl Budget {
    pub(in crate::asn1) fn new(limits: Limits) -> Self {
        Self { limits, iterations: 0, scrypt_work: 0 }
    }

    /// Takes iterations out, and gives them back as the number that the derivation wants.
    pub(in crate::asn1) fn iterations(&mut self, iterations: u64) -> Result<u32, Error> {
        if iterations == 0 {
            return Err(Error::Invalid { what: "the password-based encryption", problem: "it has no iterations" });
        }
        self.iterations = self.iterations.saturating_add(iterations);
        let limit = self.limits.iterations.into();
        if self.iterations > limit {
            return Err(Error::Work { what: "iterations", found: self.iterations, limit });
        }
        // No more than the limit, which is one.
        Ok(u32::try_from(iterations).unwrap_or(u32::MAX))
    }

    /// Takes one scrypt out.
    pub(super) fn scrypt(&mut self, n: u64, r: u64, p: u64) -> Result<(), Error> {
        let memory = n.max(p).saturating_mul(r).saturating_mul(128);
        if memory > self.limits.scrypt_memory {
            return Err(Error::Work {
                what: "bytes of memory for scrypt",
                found: memory,
                limit: self.limits.scrypt_memory,
            });
        }
        self.scrypt_work = self.scrypt_work.saturating_add(n.saturating_mul(r).saturating_mul(p));
        if self.scrypt_work > self.limits.scrypt_work {
            let (found, limit) = (self.scrypt_work, self.limits.scrypt_work);
            return Err(Error::Work { what: "steps of scrypt", found, limit });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrypt_pays_for_all_the_memory_that_it_takes() {
        let outcome = |n, r, p| Budget::new(Limits::default()).scrypt(n, r, p).is_ok();
        assert!(outcome(1 << 14, 8, 1) && outcome(1 << 20, 1, 1) && !outcome(1 << 21, 1, 1));
        // Little for N, a gigabyte for p.
        assert!(!outcome(2, 128, 65535) && !outcome(u64::MAX, u64::MAX, u64::MAX));
    }
}
