//! `migrate --from URI --to URI`

use std::collections::BTreeMap;
use std::path::Path;

use cng_pkcs11::bulk::Promises;
use cng_pkcs11::bulk::journal::{Binding, Job};
use cng_pkcs11::bulk::migrate::{Migrate, Move};
use cng_pkcs11::token::Access;
use serde_json::json;

use crate::args::many::MigrateArgs;
use crate::cmd::bulk::{jobs, open_journal, select};
use crate::cmd::watch::{Planned, Watch};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::printable;
use crate::progress::{self, STOP};

pub(crate) fn run(context: &Context, args: &MigrateArgs) -> Result<u8, Failure> {
    let from = context.of_token(&args.from.0, args.from_pin_source.as_deref())?;
    let to = context.of_token(&args.to.0, args.to_pin_source.as_deref())?;
    let from = from.provider_for_many(Access::ReadOnly)?;
    let to = to.provider_for_many(if args.run.dry_run { Access::ReadOnly } else { Access::ReadWrite })?;
    if from.token().info().uri().to_string() == to.token().info().uri().to_string() {
        return Err(Failure::usage(
            format!("--from and --to are the same token, {}", from.token().info().uri()),
            "name two tokens; `rename` gives a key another name",
        ));
    }
    let selection = select(context, &from, &args.filter.filter())?;
    let migrate = Migrate {
        jobs: jobs(&to, &args.run),
        collision: args.collision.on_collision,
        is_proven: args.collision.is_proven(),
    };
    if args.run.dry_run {
        to.index()?;
        let mut planned = Planned::new(context.output);
        let promises = Promises::default();
        for (key, number) in selection.keys.iter().zip(0..) {
            let source = key.label();
            match migrate.plan(&to, key, &promises) {
                Err(error) => planned.refuse(number, source, &error),
                Ok(Move::Goes { name, outcome }) => planned.add(
                    json!({ "entry": number, "source": source, "name": name, "outcome": outcome.word(), "route": "unwrap" }),
                    || format!("would be {} {} as {}", outcome.word(), printable(source), printable(&name)),
                ),
                Ok(Move::Done(done)) => planned.add(
                    json!({ "entry": number, "source": source, "name": done.name, "outcome": done.outcome.word() }),
                    || format!("{} {} as {}", done.outcome.word(), printable(source), printable(&done.name)),
                ),
                Ok(_) => {}
            }
        }
        return planned.end("migrate");
    }
    let mut options = BTreeMap::new();
    options.insert(Binding::ON_COLLISION.to_owned(), migrate.collision.word().to_owned());
    options.insert("verify".to_owned(), migrate.is_proven.to_string());
    let binding = Binding {
        job: Job::Migrate,
        tokens: vec![from.token().info().into(), to.token().info().into()],
        plan: selection.digest,
        options,
    };
    let total = u32::try_from(selection.keys.len()).unwrap_or(u32::MAX);
    let mut watch = Watch::new(context.output, &args.run, total)?;
    let journal = open_journal(context, &args.run, Path::new("migrate"), &binding)?;
    watch.begin(journal.as_ref());
    progress::stop_on_signal();
    let outcome = migrate.run(&from, &to, &selection, journal.as_ref(), &STOP, |event| watch.see(event));
    watch.end("migrate", outcome, journal, &args.run)
}
