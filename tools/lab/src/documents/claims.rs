// SPDX-License-Identifier: GPL-2.0
//! What the sources claim where they use `unsafe`.
//!
//! The tokens of a file say where the word stands and in which item, also inside macros, which a
//! parser would not look into; the comments above say why it holds.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What kind of code makes or owes a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// A block: it says why what its callees require holds.
    Block,
    /// An implementation of an unsafe trait: it says why the trait's promise holds.
    Implementation,
    /// An unsafe function: it says what its callers must see to.
    Function,
    /// An unsafe trait: it says what its implementations promise.
    Trait,
}

/// One use of `unsafe`.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    pub usage: Use,
    /// The item it is in, or that it is.
    pub item: String,
    /// The line of the word, from 1.
    pub line: usize,
    /// What is said about it; none if nothing is.
    pub text: Option<String>,
}

/// All uses of `unsafe` in a source, in its order.
///
/// # Errors
/// Those of the tokens.
pub fn find(source: &str) -> Result<Vec<Claim>, proc_macro2::LexError> {
    let mut finder = Finder {
        lines: source.lines().map(str::trim).collect(),
        claims: Vec::new(),
    };
    finder.visit(source.parse()?, "");
    Ok(finder.claims)
}

struct Finder<'a> {
    lines: Vec<&'a str>,
    claims: Vec<Claim>,
}

impl Finder<'_> {
    /// Looks through the tokens of `item`.
    fn visit(&mut self, tokens: TokenStream, item: &str) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // The item that begins here and whose body is still to come.
        let mut begun: Option<String> = None;
        for (at, token) in tokens.iter().enumerate() {
            let rest = &tokens[at + 1..];
            match token {
                TokenTree::Group(group) => {
                    let body = group.delimiter() == Delimiter::Brace;
                    let inner = if body { begun.take() } else { None };
                    self.visit(group.stream(), inner.as_deref().unwrap_or(item));
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => begun = None,
                TokenTree::Ident(word) => match word.to_string().as_str() {
                    "unsafe" => {
                        let line = word.span().start().line;
                        self.claim(line, item, rest);
                    }
                    "fn" | "mod" | "trait" | "macro_rules" => {
                        if let Some(name) = name(rest) {
                            begun = Some(join(item, &name));
                        }
                    }
                    "impl" if begun.is_none() => begun = Some(join(item, &implemented(rest))),
                    _ => {}
                },
                _ => {}
            }
        }
    }

    /// Notes the use of `unsafe` in this line, before `rest`.
    fn claim(&mut self, line: usize, outer: &str, rest: &[TokenTree]) {
        let (usage, item) = match rest.first() {
            Some(TokenTree::Group(_)) => (Use::Block, outer.to_owned()),
            Some(TokenTree::Ident(word)) => match (word.to_string().as_str(), name_of(rest)) {
                ("impl", _) => (Use::Implementation, join(outer, &implemented(&rest[1..]))),
                ("trait", Some(name)) => (Use::Trait, join(outer, &name)),
                ("fn" | "extern", Some(name)) => (Use::Function, join(outer, &name)),
                // The type of a function.
                _ => return,
            },
            _ => return,
        };
        let text = match usage {
            Use::Block | Use::Implementation => self.comment(line, "// SAFETY:", "//"),
            Use::Function | Use::Trait => self.comment(line, "/// # Safety", "///"),
        };
        // In an implementation a function owes what the trait says.
        let inherits = usage == Use::Function && outer.contains(" for ");
        let text = text.or_else(|| inherits.then(|| "What the trait requires.".to_owned()));
        self.claims.push(Claim {
            usage,
            item,
            line,
            text,
        });
    }

    /// The comment above a line that begins with `head`, as one paragraph.
    fn comment(&self, line: usize, head: &str, mark: &str) -> Option<String> {
        let above = &self.lines[..line.min(self.lines.len())];
        // The statement may have begun some lines above; what came before has a comment of its own.
        let first = above.iter().rposition(|line| line.starts_with(head))?;
        let mut end = first + 1;
        while above.get(end).is_some_and(|line| line.starts_with(mark)) {
            end += 1;
        }
        // The last of these lines has the word itself, unless it ended with the comment.
        let between = above[end..]
            .split_last()
            .map_or(&[][..], |(_, lines)| lines);
        let near = match mark {
            "///" => between.iter().all(|line| line.starts_with('#')),
            _ => between.len() < MOST_LINES_OF_A_STATEMENT,
        };
        if !near {
            return None;
        }
        let lines = above[first..end].iter().enumerate().map(|(number, line)| {
            let mark = if number == 0 { head } else { mark };
            line.strip_prefix(mark).unwrap_or(line).trim()
        });
        let words: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        Some(words.join(" "))
    }
}

/// How far above the word its comment may end: rustfmt breaks long statements.
const MOST_LINES_OF_A_STATEMENT: usize = 12;

/// The name that comes next.
fn name(tokens: &[TokenTree]) -> Option<String> {
    tokens.iter().take(2).find_map(|token| match token {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    })
}

/// The name of the function or trait that begins here; none for the type of a function.
fn name_of(tokens: &[TokenTree]) -> Option<String> {
    let at = tokens.iter().position(
        |token| matches!(token, TokenTree::Ident(word) if *word == "fn" || *word == "trait"),
    )?;
    match tokens.get(at + 1) {
        Some(TokenTree::Ident(name)) => Some(name.to_string()),
        _ => None,
    }
}

/// What is implemented by the tokens after `impl`: a type, or a trait for a type.
fn implemented(tokens: &[TokenTree]) -> String {
    let mut depth = 0_usize;
    let mut names = Vec::new();
    let mut dash = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if is_body(group) => break,
            TokenTree::Ident(word) if depth == 0 => match word.to_string().as_str() {
                "where" => break,
                "for" => names.push("for".to_owned()),
                "const" | "dyn" | "mut" => {}
                // Of a path only its last name.
                word if names.last().is_some_and(|last| last != "for") => {
                    names.pop();
                    names.push(word.to_owned());
                }
                word => names.push(word.to_owned()),
            },
            TokenTree::Punct(mark) => match mark.as_char() {
                '<' => depth += 1,
                // Not of `->`.
                '>' if !dash => depth = depth.saturating_sub(1),
                _ => {}
            },
            _ => {}
        }
        dash = matches!(token, TokenTree::Punct(mark) if mark.as_char() == '-');
    }
    names.join(" ")
}

fn is_body(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
}

fn join(outer: &str, inner: &str) -> String {
    match outer {
        "" => inner.to_owned(),
        outer => format!("{outer}::{inner}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<(Use, String, Option<String>)> {
        let claims = find(source).unwrap();
        let parts = claims.into_iter();
        parts.map(|it| (it.usage, it.item, it.text)).collect()
    }

    #[test]
    fn blocks_are_found_in_methods_and_macros_with_what_is_said() {
        let source = r#"
            impl<T: Into<u8>> Drop for path::Owner<T> where T: Send {
                fn drop(&mut self) {
                    // A note.
                    // SAFETY: The pointer is
                    // valid.
                    let a =
                        unsafe { b() };
                    try_pin_init!(Self {
                        // SAFETY: In a macro.
                        c: unsafe { d() },
                    });
                }
            }
            fn silent() { unsafe { e() } }
        "#;
        let expected = [
            (
                Use::Block,
                "Drop for Owner::drop",
                Some("The pointer is valid."),
            ),
            (Use::Block, "Drop for Owner::drop", Some("In a macro.")),
        ];
        let found = found(source);
        for (found, (usage, item, text)) in found.iter().zip(expected) {
            assert_eq!(*found, (usage, item.to_owned(), text.map(str::to_owned)));
        }
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn functions_and_traits_say_what_they_require() {
        let source = r#"
            /// Does it.
            ///
            /// # Safety
            ///
            /// `a` is valid.
            #[inline]
            pub unsafe extern "C" fn callback(a: *mut u8) {}
            // SAFETY: It has no state.
            unsafe impl<T> Send for Shared<T> {}
            /// # Safety
            ///
            /// Promised.
            pub unsafe trait Promise { type F: Fn(unsafe extern "C" fn(u8)); }
            // SAFETY: It keeps it.
            unsafe impl Promise for Kept { unsafe fn kept() {} }
        "#;
        let expected = [
            (Use::Function, "callback", "`a` is valid."),
            (Use::Implementation, "Send for Shared", "It has no state."),
            (Use::Trait, "Promise", "Promised."),
            (Use::Implementation, "Promise for Kept", "It keeps it."),
            (
                Use::Function,
                "Promise for Kept::kept",
                "What the trait requires.",
            ),
        ];
        let expected =
            expected.map(|(usage, item, text)| (usage, item.to_owned(), Some(text.to_owned())));
        assert_eq!(found(source), expected);
    }

    #[test]
    fn a_use_without_a_word_about_it_has_none() {
        let far = "\n".repeat(MOST_LINES_OF_A_STATEMENT + 1);
        let source = format!("fn f() {{\n// SAFETY: Of another.\na();{far}unsafe {{ b() }} }}");
        assert_eq!(found(&source), [(Use::Block, "f".to_owned(), None)]);
    }
}
