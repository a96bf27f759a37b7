// SPDX-License-Identifier: GPL-2.0
//! The tables of options in `Documentation/rnull.rst`: what the driver's own table says.

use std::fs;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::error::{Error, Kind, Result};
use crate::Lab;

/// The document, in the checkout.
pub const DOCUMENT: &str = "Documentation/rnull.rst";

/// The driver's table, in the checkout.
const SOURCE: &str = "block/rnull/options.rs";

/// What stands around a table, which is made anew each time; which options it has follows the name.
const BEGIN: &str = ".. options, by `make documents`: ";
const END: &str = ".. end of options\n";

/// The width of the text about an option, in characters.
const TEXT_WIDTH: usize = 44;

/// An option of the driver.
#[derive(Debug, Default, PartialEq, Eq)]
struct DriverOption {
    /// Of the module; none for what is a file only.
    parameter: Option<String>,
    /// Of a disk in configfs; none for what is a parameter only.
    file: Option<String>,
    /// As `modinfo` and users write it; none for what cannot be read or has none.
    default: Option<String>,
    help: String,
}

/// Makes the document: the one there is, with tables of today's options.
///
/// # Errors
/// `Build` where the source's table cannot be read, or the document has no place for tables.
pub fn document(lab: &Lab) -> Result<String> {
    let read = |name| {
        let path = lab.checkout().join(name);
        fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))
    };
    let options = find(&read(SOURCE)?).ok_or_else(|| {
        let message = format!("{SOURCE}: the table `options!` is not as the documents expect it");
        Error::new(Kind::Build, message)
    })?;
    fill(&read(DOCUMENT)?, &options).ok_or_else(|| {
        let message = format!("{DOCUMENT}: a table begins with {BEGIN:?} and ends with {END:?}");
        Error::new(Kind::Build, message)
    })
}

/// Puts the tables where the document has them.
fn fill(document: &str, options: &[DriverOption]) -> Option<String> {
    let mut parts = document.split(BEGIN);
    let mut filled = parts.next()?.to_owned();
    let mut tables = 0;
    for part in parts {
        let (name, rest) = part.split_once('\n')?;
        let (_, after) = rest.split_once(END)?;
        let of_zones = |option: &&DriverOption| option.name().starts_with("zone");
        let chosen: Vec<&DriverOption> = match name {
            "zones" => options.iter().filter(of_zones).collect(),
            "disks" => options.iter().filter(|option| !of_zones(option)).collect(),
            _ => return None,
        };
        filled += &format!("{BEGIN}{name}\n\n{}\n{END}{after}", table(&chosen));
        tables += 1;
    }
    (tables > 0).then_some(filled)
}

/// The options of the driver: the parameters that stand alone, then the table.
fn find(source: &str) -> Option<Vec<DriverOption>> {
    let tokens: Vec<TokenTree> = source.parse::<TokenStream>().ok()?.into_iter().collect();
    let mut options = Vec::new();
    let mut table = None;
    for window in tokens.windows(3) {
        let [TokenTree::Ident(name), TokenTree::Punct(mark), TokenTree::Group(group)] = window
        else {
            continue;
        };
        if mark.as_char() != '!' {
            continue;
        }
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        if name == "module_parameter" {
            let (parameter, default) = parameter(&tokens)?;
            options.push(DriverOption {
                parameter: Some(parameter),
                file: None,
                default: Some(default),
                help: text(tokens.last()?)?,
            });
        } else if name == "options" && group.delimiter() == Delimiter::Brace {
            table = Some(tokens);
        }
    }
    for line in table?.split(|token| is_mark(token, ';')) {
        if !line.is_empty() {
            options.push(DriverOption::parse(line)?);
        }
    }
    Some(options)
}

impl DriverOption {
    /// Reads a line of the table.
    fn parse(line: &[TokenTree]) -> Option<Self> {
        let file = line.first()?.to_string();
        let after = |word: &str| {
            let at = line.iter().position(|token| token.to_string() == word)?;
            line.get(at + 1..)
        };
        let (parameter, default) = match (after("parameter"), after("initially")) {
            (Some(rest), _) => parameter(rest).map(|(name, value)| (Some(name), Some(value)))?,
            (None, Some(rest)) => (None, Some(value(rest))),
            (None, None) => (None, None),
        };
        let readable = after("write_only").is_none();
        Some(Self {
            parameter,
            file: Some(file),
            default: default.filter(|_| readable),
            help: text(line.last()?)?,
        })
    }

    /// What users call it.
    fn name(&self) -> &str {
        let name = self.file.as_deref().or(self.parameter.as_deref());
        name.unwrap_or_default()
    }

    fn cells(&self) -> [String; 3] {
        let literal = |name: &Option<String>| {
            let name = name.as_ref();
            name.map_or_else(String::new, |name| format!("``{name}``"))
        };
        // A row whose first cell is empty goes on with the row before, hence the backslash.
        let parameter = match &self.parameter {
            Some(_) => literal(&self.parameter),
            None => "\\".to_owned(),
        };
        let default = self.default.clone().unwrap_or_default();
        [parameter, literal(&self.file), default]
    }
}

/// Reads `NAME: TYPE = DEFAULT`.
fn parameter(tokens: &[TokenTree]) -> Option<(String, String)> {
    let equals = tokens.iter().position(|token| is_mark(token, '='))?;
    Some((
        tokens.first()?.to_string(),
        value(tokens.get(equals + 1..)?),
    ))
}

/// An expression, up to a comma, as users write its value.
fn value(tokens: &[TokenTree]) -> String {
    let expression = tokens.iter().take_while(|token| !is_mark(token, ','));
    let expression: Vec<&TokenTree> = expression.collect();
    if let Some(TokenTree::Group(argument)) = expression.last() {
        // The value of a type of its own is that of its argument.
        return value(&argument.stream().into_iter().collect::<Vec<_>>());
    }
    let text: String = expression.iter().map(ToString::to_string).collect();
    match &*text {
        "true" => "1".to_owned(),
        "false" => "0".to_owned(),
        "i32::MAX" => i32::MAX.to_string(),
        number => number.replace('_', ""),
    }
}

/// The text that a literal stands for, whose lines may be continued.
fn text(literal: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = literal else {
        return None;
    };
    let text = literal.to_string();
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut lines = text.split("\\\n");
    let first = lines.next()?.to_owned();
    Some(lines.fold(first, |text, line| text + line.trim_start()))
}

fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// A table of options.
fn table(options: &[&DriverOption]) -> String {
    let heading = ["Parameter", "File", "Default"].map(str::to_owned);
    let cells: Vec<[String; 3]> = options.iter().map(|option| option.cells()).collect();
    let rows = [&heading].into_iter().chain(&cells);
    let mut widths = [0; 3];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    let line = |cells: &[String; 3], text: &str| {
        let cells = cells.iter().zip(widths);
        let row: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        (row + text).trim_end().to_owned() + "\n"
    };
    let rule = line(
        &widths.map(|width| "=".repeat(width)),
        &"=".repeat(TEXT_WIDTH),
    );
    let mut table = rule.clone() + &line(&heading, "Meaning") + &rule;
    for (cells, option) in cells.iter().zip(options) {
        let mut lines = wrap(&option.help).into_iter();
        table += &line(cells, &lines.next().unwrap_or_default());
        let rest = ["", "", ""].map(str::to_owned);
        lines.for_each(|text| table += &line(&rest, &text));
    }
    table + &rule
}

/// Breaks a text into lines; words that can be names only are marked as such.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let name = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let word = match name.contains('_') {
            true => word.replace(name, &format!("``{name}``")),
            false => word.to_owned(),
        };
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word,
            Some(line) if line.len() + 1 + word.len() <= TEXT_WIDTH => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = r#"
options! {
    a is Special, "Some thing";
    b: u32, parameter bb: InRange<0, 2> = InRange::new(1), apply Device::b,
        "A long text that goes on \
         about max_b";
    zone: Late<u64>, initially Late::new(0), apply Device::z, access write_only, "Z";
}
module_parameter!(n: u32 = 1_000, "Number");
"#;

    #[test]
    fn tables_are_made_of_the_drivers_own() {
        let options = find(OPTIONS).unwrap();
        let document = format!("x\n\n{BEGIN}disks\nold\n{END}\ny\n");
        let expected = "\
=========  =====  =======  ============================================
Parameter  File   Default  Meaning
=========  =====  =======  ============================================
``n``             1000     Number
\\          ``a``           Some thing
``bb``     ``b``  1        A long text that goes on about ``max_b``
=========  =====  =======  ============================================
";
        let filled = fill(&document, &options).unwrap();
        assert_eq!(
            filled,
            format!("x\n\n{BEGIN}disks\n\n{expected}\n{END}\ny\n")
        );
        assert_eq!(fill(&filled, &options), Some(filled.clone()));
        let [.., zone] = &*options else { panic!() };
        assert_eq!((zone.name(), &zone.default), ("zone", &None));
        assert_eq!(fill("no table", &options), None);
        assert_eq!(find("options! { a: u32, initially 0, 5; }"), None);
    }
}
