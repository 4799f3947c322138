//! Status webhooks by hand, signed as Meta signs them.

use dawncast_cloud_api::webhook::{AppSecret, ReceivedStatus, SIGNATURE_HEADER, sign};
use dawncast_cloud_sim::AttemptRecord;
use dawncast_core::ids::RunId;
use serde_json::{Value, json};

use crate::{
    postbox::Postbox,
    process::Process,
    world::{FIRST_PHONE, World},
};

/// A number's way of telling a status: one entry of a webhook.
pub(crate) fn entry(number: &str, status: Value) -> Value {
    let value = json!({ "messaging_product": "whatsapp", "statuses": [status],
                        "metadata": { "display_phone_number": "15550000001", "phone_number_id": number } });
    json!({ "id": "200000000000001", "changes": [{ "field": "messages", "value": value }] })
}

/// What is told of a message: `sent`, `delivered`, `read`, or `failed:CODE`, at `at` Unix milliseconds.
pub(crate) fn notice(of: &AttemptRecord, status: &str, at: i64) -> Value {
    let (status, code) = status.split_once(':').unwrap_or((status, ""));
    let mut told = json!({ "id": of.wamid, "status": status, "timestamp": (at / 1_000).to_string(),
                           "biz_opaque_callback_data": of.callback_data });
    if let Ok(code) = code.parse::<u32>() {
        told["errors"] = json!([{ "code": code, "title": "told by the test" }]);
    }
    entry(&of.number, told)
}

/// The same status once more.
pub(crate) fn again(received: &ReceivedStatus) -> Value {
    let status = serde_json::to_value(&received.status).unwrap();
    entry(received.phone_number_id.as_deref().unwrap(), status)
}

impl Postbox {
    /// Posts a signed webhook of these entries; the HTTP status of its answer.
    pub(crate) async fn post(&self, entries: &[Value]) -> u16 {
        let body = json!({ "object": "whatsapp_business_account", "entry": entries }).to_string().into_bytes();
        let signature = sign(&AppSecret::new("sim_app_secret").unwrap(), &body);
        let request = reqwest::Client::new().post(self.url()).header(SIGNATURE_HEADER, signature).body(body);
        request.send().await.unwrap().status().as_u16()
    }
}

impl World {
    /// A run of `people` of which the simulator tells nothing by itself, with a scheduler and a worker.
    pub(crate) async fn untold(&self, people: u64, patch: Value) -> (RunId, [Process; 2]) {
        self.sim.set_webhook(None).unwrap();
        let run = self.submit(&self.audience(people).await, patch).await;
        (run, [self.scheduler(), self.worker()])
    }

    /// The messages that were accepted for recipient `n`, oldest first.
    pub(crate) fn messages(&self, n: u64) -> Vec<AttemptRecord> {
        let ledger = self.sim.ledger();
        ledger.recipients.get(&(FIRST_PHONE + n).to_string()).map_or(Vec::new(), |known| known.attempts.clone())
    }

    /// Tells a status, stamped now, of the latest message for recipient `n`.
    pub(crate) async fn tell(&self, n: u64, status: &str) {
        let message = self.messages(n).pop().unwrap();
        assert_eq!(self.postbox.post(&[notice(&message, status, self.clock.now())]).await, 200);
    }
}
