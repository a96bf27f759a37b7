// SPDX-License-Identifier: GPL-2.0
//! Instructions of a guest by function, from what the plugin wrote and the guest's symbols.

use std::collections::BTreeMap;

use rustc_demangle::demangle;

use super::layers::layer;

/// Instructions of each function, by its layer and its name.
pub type Counts = BTreeMap<(String, String), f64>;

/// A function of the kernel.
struct Symbol<'a> {
    address: u64,
    name: &'a str,
    module: Option<&'a str>,
}

/// Counts from lines "ADDRESS INSTRUCTIONS RUNS", in hexadecimal and twice in decimal, and
/// `/proc/kallsyms` of the same guest. Lines of another form are none of theirs.
pub fn counts(blocks: &str, kallsyms: &str) -> Counts {
    let mut symbols: Vec<_> = kallsyms.lines().filter_map(symbol).collect();
    symbols.sort_by_key(|symbol| symbol.address);
    let mut counts = Counts::new();
    for line in blocks.lines() {
        let mut words = line.split(' ');
        let address = words
            .next()
            .and_then(|word| u64::from_str_radix(word, 16).ok());
        let mut number = || words.next().and_then(|word| word.parse::<f64>().ok());
        let (Some(address), Some(instructions), Some(runs)) = (address, number(), number()) else {
            continue;
        };
        let after = symbols.partition_point(|symbol| symbol.address <= address);
        let found = after.checked_sub(1).and_then(|index| symbols.get(index));
        let (name, module) = found.map_or(("?", None), |symbol| (symbol.name, symbol.module));
        let layer = layer(address, name, module);
        let name = match layer.as_str() {
            "program" => "all functions".to_owned(),
            _ => format!("{:#}", demangle(name)),
        };
        *counts.entry((layer, name)).or_default() += instructions * runs;
    }
    counts
}

/// What `more` has beyond `less`, divided by `parts`.
pub fn difference(more: Counts, less: &Counts, parts: f64) -> Counts {
    let each = more.into_iter().map(|(key, count)| {
        let beyond = count - less.get(&key).copied().unwrap_or_default();
        (key, beyond / parts)
    });
    each.collect()
}

/// The sum of each layer.
pub fn by_layer(counts: &Counts) -> BTreeMap<&str, f64> {
    let mut sums = BTreeMap::new();
    for ((layer, _), count) in counts {
        *sums.entry(layer.as_str()).or_default() += count;
    }
    sums
}

/// A line `ADDRESS TYPE NAME [MODULE]`, of a function.
fn symbol(line: &str) -> Option<Symbol<'_>> {
    let mut words = line.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    words
        .next()
        .filter(|kind| matches!(*kind, "t" | "T" | "w" | "W"))?;
    Some(Symbol {
        address,
        name: words.next()?,
        module: words.next().map(|word| word.trim_matches(['[', ']'])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_count_for_the_function_that_they_are_in() {
        let symbols = "ffffffff81000000 T blk_one\n\
                       ffffffff81000100 t two\n\
                       ffffffff81000180 d no_function\n\
                       ffffffffc0000000 t queue_rq\t[rnull]\n";
        let blocks = "400000 3 10\nffffffff81000010 5 2\nffffffff81000020 1 1\n\
                      ffffffff810001ff 4 1\nffffffffc0000000 2 2\n";
        let counts = counts(blocks, symbols);
        let of = |layer: &str, name: &str| counts[&(layer.to_owned(), name.to_owned())];
        assert_eq!(of("program", "all functions"), 30.0);
        assert_eq!(of("block layer", "blk_one"), 11.0);
        assert_eq!(of("other kernel", "two"), 4.0);
        assert_eq!(of("module rnull", "queue_rq"), 4.0);
        assert_eq!(by_layer(&counts).get("block layer"), Some(&11.0));
        let twice: Counts = counts
            .iter()
            .map(|(key, count)| (key.clone(), count * 3.0))
            .collect();
        let each = difference(twice, &counts, 2.0);
        assert_eq!(by_layer(&each).get("program"), Some(&30.0));
    }
}
