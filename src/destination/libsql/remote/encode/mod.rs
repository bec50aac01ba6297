//! Many rows as one parameter: a JSON array that `json_each` takes apart, with every value by its bits.
//!
//! JSON text carries 64-bit integers and text exactly, but not doubles (SQLite's own reading of decimals is off by one
//! bit now and then) and no BLOBs. A column of doubles travels as mantissa and exponent, which multiply to exactly the
//! same double; a column of BLOBs as hexadecimal text; a column of several types with a tag beside every value.

mod double;
mod rows;

pub use rows::{Piece, pieces};
