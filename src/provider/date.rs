//! From when and until when a key is meant to be used: CKA_START_DATE and CKA_END_DATE, which nobody enforces.
//!
//! A token may take a date and not keep it, or not tell: SoftHSM2 takes one, and CKR_GENERAL_ERROR is all that it says of it afterwards. So it is read back, and one that cannot be is taken
//! off again and refused.

use super::{Error, Key};
use crate::status::Status;
use crate::template::attribute::{CKA_END_DATE, CKA_START_DATE};
use crate::template::{Addition, AttributeType, Template};

/// Which of the two dates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyDate {
    /// CKA_START_DATE
    Start,
    /// CKA_END_DATE
    End,
}

impl KeyDate {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Start, Self::End];

    /// What the command calls it; CNG has no such property.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "Start Date",
            Self::End => "End Date",
        }
    }

    fn attribute(self) -> (u64, &'static str) {
        match self {
            Self::Start => (CKA_START_DATE, "CKA_START_DATE"),
            Self::End => (CKA_END_DATE, "CKA_END_DATE"),
        }
    }
}

impl Key {
    /// A date of the key, `YYYY-MM-DD`; `None` where it has none or the token does not tell.
    ///
    /// # Errors
    /// `NTE_BAD_KEY_STATE` before finalize.
    pub fn date(&self, which: KeyDate) -> Result<Option<String>, crate::Error> {
        let Some(object) = self.finalized()?.secret_part() else { return Ok(None) };
        let (kind, _) = which.attribute();
        let values = self.token.attributes(object, &[(kind, 8)]).unwrap_or_default();
        let value =
            values.into_iter().next().flatten().filter(|bytes| bytes.iter().any(|digit| (b'1'..=b'9').contains(digit)));
        Ok(value.map(|bytes| Addition::of_object(AttributeType(kind), &bytes).text()))
    }

    /// Sets a date of the key, `YYYY-MM-DD`, or takes it off.
    ///
    /// # Errors
    /// `NTE_INVALID_PARAMETER` for what is no date, `NTE_VALIDATION_FAILED` where the token does not keep it, what the token says.
    pub fn set_date(&mut self, which: KeyDate, date: Option<&str>) -> Result<(), crate::Error> {
        let ready = self.finalized()?;
        let object = ready.secret_part().ok_or_else(|| self.cannot("have a date"))?;
        let (kind, name) = which.attribute();
        let bytes = match date {
            None => Vec::new(),
            Some(date) => Addition::parse(&format!("{name}={date}"))?.bytes().unwrap_or_default(),
        };
        self.token.check_changes()?;
        let before = self.date(which)?;
        self.token.set(object, &Template::new().bytes(kind, &bytes))?;
        if self.date(which)?.as_deref() == date {
            return Ok(());
        }
        let before = before.and_then(|before| Addition::parse(&format!("{name}={before}")).ok()?.bytes());
        self.token.set(object, &Template::new().bytes(kind, &before.unwrap_or_default()))?;
        let problem = "not kept by the token, or not told: it was taken back";
        Err(Error::Property { name: which.name().to_owned(), problem, status: Status::NTE_VALIDATION_FAILED }.into())
    }
}
