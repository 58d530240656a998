//! How objects get onto the token, and how many sessions there are.

use std::time::{Duration, Instant};

use super::keys::{Sample, aes};
use super::{Answer, LABEL, Prober, Row, Verdict, attributes, judge};
use crate::Error;
use crate::key::{ExportPolicy, KeyUsage, SymmetricAlgorithm};
use crate::template::Template;
use crate::template::attribute::{CKA_CLASS, CKA_ID, CKA_LABEL, CKA_TOKEN, CKO_SECRET_KEY};
use crate::template::put::Attributes;
use crate::template::shape::Making;
use crate::template::temporary::{self, Rights};
use crate::token::mechanism::{CKM_AES_KEY_GEN, Mechanism};
use crate::token::refusal;
use crate::token::{Handle, Token};
use crate::wrap::in_shape;

/// How often each way of writing is timed.
const ROUNDS: usize = 3;

/// So many sessions are enough for any pool.
const SESSIONS: usize = 64;

impl<'t> Prober<'t> {
    pub(super) fn objects(&mut self) -> Result<Vec<Row>, Error> {
        self.remove_leftovers()?;
        let row =
            |subject: &str, answer: Answer| Row { subject: subject.to_owned(), answers: vec![("answer", answer)] };
        let copies = self.copies();
        // Also where something failed.
        self.remove_leftovers()?;
        let copies = copies?;
        if copies.verdict != Verdict::Unknown {
            self.learned.copies = copies.is_yes();
        }
        let mut rows = vec![row("C_CopyObject of a session object writes faster", copies)];
        let opened = self.token.count_sessions(SESSIONS)?;
        let info = self.token.info();
        let most =
            info.max_sessions.map_or_else(|| "no limit told".to_owned(), |most| format!("the token says {most}"));
        rows.push(row(
            &format!("{SESSIONS} sessions at a time"),
            if opened >= SESSIONS { Answer::yes(most) } else { Answer::no(format!("{opened}; {most}")) },
        ));
        let threads = self.token.profile().threads;
        rows.push(row(
            "several threads (from the profile, not tried)",
            if threads { Answer::yes("") } else { Answer::no("one thread and one process at a time") },
        ));
        if !threads {
            self.warn("one thread and one process at a time: two at once can destroy the token's objects");
        }
        let unique = self.token.profile().unique_ids;
        rows.push(row(
            "two keys with one CKA_ID (from the profile, not tried)",
            if unique { Answer::no("the second takes the place of the first") } else { Answer::yes("") },
        ));
        if unique {
            self.warn("a second key of a CKA_ID takes the place of the first, whatever it is: `cng11 import` refuses that, other programs do not");
        }
        Ok(rows)
    }

    /// Whether a copy of a session object works and is no slower than making the object there.
    fn copies(&self) -> Result<Answer, Error> {
        let key = Sample::Secret(aes()?);
        let onto = |token: bool| Attributes { token, ..attributes(ExportPolicy::NONE, KeyUsage::DECRYPT) };
        let clear = key.clear();
        let token: &Token = self.token;
        // Where no key comes in the clear, one is made there: it is the copy that is asked about.
        let session = match self.session_key(&key)? {
            Ok(session) => self.temporary(session),
            Err(answer) => return Ok(Answer::unknown(format!("no key could be made in the session: {}", answer.note))),
        };
        let copied = self.timed(|| {
            let started = Instant::now();
            let copy = token.copy(session.handle, &Template::new().flag(CKA_TOKEN, true))?;
            Ok((copy, started.elapsed()))
        })?;
        let copied = match copied {
            Ok(copied) => copied,
            Err(answer) if answer.ckr.is_some_and(refusal::is_refusal) => return Ok(answer),
            Err(answer) => return Ok(Answer { verdict: Verdict::Unknown, ..answer }),
        };
        let created = self.timed(|| {
            let shapes = clear.shapes(token, Making::Create, &onto(true))?;
            let started = Instant::now();
            let (object, _) = in_shape(&shapes, |shape| Ok(token.create(shape)?))?;
            Ok((object, started.elapsed()))
        })?;
        Ok(match created {
            // A millisecond more or less decides nothing.
            Ok(created) if copied <= created + Duration::from_millis(1) => Answer::yes(times(copied, created)),
            Ok(created) => Answer::no(times(copied, created)),
            Err(_) => Answer::yes("C_CreateObject on the token is refused"),
        })
    }

    /// An AES key of the session, however it comes about.
    fn session_key(&self, key: &Sample) -> Result<Result<Handle, Answer>, Error> {
        if let Ok((handle, _)) = self.create(key)? {
            return Ok(Ok(handle));
        }
        let rights = Rights { decrypt: true, ..Rights::default() };
        let template = temporary::generated(SymmetricAlgorithm::Aes, 32, rights)
            .bytes(CKA_LABEL, LABEL.as_bytes())
            .bytes(CKA_ID, LABEL.as_bytes());
        judge(self.token.generate(&Mechanism::Plain(CKM_AES_KEY_GEN), &template))
    }

    /// The middle one of some times; what was made is removed.
    fn timed(&self, make: impl Fn() -> Result<(Handle, Duration), Error>) -> Result<Result<Duration, Answer>, Error> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            match judge(make())? {
                Ok((object, time)) => {
                    self.token.destroy(object)?;
                    times.push(time);
                }
                Err(answer) => return Ok(Err(answer)),
            }
        }
        times.sort_unstable();
        Ok(times.get(ROUNDS / 2).copied().ok_or_else(|| Answer::unknown("")))
    }

    /// Removes what a probe that was killed left on the token: what has its class, its label and its CKA_ID.
    fn remove_leftovers(&self) -> Result<(), Error> {
        let template = Template::new()
            .ulong(CKA_CLASS, CKO_SECRET_KEY)
            .flag(CKA_TOKEN, true)
            .bytes(CKA_LABEL, LABEL.as_bytes())
            .bytes(CKA_ID, LABEL.as_bytes());
        for object in self.token.find(&template)? {
            self.token.destroy(object)?;
        }
        Ok(())
    }
}

fn times(copied: Duration, created: Duration) -> String {
    format!("{:.1} ms, C_CreateObject {:.1} ms", copied.as_secs_f64() * 1e3, created.as_secs_f64() * 1e3)
}
