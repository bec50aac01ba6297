//! Folders of migrations, applying them, and the verbs.

mod apply;
mod folder;
mod killed;
mod usage;
mod verbs;
