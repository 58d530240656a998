//! `completions SHELL`

use clap::CommandFactory;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(context: &Context, shell: clap_complete::Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cng11", &mut script);
    context.output.data(&script);
    Ok(0)
}
