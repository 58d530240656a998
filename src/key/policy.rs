//! What may leave a token and what a key may do: CNG's `Export Policy` and `Key Usage` properties.
//!
//! Owns the flag values (`ncrypt.h`) and their words on the command line. What they mean as PKCS#11 attributes is
//! [`template`](crate::template)'s business.

macro_rules! flags {
    ($(#[$doc:meta])* $name:ident { $($(#[$flag_doc:meta])* $flag:ident = $value:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, Eq, PartialEq)]
        pub struct $name(u32);

        impl $name {
            $($(#[$flag_doc])* pub const $flag: Self = Self($value);)+

            /// The flags of a property value.
            pub const fn from_bits(bits: u32) -> Self {
                Self(bits)
            }

            /// The property value.
            pub const fn bits(self) -> u32 {
                self.0
            }

            /// Whether all flags of `other` are set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether no flag is set.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }

        impl std::ops::BitAnd for $name {
            type Output = Self;

            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl std::ops::BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "(0x{:X})"), self.0)
            }
        }
    };
}

#[cfg(feature = "token")]
pub(crate) use flags;

flags! {
    /// `Export Policy`: in which form the private or secret part may leave the token. The default, 0, is in none.
    ExportPolicy {
        /// `NCRYPT_ALLOW_EXPORT_FLAG`: wrapped under another key.
        ENCRYPTED = 0x1;
        /// `NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG`: in the clear.
        PLAINTEXT = 0x2;
        /// `NCRYPT_ALLOW_ARCHIVING_FLAG`: wrapped, once, on the original handle.
        ARCHIVING = 0x4;
        /// `NCRYPT_ALLOW_PLAINTEXT_ARCHIVING_FLAG`: in the clear, once, on the original handle.
        PLAINTEXT_ARCHIVING = 0x8;
    }
}

impl ExportPolicy {
    /// What `--export-policy none` asks for.
    pub const NONE: Self = Self(0);
    /// What `--export-policy plaintext` asks for: encrypted and plaintext, as .NET sets it.
    pub const ANY: Self = Self(0x3);

    /// The policy that a token's two attributes amount to.
    pub fn from_attributes(sensitive: bool, extractable: bool) -> Self {
        match (sensitive, extractable) {
            (_, false) => Self::NONE,
            (true, true) => Self::ENCRYPTED,
            (false, true) => Self::ANY,
        }
    }

    /// Whether the key may be read in the clear: CKA_SENSITIVE is false.
    pub fn allows_plaintext(self) -> bool {
        self.contains(Self::PLAINTEXT)
    }

    /// Whether the key may leave at all: CKA_EXTRACTABLE is true.
    pub fn allows_export(self) -> bool {
        self.contains(Self::ENCRYPTED) || self.allows_plaintext()
    }

    /// The words of the JSON output: none, `encrypted`, or `encrypted` and `plaintext`.
    pub fn words(self) -> &'static [&'static str] {
        match (self.allows_export(), self.allows_plaintext()) {
            (false, _) => &[],
            (true, false) => &["encrypted"],
            (true, true) => &["encrypted", "plaintext"],
        }
    }

    /// The policy as the two attributes of a token can hold it.
    pub fn effective(self) -> Self {
        Self::from_attributes(!self.allows_plaintext(), self.allows_export())
    }

    /// The policy for a word of the command line: `none`, `encrypted` or `plaintext`.
    pub fn by_word(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::NONE),
            "encrypted" => Some(Self::ENCRYPTED),
            "plaintext" => Some(Self::ANY),
            _ => None,
        }
    }
}

flags! {
    /// `Key Usage`: what the private or secret part may do.
    KeyUsage {
        /// `NCRYPT_ALLOW_DECRYPT_FLAG`: decrypt (and, for a symmetric key, encrypt).
        DECRYPT = 0x1;
        /// `NCRYPT_ALLOW_SIGNING_FLAG`: sign.
        SIGN = 0x2;
        /// `NCRYPT_ALLOW_KEY_AGREEMENT_FLAG`: agree on a secret.
        AGREE = 0x4;
        /// `NCRYPT_ALLOW_KEY_IMPORT_FLAG`: unwrap other keys (and, for a symmetric key, wrap them).
        WRAP = 0x8;
        /// `NCRYPT_ALLOW_ALL_USAGES`.
        ALL = 0x00FF_FFFF;
    }
}

impl KeyUsage {
    const WORDS: &[(Self, &str)] =
        &[(Self::SIGN, "sign"), (Self::DECRYPT, "decrypt"), (Self::AGREE, "agree"), (Self::WRAP, "wrap")];

    /// The words of the JSON output and the command line.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().filter(move |(usage, _)| self.contains(*usage)).map(|(_, word)| *word)
    }

    /// The usage for a word of the command line.
    pub fn by_word(word: &str) -> Option<Self> {
        if word == "all" {
            return Some(Self::ALL);
        }
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(usage, _)| *usage)
    }

    /// Whether every usage is asked for (`NCRYPT_ALLOW_ALL_USAGES`, or all 32 bits as some providers write it).
    pub fn is_all(self) -> bool {
        self.contains(Self::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_words_and_attributes_agree() {
        for (word, sensitive, extractable, words) in [
            ("none", true, false, &[][..]),
            ("encrypted", true, true, &["encrypted"]),
            ("plaintext", false, true, &["encrypted", "plaintext"]),
        ] {
            let policy = ExportPolicy::by_word(word).unwrap();
            assert_eq!(policy, ExportPolicy::from_attributes(sensitive, extractable));
            assert_eq!(policy.words(), words);
            assert_eq!((!policy.allows_plaintext(), policy.allows_export()), (sensitive, extractable));
        }
        // Some tokens let nothing out of a key that is neither sensitive nor extractable: policy none.
        assert_eq!(ExportPolicy::from_attributes(false, false), ExportPolicy::NONE);
    }
}
