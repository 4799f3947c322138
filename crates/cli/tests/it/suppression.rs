//! The suppression list by the commands, and what it does to a run.

use crate::flow::{Deployment, add_numbers, bring_recipients, campaign};

#[tokio::test(flavor = "multi_thread")]
async fn e2e_who_is_put_on_the_suppression_list_gets_nothing_and_is_told_why() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = bring_recipients(&it);
    assert!(it.tell(&["suppression", "list"]).contains("Nobody is suppressed."));
    let added = it.ask(&["suppression", "add", "+91 98765 43210"]);
    assert_eq!(
        (&added["phone"], &added["scope"], &added["source"]),
        (&"+919876543210".into(), &"all".into(), &"api".into())
    );
    it.write("stops.csv", "phone,scope\n+919876543299,marketing\n12,all\n");
    let refused = it.refuse(&["suppression", "import", "stops.csv"]);
    assert!(refused.err.starts_with("stops.csv:3: the phone number has 2 digits"), "{}", refused.err);
    assert!(refused.err.contains("1 lines were not taken") && refused.out.contains("1 of 2 lines"), "{}", refused.err);
    let listed = it.tell(&["suppression", "list"]);
    assert!(listed.contains("import") && listed.contains("marketing") && listed.contains("+919876543210"), "{listed}");

    it.write("campaign.json", campaign(&audience));
    let created = it.ask(&["campaign", "create", "campaign.json"]);
    let (id, run) = (created["id"].as_str().unwrap(), created["next_run"].as_str().unwrap());
    it.tell(&["campaign", "watch", id]);
    let report = it.ask(&["run", "report", run]);
    assert_eq!(report["dropped_by_reason"], serde_json::json!({ "suppressed": 1 }));
    assert_eq!(report["sla"]["eligible"], 1);
    let story = it.tell(&["delivery", "show", "--run", run, "--phone", "+919876543210"]);
    assert!(story.contains("was dropped before anything was planned: suppressed: all by api since"), "{story}");

    assert!(
        it.refuse(&["suppression", "remove", "+919876543210", "--scope", "utility"]).err.contains("not by this scope")
    );
    assert_eq!(it.ask(&["suppression", "remove", "+919876543210"])["removed"], true);
    assert!(it.refuse(&["suppression", "remove", "+919876543210"]).err.contains("is not on the suppression list"));
}
