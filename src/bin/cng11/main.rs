//! `cng11`: CNG key blobs onto PKCS#11 tokens and back, from the command line.
//!
//! Talks: arguments in, text or JSON and an exit code out. All logic is the library's.

mod args;
mod cmd;
mod context;
mod failure;
mod file;
mod output;
mod pin;
mod progress;
mod reading;

use std::process::ExitCode;

use clap::Parser;

use self::args::many::BulkCommand;
use self::args::{Cli, Command, SofthsmCommand, TokenCommand};
use self::context::Context;
use self::failure::Failure;
use self::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(output::usage_error(&error)),
    };
    let output = Output::new(cli.global.json, cli.global.quiet, cli.global.verbose);
    let outcome = Context::new(cli.global, output).and_then(|context| run(&context, cli.command));
    match outcome.and_then(|code| output.finish().map(|()| code)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(context: &Context, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Bulk(BulkCommand::Export(args)) => cmd::bulk::export(context, &args),
        Command::Bulk(BulkCommand::Import(args)) => cmd::bulk::import(context, &args),
        Command::Convert(args) => cmd::convert::run(context, &args),
        Command::Completions { shell } => cmd::completions::run(context, shell),
        Command::Decrypt(args) => cmd::decrypt::run(context, &args),
        Command::Delete(args) => cmd::delete::run(context, &args),
        Command::Export(args) => cmd::export::run(context, &args),
        Command::Generate(args) => cmd::generate::run(context, &args),
        Command::Get(args) => cmd::property::get(context, &args),
        Command::Import(args) => cmd::import::run(context, &args),
        Command::Inspect(args) => cmd::inspect::run(context, &args),
        Command::List(args) => cmd::list::run(context, &args),
        Command::Migrate(args) => cmd::migrate::run(context, &args),
        Command::Probe(args) => cmd::probe::run(context, &args),
        Command::Rewrap(args) => cmd::rewrap::run(context, &args),
        Command::Rename(args) => cmd::rename::run(context, &args),
        Command::Set(args) => cmd::property::set(context, &args),
        Command::Show(args) => cmd::show::run(context, &args),
        Command::Sign(args) => cmd::sign::sign(context, &args),
        Command::Softhsm(SofthsmCommand::Env) => cmd::softhsm::env(context),
        Command::Softhsm(SofthsmCommand::Run { command }) => cmd::softhsm::run(context, &command),
        Command::Token(TokenCommand::Init(args)) => cmd::token::init(context, &args),
        Command::Token(TokenCommand::List) => cmd::token::list(context),
        Command::Token(TokenCommand::Pin(args)) => cmd::token::pin(context, &args),
        Command::Verify(args) => cmd::sign::verify(context, &args),
    }
}
