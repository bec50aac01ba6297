//! Folders of migrations, and applying them.

mod apply;
mod folder;
