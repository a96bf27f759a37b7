// SPDX-License-Identifier: GPL-2.0

//! How long the requests of one kind take: the models, as text and as random numbers.
//!
//! Nothing here is of the kernel: `rnullctl` judges models by the same code, and its tests compare
//! what is drawn with other implementations of the same distributions.

use core::fmt;

/// The longest time that a model can have, in nanoseconds: an hour.
pub(crate) const MOST_NSEC: u64 = 3_600_000_000_000;

/// The most points that a table can have.
pub(crate) const MOST_POINTS: usize = 16;

/// The parts that a whole is counted in where percentiles are compared.
const WHOLE: u32 = 1_000_000;

/// How long requests take, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // A disk has a handful of them, and copies them at power-on.
pub(crate) enum LatencyModel {
    /// Nothing is said about it.
    Off,
    /// Always this long.
    Constant(u64),
    /// Any time from `least` to `most`, all as likely.
    Uniform {
        /// The shortest time.
        least: u64,
        /// The longest time.
        most: u64,
    },
    /// A normal distribution, of which everything below `least` is `least`.
    Normal {
        /// Its mean.
        mean: u64,
        /// Its standard deviation.
        deviation: u64,
        /// The shortest time.
        least: u64,
    },
    /// A distribution with these percentiles.
    Table(Table),
}

/// Percentiles of a distribution, which is linear between them. It begins with the first one's
/// time and ends with the last one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    points: [Point; MOST_POINTS],
    length: usize,
}

/// What part of all requests takes at most `nsec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Point {
    /// In parts of [`WHOLE`].
    part: u32,
    nsec: u64,
}

impl LatencyModel {
    /// Reads a model.
    ///
    /// # Errors
    ///
    /// The rule that `text` breaks, to be read after "it must be".
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORMS: &str = "off, constant NS, uniform MIN MAX, normal MEAN DEVIATION [MIN], or \
                             table PERCENT:NS...";
        let mut words = text.split_ascii_whitespace();
        let model = match words.next() {
            Some("off") => Self::Off,
            Some("constant") => Self::Constant(nsec(words.next().ok_or(FORMS)?)?),
            Some("uniform") => {
                let least = nsec(words.next().ok_or(FORMS)?)?;
                let most = nsec(words.next().ok_or(FORMS)?)?;
                if least > most {
                    return Err("uniform with a MIN that is not above MAX");
                }
                Self::Uniform { least, most }
            }
            Some("normal") => Self::Normal {
                mean: nsec(words.next().ok_or(FORMS)?)?,
                deviation: nsec(words.next().ok_or(FORMS)?)?,
                least: words.next().map_or(Ok(0), nsec)?,
            },
            Some("table") => Self::Table(Table::parse(words.by_ref())?),
            _ => return Err(FORMS),
        };
        match words.next() {
            None => Ok(model),
            Some(_) => Err(FORMS),
        }
    }

    /// A time for a request, in nanoseconds, made of a random number if there is something to
    /// choose; `None` if the model says nothing.
    #[inline]
    pub(crate) fn draw(&self, random: impl FnOnce() -> u64) -> Option<u64> {
        Some(match self {
            Self::Off => return None,
            Self::Constant(nsec) => *nsec,
            Self::Uniform { least, most } => {
                let choices = most.saturating_sub(*least).saturating_add(1);
                least.saturating_add(below(random(), choices))
            }
            Self::Normal {
                mean,
                deviation,
                least,
            } => normal(*mean, *deviation, random()).max(*least),
            Self::Table(table) => table.at(below(random(), u64::from(WHOLE))),
        })
    }
}

impl fmt::Display for LatencyModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Constant(nsec) => write!(f, "constant {nsec}"),
            Self::Uniform { least, most } => write!(f, "uniform {least} {most}"),
            Self::Normal {
                mean,
                deviation,
                least,
            } => write!(f, "normal {mean} {deviation} {least}"),
            Self::Table(table) => {
                f.write_str("table")?;
                for Point { part, nsec } in table.points() {
                    let (percent, mut rest) = (part / (WHOLE / 100), part % (WHOLE / 100));
                    write!(f, " {percent}")?;
                    if rest > 0 {
                        f.write_str(".")?;
                    }
                    while rest > 0 {
                        write!(f, "{}", rest / (WHOLE / 1_000))?;
                        rest = (rest % (WHOLE / 1_000)).wrapping_mul(10);
                    }
                    write!(f, ":{nsec}")?;
                }
                Ok(())
            }
        }
    }
}

/// Reads a time in nanoseconds.
fn nsec(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(nsec) if nsec <= MOST_NSEC => Ok(nsec),
        _ => Err("made of times in ns, at most an hour (3600000000000)"),
    }
}

/// Makes of a random number one below `limit`.
#[inline]
fn below(random: u64, limit: u64) -> u64 {
    // CAST: The product of two numbers of 64 bits, shifted by 64, has 64 bits.
    (u128::from(random).wrapping_mul(u128::from(limit)) >> 64) as u64
}

impl Table {
    /// Reads points, `PERCENT:NS` each.
    fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, &'static str> {
        const COUNT: &str = "table with 1 to 16 points PERCENT:NS";
        let mut table = Self {
            points: [Point::default(); MOST_POINTS],
            length: 0,
        };
        let mut last: Option<Point> = None;
        for word in words {
            let (percent, time) = word.split_once(':').ok_or(COUNT)?;
            let point = Point {
                part: part(percent)
                    .ok_or("table with percentiles from 0 to 100, of at most four decimals")?,
                nsec: nsec(time)?,
            };
            if last.is_some_and(|last| point.part <= last.part || point.nsec < last.nsec) {
                return Err("table with points that ascend");
            }
            last = Some(point);
            *table.points.get_mut(table.length).ok_or(COUNT)? = point;
            table.length = table.length.saturating_add(1);
        }
        match last {
            Some(_) => Ok(table),
            None => Err(COUNT),
        }
    }

    /// The points that there are.
    fn points(&self) -> &[Point] {
        self.points.get(..self.length).unwrap_or_default()
    }

    /// The time that `part` of [`WHOLE`] take at most.
    fn at(&self, part: u64) -> u64 {
        let mut before: Option<&Point> = None;
        for point in self.points() {
            if u64::from(point.part) > part {
                return before.map_or(point.nsec, |before| between(before, point, part));
            }
            before = Some(point);
        }
        before.map_or(0, |last| last.nsec)
    }
}

/// The time on the line from one point to a later one.
fn between(from: &Point, to: &Point, part: u64) -> u64 {
    let rise = to.nsec.saturating_sub(from.nsec);
    let width = u64::from(to.part.saturating_sub(from.part));
    // The product is below 2^62: an hour times the whole.
    let along = rise.wrapping_mul(part.saturating_sub(u64::from(from.part)));
    from.nsec
        .saturating_add(along.checked_div(width).unwrap_or(0))
}

/// Reads a percentage.
fn part(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    if !all_digits(whole) || !all_digits(decimals) || decimals.len() > 4 {
        return None;
    }
    let missing = 4_u32.checked_sub(u32::try_from(decimals.len()).ok()?)?;
    let decimals = decimals
        .parse::<u32>()
        .ok()?
        .checked_mul(10_u32.pow(missing))?;
    let part = whole.parse::<u32>().ok()?.checked_mul(WHOLE / 100)?;
    part.checked_add(decimals).filter(|part| *part <= WHOLE)
}

/// Steps of [`QUANTILES`] in which the probability halves.
const STEPS: usize = 8;

/// How far from its mean a normal distribution has a tail of probability `p`, in 2^-16 of its
/// deviation. In `STEPS` steps `p` goes from 2^-1 to 2^-2, in as many to 2^-3, and so on to 2^-13;
/// the steps of one such stretch are equal.
const QUANTILES: [u32; 97] = [
    0, 5_139, 10_310, 15_545, 20_882, 26_362, 32_032, 37_954, //
    44_203, 47_482, 50_884, 54_428, 58_140, 62_048, 66_191, 70_616, //
    75_389, 77_933, 80_600, 83_408, 86_377, 89_536, 92_917, 96_565, //
    100_540, 102_675, 104_924, 107_304, 109_834, 112_540, 115_453, 118_613, //
    122_076, 123_944, 125_918, 128_013, 130_248, 132_646, 135_235, 138_055, //
    141_156, 142_834, 144_610, 146_500, 148_519, 150_691, 153_042, 155_608, //
    158_437, 159_970, 161_597, 163_329, 165_184, 167_181, 169_346, 171_714, //
    174_330, 175_750, 177_257, 178_865, 180_588, 182_445, 184_462, 186_670, //
    189_113, 190_440, 191_851, 193_356, 194_971, 196_714, 198_608, 200_683, //
    202_983, 204_233, 205_563, 206_982, 208_507, 210_153, 211_943, 213_907, //
    216_085, 217_270, 218_531, 219_878, 221_325, 222_888, 224_590, 226_458, //
    228_531, 229_660, 230_861, 232_145, 233_525, 235_017, 236_642, 238_426, //
    240_408,
];

/// A time of a normal distribution: the inverse of its distribution function, linear between the
/// [`QUANTILES`]. It is off by less than 0.002 deviations, up to the last of them, beyond which (for
/// one of 4,096 times) it stays at 3.668 deviations.
fn normal(mean: u64, deviation: u64, random: u64) -> u64 {
    // The lowest bit says which side of the mean it is on, the others are the tail's probability.
    let probability = random >> 1 << 1 | 1;
    let halvings = usize::try_from(probability.leading_zeros()).unwrap_or(usize::MAX);
    // What follows the first one, from the left, says where between two halvings it is, downwards.
    let place = !(probability << probability.leading_zeros() << 1);
    // CAST: The shifts leave 3 and 16 bits.
    let (step, along) = ((place >> 61) as usize, (place << 3 >> 48) as u32);
    let index = halvings.saturating_mul(STEPS).saturating_add(step);
    let distance = match (QUANTILES.get(index), QUANTILES.get(index.saturating_add(1))) {
        (Some(from), Some(to)) => {
            // The product is below 2^30.
            from.saturating_add(to.saturating_sub(*from).wrapping_mul(along) >> 16)
        }
        _ => QUANTILES.last().copied().unwrap_or(0),
    };
    // An hour times 2^18 is below 2^60.
    let distance = deviation.wrapping_mul(u64::from(distance)) >> 16;
    if random & 1 == 0 {
        mean.saturating_add(distance)
    } else {
        mean.saturating_sub(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn models_are_read_and_shown() {
        for (text, shown) in [
            (" off\n", "off"),
            ("constant 5\n", "constant 5"),
            ("uniform 5 5", "uniform 5 5"),
            ("normal 100 10", "normal 100 10 0"),
            ("normal 100 10 90", "normal 100 10 90"),
            (
                "table 50:1 99.9:2 99.9999:3600000000000",
                "table 50:1 99.9:2 99.9999:3600000000000",
            ),
            ("table 0.0500:7 100:7", "table 0.05:7 100:7"),
        ] {
            let model = LatencyModel::parse(text).unwrap();
            assert_eq!(model.to_string(), shown);
            assert_eq!(LatencyModel::parse(shown), Ok(model));
        }
        for (text, rule) in [
            ("", "off, constant"),
            ("of", "off, constant"),
            ("off 1", "off, constant"),
            ("constant", "off, constant"),
            ("constant 1 2", "off, constant"),
            ("constant -1", "times in ns"),
            ("constant 3600000000001", "at most an hour"),
            ("constant 18446744073709551616", "at most an hour"),
            ("uniform 6 5", "MIN"),
            ("normal 1", "off, constant"),
            ("table", "1 to 16 points"),
            ("table 5", "1 to 16 points"),
            (
                "table 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1 10:1 11:1 12:1 13:1 14:1 15:1 16:1 17:1",
                "1 to 16 points",
            ),
            ("table 50:5 50:6", "ascend"),
            ("table 50:5 60:4", "ascend"),
            ("table 100.0001:5", "0 to 100"),
            ("table 1.00001:5", "0 to 100"),
            ("table .5:5", "0 to 100"),
            ("table +5:5", "0 to 100"),
            ("table 4294967297:5", "0 to 100"),
        ] {
            let refused = LatencyModel::parse(text).unwrap_err();
            assert!(refused.contains(rule), "{text}: {refused}");
        }
    }

    /// What Python prints for a program and an input.
    fn python(program: &str, input: &str) -> String {
        let mut python = Command::new("python3")
            .args(["-c", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = python.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap()
    }

    #[test]
    fn draws_are_where_python_has_them() {
        // Each random number as the place in the distribution that it stands for, from 0 to 1.
        let program = r#"
import sys, statistics
STEP, MASK = 0x9e3779b97f4a7c15, 2**64 - 1
normal = statistics.NormalDist(10**9, 10**8)
points = [(0.5, 80_000), (0.9, 120_000), (0.99, 900_000), (0.999, 5_000_000)]
def table(p):
    if p < points[0][0]: return points[0][1]
    for (p0, t0), (p1, t1) in zip(points, points[1:]):
        if p < p1: return t0 + (t1 - t0) * (p - p0) / (p1 - p0)
    return points[-1][1]
worst = [0, 0, 0]
for line in sys.stdin:
    r, uniform, norm, tab = map(int, line.split())
    tail = (r | 1) / 2**64
    # An odd number is below the mean, and its tail is twice as likely as one side's.
    distance = 10**9 - normal.inv_cdf(tail / 2)
    expected = 10**9 - distance if r & 1 else 10**9 + distance
    expected = min(max(expected, 10**9 - 3.6684e8), 10**9 + 3.6684e8)
    worst[0] = max(worst[0], abs(uniform - (1000 + r * 9001 / 2**64)))
    worst[1] = max(worst[1], abs(norm - expected) / 10**8)
    worst[2] = max(worst[2], abs(tab - table(r / 2**64)) / table(r / 2**64))
print(worst[0] <= 1, worst[1] < 0.002, worst[2] < 0.001)
"#;
        let model = |text| LatencyModel::parse(text).unwrap();
        let uniform = model("uniform 1000 10000");
        let normal = model("normal 1000000000 100000000");
        let table = model("table 50:80000 90:120000 99:900000 99.9:5000000");
        let numbers = (0..20_000_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let input: String = numbers
            .chain([0, 1, 2, 3, u64::MAX - 1, u64::MAX])
            .chain((0..64).map(|bit| 1 << bit))
            .map(|r| {
                let draw = |model: &LatencyModel| model.draw(|| r).unwrap();
                format!(
                    "{r} {} {} {}\n",
                    draw(&uniform),
                    draw(&normal),
                    draw(&table)
                )
            })
            .collect();
        assert_eq!(python(program, &input), "True True True\n");
    }

    #[test]
    fn no_random_number_is_used_without_need() {
        let refuse = || panic!("no number was needed");
        assert_eq!(LatencyModel::Off.draw(refuse), None);
        assert_eq!(LatencyModel::Constant(7).draw(refuse), Some(7));
        let low = LatencyModel::parse("normal 10 1000 3").unwrap();
        assert_eq!(low.draw(|| u64::MAX), Some(10));
        assert_eq!(low.draw(|| 1), Some(3));
    }
}
