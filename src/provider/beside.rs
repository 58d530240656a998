//! What stands beside a private object: its public one and its certificate, in the session first where the key was there too.

use super::finalize::Finalizer;
use super::lookup::Stage;
use super::source::Source;
use crate::key::{KeyUsage, PublicKey};
use crate::template::Template;
use crate::template::{put, shape};
use crate::token::Handle;
use crate::wrap;

impl Finalizer<'_> {
    /// The public object. On the token it has the shape that it had in the session.
    pub(super) fn public_source<'s>(
        &'s self,
        public: &'s PublicKey,
        id: &[u8],
        usage: KeyUsage,
        in_session: bool,
    ) -> Result<Source<'s>, crate::Error> {
        let shapes = move |id: &[u8], token: bool| -> Result<Vec<Template>, crate::Error> {
            let base = put::public(public, &self.attributes(id, token, usage))?;
            Ok(shape::shapes_of_public(&base, self.token.profile()))
        };
        if !in_session {
            let remake = move |id: &[u8]| Ok(wrap::create_public(self.token, &shapes(id, true)?)?.0);
            return Ok(Source::on_token(Box::new(remake)));
        }
        let (made, place) = wrap::create_public(self.token, &shapes(&Stage::staged(id), false)?)?;
        let remake = move |id: &[u8]| -> Result<Handle, crate::Error> {
            let shape = shapes(id, true)?.into_iter().nth(place).unwrap_or_default();
            Ok(self.token.create(&shape)?)
        };
        Ok(Source::new(made, Box::new(remake)))
    }

    /// The certificate, if one was given.
    pub(super) fn certificate(
        &self,
        public: &PublicKey,
        id: &[u8],
        in_session: bool,
    ) -> Result<Option<Source<'_>>, crate::Error> {
        let Some(parts) = self.certified(Some(public))? else { return Ok(None) };
        let make = move |id: &[u8], token: bool| -> Result<Handle, crate::Error> {
            let attributes = self.attributes(id, token, KeyUsage::default());
            Ok(self.token.create(&put::certificate(parts, &attributes))?)
        };
        let remake = Box::new(move |id: &[u8]| make(id, true));
        Ok(Some(if in_session {
            Source::new(make(&Stage::staged(id), false)?, remake)
        } else {
            Source::on_token(remake)
        }))
    }
}
