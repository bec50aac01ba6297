//! `gates`: each with its limit in the unit that it is judged in.

use crate::pipeline::decode::Problems;
use crate::pipeline::mark::At;
use crate::pipeline::model::{GateModel, GatesModel};
use crate::pipeline::resolved::{Criterion, Gate, RejectLimit};

/// What holds where the pipeline names none.
const DEFAULTS: [Criterion; 3] =
    [Criterion::ConsistencyRate(99.9), Criterion::RejectRate(0.1), Criterion::CleanVerifies(1)];

/// The gates in the order in which they are judged.
pub(super) fn gates(model: &GatesModel, problems: &mut Problems<'_>) -> Vec<Gate> {
    let mut gates = Vec::new();
    if let Some(gate) = &model.consistency_rate {
        gates.extend(percent(&gate.limit, problems).map(|limit| of(gate, Criterion::ConsistencyRate(limit))));
    }
    if let Some(gate) = &model.reject_rate {
        no_window(gate, problems);
        gates.extend(percent(&gate.limit, problems).map(|limit| of(gate, Criterion::RejectRate(limit))));
    }
    if let Some(gate) = &model.lag {
        no_window(gate, problems);
        gates.push(of(gate, Criterion::Lag(gate.limit.value)));
    }
    if let Some(gate) = &model.clean_verifies {
        gates.push(of(gate, Criterion::CleanVerifies(gate.limit.value.0 as u64)));
    }
    if gates.is_empty() {
        let default = |criterion| Gate { criterion, window: None, severity: crate::pipeline::resolved::Severity::Stop };
        gates.extend(DEFAULTS.map(default));
    }
    gates
}

fn of<T>(gate: &GateModel<T>, criterion: Criterion) -> Gate {
    Gate { criterion, window: gate.window, severity: gate.severity.unwrap_or_default() }
}

fn percent(limit: &At<RejectLimit>, problems: &mut Problems<'_>) -> Option<f64> {
    match limit.value {
        RejectLimit::Percent(percent) => Some(percent),
        RejectLimit::Count(_) => {
            problems.add_with_hint("wrong_type", limit.mark, "a rate is a percentage", "write e.g. `99.9%`");
            None
        }
    }
}

/// Only comparisons have a history that a window can be looked for in.
fn no_window<T>(gate: &GateModel<T>, problems: &mut Problems<'_>) {
    if gate.window.is_some() {
        let hint = "`for` belongs to consistency_rate and clean_verifies, which are measured again and again";
        problems.add_with_hint("gate_window", gate.limit.mark, "this gate is judged as it is at the moment", hint);
    }
}
