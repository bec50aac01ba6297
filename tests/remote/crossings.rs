//! A crash before and after every request of a small run; resumed, the server holds what an undisturbed run leaves.

use super::program::run;
use super::scenario::Scenario;
use crate::proof::crossings::{crash, crossed, moments};

/// Longer than any test: who has to wait for it hangs.
const LONG: &str = ", lease_time: 1h";

#[test]
fn a_crash_before_or_after_any_request_is_resumed_to_the_same_result() {
    let Some(scenario) = Scenario::new(60, LONG) else { return };
    let mut crossed = crossed(&mut scenario.fresh(LONG), |remote| drop(run(remote, remote.run_command(&[])).exits(4)));
    crossed.retain(|name, _| name.starts_with("request."));
    assert_eq!(crossed.len(), 2, "{crossed:?}");
    let moments = moments(&crossed, 12);
    let mut came = 0;
    for moment in &moments {
        let mut remote = scenario.fresh(LONG);
        came += usize::from(crash(&mut remote, moment, |remote| run(remote, remote.run_command(&[])).code));
        scenario.resume_and_compare(&remote, &format!("crashed at {moment}"));
    }
    println!("{} crossings, {came} crashes", moments.len());
    assert!(came * 10 >= moments.len() * 9, "only {came} of {} crashes came", moments.len());
}
