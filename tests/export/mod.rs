//! `export`: rows back to documents. What comes back exactly does so for every document, what does not is told, and a run
//! of the export makes the same database, on a file and on a server.

mod again;
mod odd;
mod properties;
