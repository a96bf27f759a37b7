// SPDX-License-Identifier: GPL-2.0

//! What the command lines of the tools have in common.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{value_parser, Arg, Command, CommandFactory, FromArgMatches};
use clap_complete::Shell;

use crate::exit::Status;

/// Shells whose completions are written.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Fish, Shell::Zsh];

/// Section of the manual for tools that administrate a system.
const MANUAL_SECTION: &str = "8";

/// Parses the command line. A hidden option, `--generate DIR`, makes each tool write its manual
/// pages and completions, from the same definitions.
///
/// # Errors
///
/// The status to end with, where help, the version or what is wrong was printed.
pub fn parse<A: CommandFactory + FromArgMatches>() -> Result<A, Status> {
    let generate = Arg::new("generate")
        .long("generate")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .exclusive(true)
        .hide(true);
    let command = A::command().subcommand_required(false).arg(generate);
    let matches = command.try_get_matches().map_err(|error| print(&error))?;
    if let Some(directory) = matches.get_one::<PathBuf>("generate") {
        return Err(match generate_to(directory, A::command()) {
            Ok(()) => Status::Good,
            Err(error) => {
                eprintln!("{}: {error}", directory.display());
                Status::Failed
            }
        });
    }
    A::from_arg_matches(&matches).map_err(|error| print(&error.format(&mut A::command())))
}

/// Prints a line for a person or a program. Nobody listening is no error.
pub fn print_line(line: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints help, the version or what is wrong with the command line.
fn print(error: &clap::Error) -> Status {
    let _ = error.print();
    if error.use_stderr() {
        Status::Usage
    } else {
        Status::Good
    }
}

/// Writes the pages of the manual and the completions of a command.
fn generate_to(directory: &Path, command: Command) -> io::Result<()> {
    let (manual, completions) = (directory.join("man8"), directory.join("completions"));
    std::fs::create_dir_all(&manual)?;
    std::fs::create_dir_all(&completions)?;
    let name = command.get_name().to_string();
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut command.clone(), name.as_str(), &completions)?;
    }
    let command = command.disable_help_subcommand(true);
    write_page(&manual, &name, command.clone())?;
    for subcommand in command.get_subcommands() {
        let name = format!("{name}-{}", subcommand.get_name());
        let usage = name.replacen('-', " ", 1);
        write_page(&manual, &name, subcommand.clone().bin_name(usage))?;
    }
    Ok(())
}

fn write_page(directory: &Path, name: &str, command: Command) -> io::Result<()> {
    // The page's name is that of a file in a folder for all commands.
    let command = command.name(name.to_string());
    let page = clap_mangen::Man::new(command).section(MANUAL_SECTION);
    let mut text = Vec::new();
    page.render(&mut text)?;
    std::fs::write(directory.join(format!("{name}.{MANUAL_SECTION}")), text)
}
