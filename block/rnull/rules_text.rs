// SPDX-License-Identifier: GPL-2.0

//! Error rules, as users write them.

use crate::{
    chance::Chance,
    operation,
    rules::{Effect, Rule},
    sector_range::SectorRange,
};
use blk::{status::Status, value::Value};
use kernel::{fmt, prelude::*, str::CString};

/// More than the longest line of a rule has, in bytes.
pub(crate) const LONGEST_LINE: usize = 256;

/// A bit for each operation, and that of reads.
const ANY: u8 = (1 << operation::OPERATIONS) - 1;
const READ: u8 = 1 << operation::Operation::Read.index();

/// The rule that `text` describes: words with spaces between, of which `status` or `corrupt` must
/// be there.
///
/// # Errors
///
/// `EINVAL`; the kernel's log has the word and what it must be. `ENOMEM`.
pub(crate) fn parse(text: &str) -> Result<Rule> {
    let mut operations = None;
    let mut sectors = SectorRange::ALL;
    let mut effect = None;
    let mut chance = Chance::ALWAYS;
    let mut times = None;
    let mut heals = false;

    for word in text.split_ascii_whitespace() {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (word, None),
        };
        match (key, value) {
            ("op", Some(names)) => {
                let named = parse_operations(names)
                    .ok_or_else(|| refuse(word, "no such operation; see the documentation"))?;
                operations = Some(named);
            }
            ("sectors", Some(range)) => {
                sectors = SectorRange::from_text(range)
                    .map_err(|_| refuse(word, "must be FIRST-LAST, the last not before it"))?;
            }
            ("status", Some(name)) if effect.is_none() => {
                let status = Status::failure(name)
                    .ok_or_else(|| refuse(word, "no such status; see the documentation"))?;
                effect = Some(Effect::Fails(status));
            }
            ("corrupt", None) if effect.is_none() => effect = Some(Effect::Corrupts),
            ("status" | "corrupt", _) => {
                return Err(refuse(word, "one of `status=NAME` and `corrupt`, once"))
            }
            ("probability", Some(percent)) => {
                chance = Chance::from_text(percent)
                    .map_err(|_| refuse(word, "must be 0 to 100, at most four decimals"))?;
            }
            ("times", Some(number)) => {
                let number = CString::try_from_fmt(fmt!("{number}"))?;
                let number = u32::parse(&number);
                times = Some(number.map_err(|_| refuse(word, "must be a number below 2^32"))?);
            }
            ("heal", None) => heals = true,
            _ => return Err(refuse(word, "no part of a rule; see the documentation")),
        }
    }
    let Some(effect) = effect else {
        return Err(refuse(text, "lacks `status=NAME` or `corrupt`"));
    };
    let operations = match (effect, operations) {
        (Effect::Corrupts, None | Some(READ)) => READ,
        (Effect::Corrupts, Some(_)) => return Err(refuse(text, "only op=read can be corrupt")),
        (Effect::Fails(_), operations) => operations.unwrap_or(ANY),
    };
    Ok(Rule {
        operations,
        sectors,
        effect,
        chance,
        times,
        heals,
        hits: 0,
    })
}

/// Says what is wrong with a part of a rule.
fn refuse(word: &str, must: &str) -> Error {
    pr_err!("rules: {word}: {must}\n");
    EINVAL
}

/// The operations that `names` lists with commas between; `any` stands for all.
fn parse_operations(names: &str) -> Option<u8> {
    if names == "any" {
        return Some(ANY);
    }
    let index = |wanted: &str| {
        let mut names = operation::NAMES.iter();
        names.position(|name| name.to_bytes() == wanted.as_bytes())
    };
    names
        .split(',')
        .try_fold(0, |all, name| Some(all | 1 << index(name)?))
}

/// The words that [`parse`] reads, without those that say what is so anyhow, and how often it
/// happened.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("op=")?;
        if self.operations == ANY {
            f.write_str("any")?;
        } else {
            let names = operation::NAMES.iter().zip(0..);
            let mut comma = "";
            for (name, _) in names.filter(|(_, index)| self.operations & 1 << index != 0) {
                f.write_fmt(fmt!("{comma}{name}"))?;
                comma = ",";
            }
        }
        if self.sectors != SectorRange::ALL {
            f.write_fmt(fmt!(" sectors={}", self.sectors))?;
        }
        match self.effect {
            Effect::Fails(status) => f.write_fmt(fmt!(" status={}", status.name()))?,
            Effect::Corrupts => f.write_str(" corrupt")?,
        }
        if self.chance != Chance::ALWAYS {
            f.write_fmt(fmt!(" probability={}", self.chance))?;
        }
        if let Some(times) = self.times {
            f.write_fmt(fmt!(" times={times}"))?;
        }
        if self.heals {
            f.write_str(" heal")?;
        }
        f.write_fmt(fmt!(" hits={}", self.hits))
    }
}
