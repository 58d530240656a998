//! `OpaqueKeyBlob`: what a provider writes for itself alone. There is no layout to read.

pub(super) const WHY: &str =
    "its layout is the private matter of the provider that wrote it; export the key there as another type";
