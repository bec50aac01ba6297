//! Nearly right inputs, made of right ones.

use super::corpus::Input;
use crate::support::documents::Random;

/// An input is cut to about this size, so that a change is likely to hit something that matters.
const MOST_BYTES: usize = 4_000;

/// Bytes that mean something to those who read.
const WORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\n",
    b"\r\n",
    b"\0",
    b"null",
    b"true",
    b"1e999",
    b"-0.0",
    b"9223372036854775808",
    b"-",
    b"0.1",
    b"NaN",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"'",
    b"--",
    b"/*",
    b"*/",
    b";",
    b"$id",
    b"${X}",
    b"${",
    b"&a",
    b"*a",
    b"!!str",
    b"|",
    b">",
    b"#",
    b"  ",
    b"\t",
    b"__collections__",
    b"fields",
    b"mapValue",
    b"integerValue",
    b"timestampValue",
    b"name",
    b"projects/p/databases/(default)/documents/a/b",
];

/// One input, changed once or several times.
pub fn mutate(corpus: &[Input], random: &mut Random) -> Input {
    let mut input = random.pick(corpus).clone();
    input.bytes = excerpt(&input.bytes, random);
    for _ in 0..=random.below(4) {
        change(&mut input.bytes, corpus, random);
    }
    input
}

/// The beginning of a long input: whole lines where it has some.
fn excerpt(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let Some(beginning) = bytes.get(..MOST_BYTES) else { return bytes.to_vec() };
    let line = beginning.iter().rposition(|byte| *byte == b'\n').filter(|_| random.per_mille(800));
    beginning[..line.map_or(MOST_BYTES, |line| line + 1)].to_vec()
}

fn change(bytes: &mut Vec<u8>, corpus: &[Input], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + random.below(40)).min(bytes.len());
    match random.below(8) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.next() as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        5 => {
            let other = &random.pick(corpus).bytes;
            let from = random.below(other.len() + 1);
            let piece = other[from..(from + random.below(200)).min(other.len())].to_vec();
            bytes.splice(at..end, piece);
        }
        6 => {
            let times = 1 + random.below(60) * usize::from(random.per_mille(50));
            let word = random.pick(WORDS).repeat(times);
            bytes.splice(at..at, word);
        }
        _ => {
            let word = random.pick(WORDS).to_vec();
            bytes.splice(at..end, word);
        }
    }
}
