//! What a comparison with a server costs: few requests, and answers that hold only what differs.

use super::damage::{listed, workspace};
use crate::remote::server::Sqld;

#[test]
fn equal_documents_cost_a_request_for_thousands_of_them_and_hardly_an_answer() {
    let Some(server) = Sqld::start() else { return };
    let documents = 20_000;
    let sandbox = workspace(&server.url(), documents, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let crossed = |code| {
        let report = sandbox.run(&["verify", "p.yaml", "--contents", "--json"]).exits(code).json();
        let number = |name: &str| report["crossed"][name].as_u64().unwrap();
        println!(
            "{} requests, {} bytes sent, {} received",
            number("requests"),
            number("bytes_sent"),
            number("bytes_received")
        );
        (number("requests"), number("bytes_received"))
    };
    let (requests, received) = crossed(0);
    // Twice rows by page size, and what finds out what is there.
    let most = 2 * (documents as u64).div_ceil(5_000) + 20;
    assert!(requests <= most, "{requests} requests");
    assert!(received < 200_000, "{received} bytes");
    server.execute_all(
        "UPDATE things SET text = 'x' WHERE id IN ('t00001', 't19999'); DELETE FROM things WHERE id = 't01000'",
    );
    let (damaged, _) = crossed(5);
    assert!(damaged <= most, "{damaged} requests");
    assert_eq!(listed(&sandbox).len(), 3);
}
