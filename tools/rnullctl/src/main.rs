// SPDX-License-Identifier: GPL-2.0

//! `rnullctl`: makes and manages the disks of the null block driver.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod arguments;
mod disk;
mod driver;
mod error;
mod error_rules;
mod exit;
#[cfg(test)]
mod fuzz_corpus;
#[allow(dead_code)] // What is drawn is for the driver.
#[path = "../../../block/rnull/latency_model.rs"]
mod latency_model;
mod operations;
mod print;
mod profiles;
mod rules;
mod setting;
mod stats;
mod zones;

use std::io::Write;
use std::path::Path;

use clap::{CommandFactory, Parser};
use serde_json::{Map, Value};

use arguments::{Arguments, Command, RulesCommand};
use disk::Disk;
use driver::Driver;
use error::Error;
use exit::Status;
use profiles::PROFILES;
use setting::Setting;

fn main() -> Status {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Status::Usage
            } else {
                Status::Good
            };
        }
    };
    match run(&arguments) {
        Ok(text) => {
            // Nobody listening is no error.
            let _ = std::io::stdout().write_all(text.as_bytes());
            Status::Good
        }
        Err(error) => {
            eprintln!("rnullctl: {error}");
            error.status()
        }
    }
}

/// Does what a command asks; returns what to print.
fn run(arguments: &Arguments) -> Result<String, Error> {
    let driver = || Driver::find(&arguments.configfs);
    match &arguments.command {
        Command::Create {
            disk,
            profile,
            ignore_missing,
            off,
            settings,
        } => {
            let profile = PROFILES
                .iter()
                .find(|known| Some(&known.name) == profile.as_ref());
            let mut all: Vec<_> = profile
                .map(|profile| profile.settings.clone())
                .unwrap_or_default();
            all.extend_from_slice(settings);
            create(&driver()?, disk, all, *ignore_missing, *off)?;
            Ok(String::new())
        }
        Command::List { json } => list(&driver()?, *json),
        Command::Set { disk, settings } => {
            let driver = driver()?;
            set(&driver.disk(disk)?, settings)?;
            Ok(String::new())
        }
        Command::Show {
            disk,
            attributes,
            json,
        } => show(&driver()?.disk(disk)?, attributes, *json),
        Command::Destroy { disks } => {
            let driver = driver()?;
            disks
                .iter()
                .try_for_each(|disk| driver.disk(disk)?.destroy())?;
            Ok(String::new())
        }
        Command::Crash {
            disk,
            lose,
            torn,
            seed,
        } => {
            let driver = driver()?;
            let disk = driver.disk(disk)?;
            let settings = [
                ("crash/lose", lose.clone()),
                ("crash/torn", torn.clone()),
                ("crash/seed", seed.clone()),
                ("crash/now", Some("1".to_owned())),
            ];
            let settings = settings.into_iter().filter_map(|(attribute, value)| {
                Some(Setting {
                    attribute: attribute.to_owned(),
                    value: value?,
                })
            });
            set(&disk, &settings.collect::<Vec<_>>())?;
            Ok(String::new())
        }
        Command::Rules(command) => edit_rules(&driver()?, command),
        Command::Stats { disk, json } => {
            let driver = driver()?;
            stats(&arguments.sysfs, &driver.disk(disk)?, *json)
        }
        Command::Zones { disk } => Ok(zones::picture(driver()?.disk(disk)?.name())? + "\n"),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "rnullctl", &mut text);
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Command::Man => Ok(man()),
    }
}

/// Changes settings; a wrong one at the end changes nothing.
fn set(disk: &Disk<'_>, settings: &[Setting]) -> Result<(), Error> {
    settings
        .iter()
        .try_for_each(|setting| disk.check(setting))?;
    settings.iter().try_for_each(|setting| disk.set(setting))
}

/// Does what a command about rules asks; returns what to print.
fn edit_rules(driver: &Driver, command: &RulesCommand) -> Result<String, Error> {
    match command {
        RulesCommand::Add { disk, rule } => error_rules::add(&driver.disk(disk)?, rule)?,
        RulesCommand::Remove { disk, numbers } => {
            let disk = driver.disk(disk)?;
            numbers
                .iter()
                .try_for_each(|number| error_rules::remove(&disk, number))?;
        }
        RulesCommand::List { disk } => return error_rules::list(&driver.disk(disk)?),
    }
    Ok(String::new())
}

/// Makes a disk, or leaves nothing of it.
fn create(
    driver: &Driver,
    name: &str,
    mut settings: Vec<Setting>,
    ignore_missing: bool,
    off: bool,
) -> Result<(), Error> {
    if !off {
        settings.push(Setting {
            attribute: "power".to_owned(),
            value: "1".to_owned(),
        });
    }
    let disk = driver.create(name)?;
    if ignore_missing {
        settings.retain(|setting| {
            let has = disk.has(&setting.attribute);
            if !has {
                eprintln!("rnullctl: {name}: {setting} is left out: the driver lacks it");
            }
            has
        });
    }
    if let Err(error) = set(&disk, &settings) {
        disk.destroy()?;
        return Err(error);
    }
    adjusted(&disk, &settings)
}

/// Says what the driver made of settings that it could not take as they are.
fn adjusted(disk: &Disk<'_>, settings: &[Setting]) -> Result<(), Error> {
    for (index, Setting { attribute, value }) in settings.iter().enumerate() {
        let later = settings.iter().skip(index.saturating_add(1));
        let mut same = later.filter(|later| later.attribute == *attribute);
        let (Some(wanted), Some(got)) = (rules::number(value), disk.get(attribute)?) else {
            continue;
        };
        if same.next().is_none() && rules::number(&got).is_some_and(|got| got != wanted) {
            let name = disk.name();
            eprintln!("rnullctl: {name}: {attribute} is {got}: the driver cannot do {value} here");
        }
    }
    Ok(())
}

fn list(driver: &Driver, json: bool) -> Result<String, Error> {
    let disks = driver.disks()?;
    if !json {
        return print::table(&disks);
    }
    let mut objects = Vec::new();
    for disk in disks {
        let mut object = Map::new();
        object.insert("name".to_owned(), Value::from(disk.name()));
        object.extend(print::json(&disk.settings()?));
        objects.push(Value::from(object));
    }
    Ok(format!("{:#}\n", Value::from(objects)))
}

fn show(disk: &Disk<'_>, attributes: &[String], json: bool) -> Result<String, Error> {
    let mut settings = disk.settings()?;
    if !attributes.is_empty() {
        for attribute in attributes {
            // Says which there is not.
            disk.get(attribute)?;
        }
        settings.retain(|setting| attributes.contains(&setting.attribute));
    }
    if json {
        return Ok(object(print::json(&settings), true));
    }
    Ok(settings
        .iter()
        .map(|setting| format!("{setting}\n"))
        .collect())
}

/// What the block layer has counted for a disk, and what the driver has.
fn stats(sysfs: &Path, disk: &Disk<'_>, json: bool) -> Result<String, Error> {
    let operations = operations::read(disk)?;
    let mut counters = match stats::read(sysfs, disk.name()) {
        // What the driver has counted outlives the block layer's queue.
        Err(Error::Missing { .. }) if operations.is_some() => Map::new(),
        counters => counters?,
    };
    if json {
        let operations = operations.map(|all| operations::json(&all));
        counters.insert("operations".to_owned(), Value::from(operations));
        return Ok(object(counters, true));
    }
    let mut text = object(counters, false);
    match operations {
        Some(operations) => text.push_str(&operations::table(&operations)),
        None if disk.has(operations::ENABLED) => eprintln!(
            "rnullctl: {}: the driver counts nothing: set {}=1 while the disk is off",
            disk.name(),
            operations::ENABLED
        ),
        None => (),
    }
    Ok(text)
}

/// An object as JSON, or a line for each member.
fn object(members: Map<String, Value>, json: bool) -> String {
    if json {
        return format!("{:#}\n", Value::from(members));
    }
    members
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// The man page, with a section for each command.
fn man() -> String {
    let mut text = Vec::new();
    let command = Arguments::command();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(command).render(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
