// SPDX-License-Identifier: GPL-2.0

//! A disk's directory in configfs.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::driver::Driver;
use crate::error::Error;
use crate::rules;
use crate::setting::Setting;

/// The bits of a file's mode of which one says that somebody can read it. (To root a file that can
/// only be written looks readable otherwise.)
const READABLE: u32 = 0o444;

/// A disk.
pub struct Disk<'a> {
    driver: &'a Driver,
    name: String,
    path: PathBuf,
}

impl<'a> Disk<'a> {
    /// The disk `name`, whose directory is `path`.
    pub fn new(driver: &'a Driver, name: &str, path: PathBuf) -> Self {
        Self {
            driver,
            name: name.to_owned(),
            path,
        }
    }

    /// The disk's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Judges a setting without writing it.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Rule`].
    pub fn check(&self, setting: &Setting) -> Result<(), Error> {
        self.require(&setting.attribute)?;
        let rule = rules::find(&setting.attribute);
        match rule.and_then(|rule| rule.broken_by(&setting.value)) {
            Some(rule) => Err(Error::Rule {
                disk: self.name.clone(),
                attribute: setting.attribute.clone(),
                value: setting.value.clone(),
                rule,
            }),
            None => Ok(()),
        }
    }

    /// Writes a setting.
    ///
    /// # Errors
    /// Those of [`Self::check`]; [`Error::Refused`] where the driver has another view; [`Error::Io`].
    pub fn set(&self, setting: &Setting) -> Result<(), Error> {
        self.check(setting)?;
        let path = self.path.join(&setting.attribute);
        // configfs takes what one system call writes.
        let file = fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&path);
        let written = file.and_then(|mut file| file.write_all(setting.value.as_bytes()));
        written.map_err(|source| match advice(&setting.attribute, &source) {
            Some(advice) => Error::Refused {
                disk: self.name.clone(),
                attribute: setting.attribute.clone(),
                value: setting.value.clone(),
                source,
                advice,
            },
            None => Error::io("write", &path)(source),
        })
    }

    /// Reads an attribute; `None` where it can only be written.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Io`].
    pub fn get(&self, attribute: &str) -> Result<Option<String>, Error> {
        self.require(attribute)?;
        let path = self.path.join(attribute);
        let metadata = fs::metadata(&path).map_err(Error::io("look at", &path))?;
        if metadata.permissions().mode() & READABLE == 0 {
            return Ok(None);
        }
        let value = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Ok(Some(value.trim_end_matches('\n').to_owned()))
    }

    /// Every attribute that can be read, with its value: in the driver's order, then those in
    /// directories of the disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn settings(&self) -> Result<Vec<Setting>, Error> {
        let plain = self.driver.features().iter().map(String::as_str);
        let names = rules::RULES.iter().map(|(name, _)| *name);
        let mut settings = Vec::new();
        for attribute in plain.chain(names.filter(|name| name.contains('/'))) {
            if !self.has(attribute) {
                continue;
            }
            if let Some(value) = self.get(attribute)? {
                settings.push(Setting {
                    attribute: attribute.to_owned(),
                    value,
                });
            }
        }
        Ok(settings)
    }

    /// Whether the disk has the attribute. The driver's list of them is of those that stand in the
    /// disk's directory itself.
    pub fn has(&self, attribute: &str) -> bool {
        if attribute.contains('/') {
            self.path.join(attribute).is_file()
        } else {
            self.driver.has(attribute)
        }
    }

    /// The disk's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Turns the disk off and removes it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn destroy(self) -> Result<(), Error> {
        fs::remove_dir(&self.path).map_err(Error::io("remove", &self.path))
    }

    fn require(&self, attribute: &str) -> Result<(), Error> {
        if self.has(attribute) {
            return Ok(());
        }
        Err(Error::Missing {
            disk: self.name.clone(),
            attribute: attribute.to_owned(),
            reason: "the loaded driver has no such attribute; `rnullctl show DISK` lists its own",
        })
    }
}

/// What to do about an error of the driver; `None` if the driver does not mean the value.
fn advice(attribute: &str, error: &std::io::Error) -> Option<String> {
    let advice = match Errno::from_io_error(error)? {
        Errno::BUSY if attribute == "rules/rules" => {
            "the disk was turned on without a rule and without rules/prepared=1: turn it off first"
                .to_owned()
        }
        Errno::NOENT if attribute == "rules/rules" => {
            "there is no such rule; `rnullctl rules list DISK` lists them".to_owned()
        }
        Errno::NOSPC if attribute == "rules/rules" => {
            "there is no room for more; remove some".to_owned()
        }
        Errno::INVAL if attribute == "crash/now" => {
            "the disk is off, or has crashed already: turn it off and on (power=0, power=1)"
                .to_owned()
        }
        Errno::BUSY => "the disk is on: turn it off first (power=0)".to_owned(),
        Errno::EXIST => "a disk of that name is on; destroy it first".to_owned(),
        Errno::RANGE => "the number is too large".to_owned(),
        Errno::INVAL if attribute == "power" => {
            "no disk can have all its settings; the kernel's log may say why".to_owned()
        }
        Errno::INVAL => match rules::find(attribute) {
            Some(rule) => format!("it must be {rule}, and go with the other settings"),
            None => "the driver says what it must be in the kernel's log".to_owned(),
        },
        _ => return None,
    };
    Some(advice)
}
