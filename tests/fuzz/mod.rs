//! Everything that reads what others wrote, with inputs that are nearly right: texts of the corpus, torn, spliced and
//! changed at random. Nothing panics, nothing hangs, errors have a code, and what was read is what was counted.
//!
//! The corpus is the shapes' fixtures, the shipped pipelines and migrations, and `tests/fuzz/corpus`, where an input goes
//! that once broke something. A failure prints its seed:
//!
//! ```text
//! FIREFERRY_TEST_FUZZ=100000 FIREFERRY_TEST_SEED=7 cargo test --release fuzz -- --nocapture
//! ```

mod corpus;
mod mutate;
mod targets;

use crate::proof::setting;
use crate::support::documents::Random;
use corpus::Input;

/// Gives a target so many changed inputs, and every input of the corpus as it is.
fn fuzz(corpus: &[Input], default: usize, target: impl Fn(&Input)) {
    assert!(!corpus.is_empty());
    corpus.iter().for_each(&target);
    let seed = setting("FIREFERRY_TEST_SEED", 1) as u64;
    for round in 0..setting("FIREFERRY_TEST_FUZZ", default) as u64 {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(round));
        let input = mutate::mutate(corpus, &mut random);
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&input)));
        if tried.is_err() {
            panic!("seed {seed}, round {round}: {}: {:?}", input.name, String::from_utf8_lossy(&input.bytes));
        }
    }
}
