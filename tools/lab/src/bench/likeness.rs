// SPDX-License-Identifier: GPL-2.0
//! A definition that is another one but for what it says itself: the same measures of another
//! archive, in a few lines.

use toml::{Table, Value};

use crate::error::{Error, Kind, Result};

/// The text of a definition; where it says `like = "NAME"`, with what it does not say itself from
/// the text that `read` has for that name, without the subjects that it lists in `leave_out`.
///
/// Tables are merged, anything else is taken as a whole from the one or the other.
///
/// # Errors
/// `Usage` for what is not TOML, for a name that is not known, for a definition that is like one
/// that is like another, and for a subject to be left out that is not there.
pub fn complete(text: &str, read: impl FnOnce(&str) -> Result<String>) -> Result<String> {
    let mut table = parse(text)?;
    let Some(like) = table.remove("like") else {
        return Ok(text.to_owned());
    };
    let name = string(&like, "like")?;
    let mut whole = parse(&read(name)?)?;
    if whole.contains_key("like") {
        return Err(bad(format!(
            "like = \"{name}\", which is like another one itself: name that one"
        )));
    }
    let left_out = table.remove("leave_out");
    merge(&mut whole, table);
    if let Some(names) = left_out {
        for name in names.as_array().into_iter().flatten() {
            leave_out(&mut whole, string(name, "leave_out")?)?;
        }
    }
    Ok(whole.to_string())
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn leave_out(definition: &mut Table, name: &str) -> Result<()> {
    let is_it = |subject: &Value| subject.get("name").and_then(Value::as_str) == Some(name);
    match definition.get_mut("subject").and_then(Value::as_array_mut) {
        Some(subjects) if subjects.iter().any(is_it) => {
            subjects.retain(|subject| !is_it(subject));
            Ok(())
        }
        _ => Err(bad(format!(
            "leave_out names \"{name}\", which is no subject"
        ))),
    }
}

fn parse(text: &str) -> Result<Table> {
    text.parse()
        .map_err(|error: toml::de::Error| bad(error.to_string()))
}

fn string<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    let text = value.as_str();
    text.ok_or_else(|| bad(format!("{key} takes names, not {value}")))
}

fn bad(message: String) -> Error {
    Error::new(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"
        title = "base"
        repetitions = 5
        guest = { memory_mib = 1024, programs = ["find"] }
        subject = [{ name = "a" }, { name = "b" }]
    "#;

    fn completed(text: &str) -> Result<String> {
        complete(text, |name| {
            assert_eq!(name, "base");
            Ok(BASE.to_owned())
        })
    }

    #[test]
    fn what_a_definition_does_not_say_is_the_other_s() {
        let text = r#"
            like = "base"
            title = "other"
            leave_out = ["b"]
            [guest]
            memory_mib = 2048
        "#;
        let expected = r#"
            title = "other"
            repetitions = 5
            guest = { memory_mib = 2048, programs = ["find"] }
            subject = [{ name = "a" }]
        "#;
        let table = parse(&completed(text).unwrap()).unwrap();
        assert_eq!(table, parse(expected).unwrap());
        assert_eq!(completed("title = 1 # t").unwrap(), "title = 1 # t");
    }

    #[test]
    fn what_cannot_be_completed_is_refused() {
        let refused = |text| {
            let error = completed(text).unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            error.to_string()
        };
        assert!(refused("like = 1").contains("like takes"));
        assert!(refused("like = \"base\"\nleave_out = [\"c\"]").contains("\"c\""));
        assert!(refused("like = ").contains("line 1"));
        let twice = complete("like = \"base\"", |_| Ok("like = \"x\"".to_owned()));
        assert!(twice.unwrap_err().to_string().contains("\"base\""));
    }
}
