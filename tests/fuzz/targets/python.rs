// SPDX-License-Identifier: GPL-2.0

//! What Python's tar reader lists of an archive. One Python lists all archives: starting one takes
//! longer than thousands of lists.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use super::member::{File, Kind, Member};

/// A running `list_members.py`.
struct Python {
    _child: Child,
    paths: ChildStdin,
    lists: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Self {
        let mut child = Command::new("python3")
            .args(["-c", include_str!("list_members.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python");
        Self {
            paths: child.stdin.take().expect("a pipe"),
            lists: BufReader::new(child.stdout.take().expect("a pipe")),
            _child: child,
        }
    }

    fn list(&mut self, archive: &Path) -> Value {
        writeln!(self.paths, "{}", archive.display()).expect("Python reads on");
        let mut line = String::new();
        self.lists.read_line(&mut line).expect("Python answers");
        serde_json::from_str(&line).expect("what list_members.py prints")
    }
}

/// Lists an archive's members. The path must mean the same to other processes.
///
/// # Errors
///
/// What Python says of an archive that it cannot read, or a value that no archive should have.
pub fn list(archive: &Path) -> Result<Vec<Member>, String> {
    static PYTHON: OnceLock<Mutex<Python>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| Mutex::new(Python::start()));
    let list = python.lock().expect("no panic before").list(archive);
    let members = list.as_array().ok_or_else(|| list.to_string())?;
    members
        .iter()
        .map(|record| member(record).ok_or_else(|| format!("it lists: {record}")))
        .collect()
}

fn member(record: &Value) -> Option<Member> {
    let number = |place: usize| record[place].as_u64()?.try_into().ok();
    let target = bytes(&record[8]);
    let kind = match record[1].as_str()? {
        "regular" => Kind::Regular {
            size: record[2].as_u64()?,
        },
        "directory" => Kind::Directory,
        "symlink" => Kind::Symlink { target: target? },
        "hard link" => Kind::HardLink { target: target? },
        "char" => Kind::CharDevice {
            major: number(9)?,
            minor: number(10)?,
        },
        "block" => Kind::BlockDevice {
            major: number(9)?,
            minor: number(10)?,
        },
        "fifo" => Kind::Fifo,
        _ => return None,
    };
    let file = File {
        kind,
        mode: record[3].as_u64()?.try_into().ok()?,
        uid: number(4)?,
        gid: number(5)?,
        mtime: (record[6].as_i64()?, number(7)?),
    };
    Some(Member {
        name: bytes(&record[0])?,
        file,
    })
}

/// The bytes with the numbers of a text's characters.
fn bytes(text: &Value) -> Option<Vec<u8>> {
    let characters = text.as_str()?.chars();
    characters
        .map(|character| u8::try_from(character).ok())
        .collect()
}
