//! An incident from the alert that fires to the alert that is over, by the runbook alone: what it tells on-call to paste is
//! pasted, on a number whose account Meta has locked.

use std::{fs, time::Duration};

use dawncast_testkit::until;
use serde_json::json;

use crate::{
    dawncast::{dawncast, run},
    live_observe_scene::{Observed, root},
};

const NUMBER: &str = "100000000000002";
const SOON: Duration = Duration::from_secs(30);
const WAKES_WITHIN: Duration = Duration::from_secs(60);
/// Two minutes after the last refusal, and what routes take.
const RESOLVED_WITHIN: Duration = Duration::from_secs(200);

/// The commands of the first script under *Do now* of the runbook that the alert names.
fn first_script(runbook_url: &str) -> Vec<String> {
    let name = runbook_url.rsplit('/').next().unwrap();
    let page = fs::read_to_string(root().join("docs/runbooks").join(name)).unwrap();
    let script = page.split_once("## Do now").unwrap().1.split("```").nth(1).unwrap().trim_start_matches("bash\n");
    script.lines().map(|line| line.split('#').next().unwrap().trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Prometheus and Alertmanager"]
async fn live_incident_a_locked_number_is_paused_by_the_runbook_that_the_alert_names() {
    let observed = Observed::start(&["--faults", "none", "--recipients", "6000", "--window", "90s"]).await;
    let begun = async || (observed.ledger().await.totals.accepted > 100).then_some(());
    until("messages go out", SOON, begun).await;
    let locked = json!({ "kind": "error", "code": 131_031, "http_status": 403 });
    observed.order_faults(json!([{ "match": { "number": NUMBER }, "fault": locked }])).await;
    let alert = observed.hears("pager", "firing", "DawncastNumberBanned", WAKES_WITHIN).await;
    assert_eq!((&*alert.labels["phone_number_id"], &*alert.labels["code"]), (NUMBER, "131031"));
    let commands = first_script(&alert.annotations["runbook_url"]);
    assert!(commands[0].starts_with("dawncast number pause"), "{commands:?}");
    for command in &commands {
        let filled = command.replace("NUMBER", NUMBER).replace("RUN", &observed.run());
        let said = run(dawncast(filled.split_whitespace().skip(1)).envs(observed.api()));
        assert_eq!(said.code, 0, "`{filled}`: {}", said.err);
    }
    let refused = observed.ledger().await.totals.rejected;
    observed.hears("pager", "resolved", "DawncastNumberBanned", RESOLVED_WITHIN).await;
    observed.hears("chat", "firing", "DawncastNumberPaused", SOON).await;
    assert_eq!(observed.ledger().await.totals.rejected, refused, "nothing was tried on it after the pause");
}
