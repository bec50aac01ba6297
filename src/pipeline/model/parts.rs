//! Parts of a pipeline that are put together before it is read: included files and environments.

use super::run::{DefaultsModel, LedgerPolicy};
use super::{CollectionModel, DestinationModel, SourceModel};
use crate::pipeline::decode::{Decode, Fields, Form, OneOrMany, Problems};
use crate::pipeline::resolved::BackupPolicy;
use crate::pipeline::yaml::Node;

/// A key, and what its value looks like.
type Part = (&'static str, fn() -> Form);

/// The keys of an environment, each with what is laid over the key of the same name.
const ENVIRONMENT: [Part; 8] = [
    ("name", String::form),
    ("source", || SourceModel::form().part()),
    ("destination", || DestinationModel::form().part()),
    ("schema", String::form),
    ("backup", Form::names::<BackupPolicy>),
    ("backup_keep", usize::form),
    ("ledger", Form::names::<LedgerPolicy>),
    ("defaults", || DefaultsModel::form().part()),
];

/// What an environment looks like.
pub fn environment() -> Form {
    Form::of(|node, problems| check_environment(node, false, problems))
}

/// Checks the keys of an environment, and those of its sections where nothing else will read them.
pub fn check_environment(node: &Node, sections: bool, problems: &mut Problems<'_>) {
    let Some(mut fields) = Fields::of(node, "an environment", problems) else { return };
    for (key, form) in ENVIRONMENT {
        let section = fields.node(key, form).filter(|_| sections);
        if let (Some(section), Form::Object(object)) = (section, form()) {
            Fields::check(section, object, problems);
        }
    }
    fields.finish(problems);
}

/// Whether an environment may say this.
pub fn is_of_environment(key: &str) -> bool {
    ENVIRONMENT.iter().any(|(own, _)| *own == key)
}

/// What an included file looks like.
pub fn included() -> Form {
    Form::of(check_included)
}

/// Checks the keys of an included file.
pub fn check_included(node: &Node, problems: &mut Problems<'_>) {
    let Some(mut fields) = Fields::of(node, "an included file", problems) else { return };
    fields.node("include", OneOrMany::<String>::form);
    fields.node("defaults", DefaultsModel::form);
    fields.node("collections", || CollectionModel::form().map());
    fields.finish(problems);
}
