//! Why a document was refused, in words its owner understands.

mod text;

pub use text::{equation, show};
