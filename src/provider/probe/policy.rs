//! Whether rights that are not given are not there, and limits that are set hold.

use super::keys::{Sample, aes};
use super::{Answer, Prober, Row, Verdict, attributes, judge};
use crate::Error;
use crate::key::{ExportPolicy, KeyUsage, SymmetricAlgorithm, SymmetricKey};
use crate::secret::SecretBytes;
use crate::template::attribute::{
    CKA_ALLOWED_MECHANISMS, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_SENSITIVE, CKA_TRUSTED, CKA_UNWRAP_TEMPLATE, CKA_VALUE,
    CKA_WRAP, CKA_WRAP_WITH_TRUSTED,
};
use crate::template::shape::{self, Making};
use crate::template::temporary::{self, Rights};
use crate::template::{Template, put};
use crate::token::mechanism::{CKM_AES_CBC_PAD, CKM_AES_ECB, Mechanism};
use crate::token::{Handle, Token};
use crate::wrap::{Ephemeral, Kek, KekKind, Parameters, Scheme, Sealed, Temporary, in_shape, kw};

const HONOURED: &str = "honoured";

/// How a key came about.
#[derive(Clone, Copy, Eq, PartialEq)]
enum By {
    Create,
    Unwrap,
}

impl By {
    fn word(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Unwrap => "unwrapped",
        }
    }
}

impl<'t> Prober<'t> {
    pub(super) fn policy(&mut self) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for by in [By::Create, By::Unwrap] {
            let answer = self.sensitive(by)?;
            if answer.verdict == Verdict::No && answer.ckr.is_none() {
                self.warn(format!("a key that is {} can be read although it is to be sensitive", by.word()));
            }
            rows.push(row(format!("CKA_SENSITIVE, {}", by.word()), answer));
            let answer = self.extractable(by)?;
            if answer.verdict == Verdict::No && answer.ckr.is_none() {
                self.warn(format!("a key that is {} leaves wrapped although it is not extractable", by.word()));
            }
            rows.push(row(format!("CKA_EXTRACTABLE, {}", by.word()), answer));
            let answer = self.usage(by)?;
            if answer.verdict == Verdict::No && answer.ckr.is_none() {
                self.warn(format!("a key that is {} does what its template refuses", by.word()));
                if by == By::Unwrap {
                    self.learned.adds_uses = true;
                }
            }
            rows.push(row(format!("uses, {}", by.word()), answer));
        }
        let wrap_with_trusted = self.wrap_with_trusted()?;
        if wrap_with_trusted.verdict == Verdict::No && wrap_with_trusted.ckr.is_none() {
            self.warn("CKA_WRAP_WITH_TRUSTED is taken and ignored");
        }
        rows.push(row("CKA_WRAP_WITH_TRUSTED", wrap_with_trusted));
        let trusted = self.trusted_by_user()?;
        if trusted.verdict == Verdict::No && trusted.ckr.is_none() {
            self.warn("any user makes a trusted wrapping key (CKA_TRUSTED)");
        }
        rows.push(row("CKA_TRUSTED, refused to the user", trusted));
        let allowed = self.allowed_mechanisms()?;
        if allowed.verdict == Verdict::No && allowed.ckr.is_none() {
            self.warn("CKA_ALLOWED_MECHANISMS is taken and ignored");
        }
        rows.push(row("CKA_ALLOWED_MECHANISMS", allowed));
        let template = self.unwrap_template()?;
        if template.verdict == Verdict::No && template.ckr.is_none() {
            self.warn("CKA_UNWRAP_TEMPLATE is taken and ignored");
        }
        rows.push(row("CKA_UNWRAP_TEMPLATE", template));
        Ok(rows)
    }

    /// An AES key as a session object, with these changes of its template.
    fn made(
        &self,
        by: By,
        policy: ExportPolicy,
        changes: impl Fn(Template) -> Template,
    ) -> Result<Result<(Temporary<'t>, SymmetricKey), Answer>, Error> {
        let token: &Token = self.token;
        let key = aes()?;
        let attributes = attributes(policy, KeyUsage::DECRYPT);
        let sample = Sample::Secret(key.clone());
        let made: Result<Handle, Answer> = match (by, &self.kek) {
            (By::Create, _) => {
                let shapes = sample.clear().shapes(token, Making::Create, &attributes)?;
                let shapes: Vec<_> = shapes.into_iter().map(changes).collect();
                judge(in_shape(&shapes, |shape| Ok(token.create(shape)?)))?.map(|(handle, _)| handle)
            }
            (By::Unwrap, Ok(kek)) => {
                let shapes = sample.clear().shapes(token, Making::Unwrap, &attributes)?;
                let shapes: Vec<_> = shapes.into_iter().map(changes).collect();
                judge(kek.bring(token, key.key(), &shapes))?.map(|brought| brought.object)
            }
            (By::Unwrap, Err(answer)) => Err(answer.clone()),
        };
        Ok(made.map(|handle| (self.temporary(handle), key)))
    }

    fn sensitive(&self, by: By) -> Result<Answer, Error> {
        let (key, _) = match self.made(by, ExportPolicy::ENCRYPTED, |template| template)? {
            Ok(made) => made,
            Err(answer) => return Ok(not_made(answer)),
        };
        let found = match judge(self.token.attributes(key.handle, &[(CKA_SENSITIVE, 1), (CKA_VALUE, 32)]))? {
            Ok(found) => found,
            Err(answer) => return Ok(not_told(answer)),
        };
        let [sensitive, value] = &found[..] else { return Ok(Answer::unknown("")) };
        Ok(match (sensitive.as_ref().map(is_set), value) {
            (_, Some(value)) if !value.is_empty() => Answer::no("its value is given"),
            (Some(false), _) => Answer::no("it says that it is not sensitive"),
            _ => Answer::yes(""),
        })
    }

    fn extractable(&self, by: By) -> Result<Answer, Error> {
        let (key, _) = match self.made(by, ExportPolicy::NONE, |template| template)? {
            Ok(made) => made,
            Err(answer) => return Ok(not_made(answer)),
        };
        let said = match judge(self.token.attributes(key.handle, &[(CKA_EXTRACTABLE, 1)]))? {
            Ok(said) => said,
            Err(answer) => return Ok(not_told(answer)),
        };
        if said.into_iter().next().flatten().as_ref().is_some_and(is_set) {
            return Ok(Answer::no("it says that it is extractable"));
        }
        let Ok(kek) = judge(Ephemeral::generate(self.token))? else {
            return Ok(Answer::unknown("it says so; no key could be made to wrap it under"));
        };
        self.is_not_wrapped(&kek, key.handle)
    }

    /// Whether a key does not leave under an AES key, by any scheme that the token has.
    fn is_not_wrapped(&self, kek: &Ephemeral<'_>, key: Handle) -> Result<Answer, Error> {
        let mut refused = None;
        for scheme in Scheme::under_aes() {
            if !self.token.claims_wrapping(scheme.mechanism(self.token.profile()))?.0 {
                continue;
            }
            match judge(kek.wrap(scheme, key, 64))? {
                Ok(_) => return Ok(Answer::no(format!("it left by {}", scheme.name()))),
                Err(answer) => {
                    refused.get_or_insert(answer);
                }
            }
        }
        Ok(match refused {
            Some(answer) => Answer { verdict: Verdict::Yes, ..answer },
            None => Answer::unknown("no mechanism wraps under an AES key"),
        })
    }

    fn usage(&self, by: By) -> Result<Answer, Error> {
        let refuses = |template: Template| template.flag(CKA_ENCRYPT, false);
        let (key, _) = match self.made(by, ExportPolicy::NONE, refuses)? {
            Ok(made) => made,
            Err(answer) => return Ok(not_made(answer)),
        };
        self.does_not_encrypt(key.handle)
    }

    fn does_not_encrypt(&self, key: Handle) -> Result<Answer, Error> {
        if !self.token.lists_mechanism(CKM_AES_ECB)? {
            return Ok(Answer::unknown("no CKM_AES_ECB to try it with"));
        }
        let block = self.token.encrypt(&Mechanism::Plain(CKM_AES_ECB), key, &[0; 16], 16);
        Ok(match judge(block)? {
            Ok(_) => Answer::no("it encrypts"),
            Err(answer) => Answer { verdict: Verdict::Yes, ..answer },
        })
    }

    fn wrap_with_trusted(&self) -> Result<Answer, Error> {
        let only = |template: Template| template.flag(CKA_WRAP_WITH_TRUSTED, true);
        let (key, _) = match self.made(By::Create, ExportPolicy::ENCRYPTED, only)? {
            Ok(made) => made,
            Err(_) => match self.made(By::Unwrap, ExportPolicy::ENCRYPTED, only)? {
                Ok(made) => made,
                Err(answer) => return Ok(not_made(answer)),
            },
        };
        let Ok(kek) = judge(Ephemeral::generate(self.token))? else {
            return Ok(Answer::unknown("no key could be made to wrap it under"));
        };
        self.is_not_wrapped(&kek, key.handle)
    }

    fn trusted_by_user(&self) -> Result<Answer, Error> {
        let template = put::secret_shell(SymmetricAlgorithm::Aes, &attributes(ExportPolicy::NONE, KeyUsage::WRAP))
            .secret(CKA_VALUE, aes()?.key().clone())
            .flag(CKA_WRAP, true)
            .flag(CKA_TRUSTED, true);
        Ok(match judge(self.token.create(&template))? {
            Ok(handle) => {
                let handle = self.temporary(handle);
                let said = match judge(self.token.attributes(handle.handle, &[(CKA_TRUSTED, 1)]))? {
                    Ok(said) => said,
                    Err(answer) => return Ok(not_told(answer)),
                };
                if said.into_iter().next().flatten().as_ref().is_some_and(is_set) {
                    Answer::no("taken from the user")
                } else {
                    Answer::yes("taken and not kept")
                }
            }
            Err(answer) => Answer { verdict: Verdict::Yes, ..answer },
        })
    }

    /// Whether an unwrapping key whose template forbids it unwraps no key that leaves.
    fn unwrap_template(&self) -> Result<Answer, Error> {
        let token: &Token = self.token;
        let value = SecretBytes::random(32).map_err(crate::token::Error::from)?;
        let template = temporary::given(SymmetricAlgorithm::Aes, value.clone(), Rights::UNWRAP)
            .nested(CKA_UNWRAP_TEMPLATE, Template::new().flag(CKA_EXTRACTABLE, false));
        let kek = match judge(token.create(&template))? {
            Ok(handle) => self.temporary(handle),
            Err(answer) => return Ok(not_made(answer)),
        };
        let parameters = Parameters::new(Scheme::Kw);
        let bytes = kw::kw_wrap(&value, aes()?.key())?;
        let sealed = Sealed::Bare { kek: Kek { object: kek.handle, kind: KekKind::Aes }, parameters, bytes };
        let Ok(opening) = judge(sealed.open(token))? else {
            return Ok(Answer::unknown("no CKM_AES_KEY_WRAP to try it with"));
        };
        let base = put::secret_shell(SymmetricAlgorithm::Aes, &attributes(ExportPolicy::ENCRYPTED, KeyUsage::DECRYPT));
        let shapes = shape::shapes_of_secret(&base, 32, token.profile());
        let made = match judge(in_shape(&shapes, |shape| opening.unwrap(shape)))? {
            Ok((handle, _)) => self.temporary(handle),
            Err(answer) => return Ok(Answer { verdict: Verdict::Yes, ..answer }),
        };
        let said = match judge(token.attributes(made.handle, &[(CKA_EXTRACTABLE, 1)]))? {
            Ok(said) => said,
            Err(answer) => return Ok(not_told(answer)),
        };
        Ok(if said.into_iter().next().flatten().as_ref().is_some_and(is_set) {
            Answer::no("a key came that it forbids")
        } else {
            Answer::yes("what it says replaces what was asked")
        })
    }

    fn allowed_mechanisms(&self) -> Result<Answer, Error> {
        let only = |template: Template| template.bytes(CKA_ALLOWED_MECHANISMS, &CKM_AES_CBC_PAD.to_ne_bytes());
        let (key, _) = match self.made(By::Create, ExportPolicy::NONE, only)? {
            Ok(made) => made,
            Err(_) => match self.made(By::Unwrap, ExportPolicy::NONE, only)? {
                Ok(made) => made,
                Err(answer) => return Ok(not_made(answer)),
            },
        };
        self.does_not_encrypt(key.handle)
    }
}

fn row(subject: impl Into<String>, answer: Answer) -> Row {
    Row { subject: subject.into(), answers: vec![(HONOURED, answer)] }
}

fn is_set(value: &SecretBytes) -> bool {
    value.iter().any(|byte| *byte != 0)
}

/// The token refuses such a key: nothing is taken and then ignored.
fn not_made(answer: Answer) -> Answer {
    Answer { verdict: Verdict::Unknown, note: format!("no such key is made: {}", answer.note), ckr: answer.ckr }
}

/// The token does not say what became of it.
fn not_told(answer: Answer) -> Answer {
    Answer { verdict: Verdict::Unknown, ..answer }
}
