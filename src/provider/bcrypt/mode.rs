//! Chaining modes of block ciphers by their CNG names.

/// How the blocks of a cipher hang together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChainingMode {
    /// `ChainingModeECB`
    Ecb,
    /// `ChainingModeCBC`
    Cbc,
    /// `ChainingModeCFB`
    Cfb,
    /// `ChainingModeCCM`
    Ccm,
    /// `ChainingModeGCM`
    Gcm,
}

impl ChainingMode {
    const ALL: [Self; 5] = [Self::Ecb, Self::Cbc, Self::Cfb, Self::Ccm, Self::Gcm];

    /// The mode with exactly this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// CNG's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecb => "ChainingModeECB",
            Self::Cbc => "ChainingModeCBC",
            Self::Cfb => "ChainingModeCFB",
            Self::Ccm => "ChainingModeCCM",
            Self::Gcm => "ChainingModeGCM",
        }
    }
}
