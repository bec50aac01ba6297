//! What every code of an error, finding or reject means, why it happens, and what to do next.
//!
//! The texts are the Markdown files beside this one, a family of codes each: `## code`, then paragraphs: what it means
//! in a line, why, and `Next: …`. A test holds them against the codes that the source can produce, both ways.

use std::sync::LazyLock;

/// One code, explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The stable code.
    pub code: &'static str,
    /// Where it belongs, e.g. `the pipeline file`.
    pub family: &'static str,
    /// What it means, in one line.
    pub summary: &'static str,
    /// Why it happens; lines of at most 120 characters.
    pub why: &'static str,
    /// What to do next; lines like those of `why`.
    pub next: &'static str,
}

/// The families, in the order in which they are shown.
const FAMILIES: [&str; 16] = [
    include_str!("command_line.md"),
    include_str!("pipeline.md"),
    include_str!("preflight.md"),
    include_str!("source.md"),
    include_str!("firestore.md"),
    include_str!("destination.md"),
    include_str!("server.md"),
    include_str!("runs.md"),
    include_str!("verify.md"),
    include_str!("sync.md"),
    include_str!("rejects.md"),
    include_str!("backup.md"),
    include_str!("export.md"),
    include_str!("schema.md"),
    include_str!("ledger.md"),
    include_str!("internal.md"),
];

static ALL: LazyLock<Vec<Explanation>> = LazyLock::new(|| FAMILIES.iter().flat_map(|text| family(text)).collect());

/// The family of reject codes; only there may a code of another family come again.
pub const REJECTS: &str = "rejects";

/// Every explanation, family after family.
pub fn all() -> &'static [Explanation] {
    &ALL
}

/// What a code means; two explanations where an error and a reject share their name.
pub fn find(code: &str) -> Vec<Explanation> {
    all().iter().copied().filter(|explanation| explanation.code == code).collect()
}

/// The known codes that look most like this one, the nearest first.
pub fn nearest(code: &str) -> Vec<&'static str> {
    const MOST: usize = 3;
    let shares_word = |own: &str| code.len() >= 4 && (own.contains(code) || code.contains(own));
    let near = |own: &'static str| {
        let distance = strsim::damerau_levenshtein(code, own);
        let fits = distance <= (own.len() / 3).min(4) || shares_word(own);
        fits.then_some((distance, own))
    };
    let mut found: Vec<_> = all().iter().filter_map(|explanation| near(explanation.code)).collect();
    found.sort_unstable();
    found.dedup();
    // Beside one that is a letter away, those farther off only distract.
    let worst = found.first().map_or(0, |(distance, _)| distance + 1);
    found.into_iter().filter(|(distance, _)| *distance <= worst).map(|(_, own)| own).take(MOST).collect()
}

/// The entries of one file.
fn family(text: &'static str) -> impl Iterator<Item = Explanation> {
    let mut parts = text.split("\n## ");
    let name = parts.next().unwrap_or_default().trim().trim_start_matches("# ");
    parts.filter_map(move |part| entry(name, part))
}

/// One entry; `None` where its form is wrong, which the tests notice.
fn entry(family: &'static str, part: &'static str) -> Option<Explanation> {
    let (code, rest) = part.trim_end().split_once('\n')?;
    let (summary, rest) = rest.split_once("\n\n")?;
    let (why, next) = rest.split_once("\n\nNext: ")?;
    Some(Explanation { code, family, summary, why, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_parts_and_is_short() {
        let written: usize = FAMILIES.iter().map(|text| text.matches("\n## ").count()).sum();
        assert_eq!(all().len(), written, "an entry lacks its summary, its reason or its `Next:`");
        for Explanation { code, family, summary, why, next } in all() {
            assert!(!family.is_empty() && !family.contains('\n'), "{code}: {family}");
            assert!(summary.ends_with('.') && summary.len() <= 120 && !summary.contains('\n'), "{code}: {summary}");
            assert!(why.ends_with(['.', ':', '`']) && next.ends_with(['.', '`']), "{code}: {why} {next}");
            assert!(why.lines().count() + next.lines().count() <= 5, "{code} is too long");
            assert!(why.lines().chain(next.lines()).all(|line| line.chars().count() <= 120), "{code}");
        }
    }

    #[test]
    fn a_code_comes_once_or_once_more_as_a_reject() {
        for explanation in all() {
            let found = find(explanation.code);
            let elsewhere = found.iter().filter(|found| found.family != REJECTS).count();
            assert!(elsewhere <= 1 && found.len() - elsewhere <= 1, "{}", explanation.code);
        }
    }

    #[test]
    fn the_nearest_codes_are_suggested() {
        assert_eq!(nearest("destination_bussy")[0], "destination_busy");
        assert_eq!(nearest("destination_bussy").len(), 1);
        assert!(nearest("busy").contains(&"destination_busy"));
        assert_eq!(nearest("wholly_unlike_anything"), Vec::<&str>::new());
    }
}
